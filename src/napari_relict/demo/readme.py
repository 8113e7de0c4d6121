"""What stands in the README.txt of a demo: what is real in it and what is not."""

from __future__ import annotations

from textwrap import dedent

from napari_relict.demo.plan import COHORTS, Plan
from napari_relict.demo.sources import CT_WORDS, HEADS


def head_readme(plan: Plan, seed: int) -> str:
    """Write the README of the head demo.

    Parameters
    ----------
    plan : Plan
        Everything that is made.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    str
        Its text.
    """
    real = "\n".join(f"  {head.name}: {head.words} (package {head.volume.release}, {head.licence})" for head in HEADS)
    return (
        _start(plan)
        + f"""
What is real: {len(HEADS)} T1-weighted MR heads, fetched out of Python packages.

{real}

What is simulated: everything else. Each "patient" is one of these heads under a random smooth deformation
of its own, and each scan of a patient has its own pose, contrast, uneven brightness and noise. Patients
made from one head share its fine texture, so they are harder to tell apart than real people are. Speed and
accuracy on this demo say little about other data.

Segmentations (1 cerebrospinal fluid, 2 grey matter, 3 white matter, 4 deep fluid, mostly ventricles) come
from each volume's own brightness inside the brain. They err, as segmenters do, most where a tumour or
contrast agent is seen.
"""
        + _end(seed)
    )


def ct_readme(plan: Plan, seed: int) -> str:
    """Write the README of the CT demo.

    Parameters
    ----------
    plan : Plan
        Everything that is made.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    str
        Its text.
    """
    return (
        _start(plan)
        + f"""
What is real: {CT_WORDS}. It is the training volume tr-001 as it was published, and
the "cropped scan" among the synthetic volumes is thirty of its slices which the publisher saved apart.

What is simulated: everything else. Each "patient" is this one body under a random smooth deformation of its
own, and each scan has its own pose and noise. Labels are carried along and keep the package's numbers.
"""
        + _end(seed)
    )


def _start(plan: Plan) -> str:
    counts = {cohort: len(plan.of(cohort)) for cohort in COHORTS}
    counts["synthetic"] += len(plan.copies)
    people = len({scan.patient for scan in plan.of("training")})
    return dedent(
        f"""\
        napari-relict demo

        training   {counts["training"]} volumes of {people} patients: what a generator was trained on
        holdout    {counts["holdout"]} volumes of other patients, whom the generator never saw
        synthetic  {counts["synthetic"]} volumes: what the generator made,
                   {len(plan.copies)} of them copies of training volumes

        patients.csv says which volumes belong to one patient. truth.csv says what each synthetic volume is;
        look at it only after you have judged for yourself.
        """
    )


def _end(seed: int) -> str:
    return f"""
No generator was trained: copies were planted, the others were drawn exactly as the training and holdout
volumes. exact replica: the very anatomy of a training volume, whatever its noise, contrast, sharpness, pose
or mirroring. near replica: that anatomy with a small change (a slight deformation, a lesion).

Files differ in format and orientation on purpose; their geometry in the world is right. Seed {seed}.
Not for medical use. The packages' licences cover the packages; whose bodies these are is mostly not stated.
"""
