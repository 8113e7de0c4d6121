"""Who is in which cohort: drawn from a seed before any volume is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_relict.demo.operators import PLANTINGS, Relation

Cohort = Literal["training", "holdout", "synthetic"]
Ending = Literal[".nii.gz", ".nrrd", ".mha"]
COHORTS: tuple[Cohort, ...] = ("training", "holdout", "synthetic")
_ENDINGS: tuple[Ending, ...] = (".nii.gz", ".nii.gz", ".nii.gz", ".nii.gz", ".nrrd", ".mha")
_ORIENTATIONS = ("LPS", "LPS", "LPS", "LPS", "RAS", "RAS", "PIR")


@dataclass(frozen=True)
class DemoSizes:
    """How many volumes a demo has.

    Attributes
    ----------
    training, holdout : int
        Volumes per cohort.
    novel : int
        Synthetic volumes that copy nobody.
    repeats : int
        Patients of each of the two who own two volumes.
    planted : tuple of str
        Kinds of copies (see `PLANTINGS`), one synthetic volume each.
    """

    training: int
    holdout: int
    novel: int
    repeats: int
    planted: tuple[str, ...]


@dataclass(frozen=True)
class FileStyle:
    """How a volume is stored.

    Attributes
    ----------
    ending : Ending
        Which says the format.
    orientation : str
        Where its axes point, as `sitk.DICOMOrient` names it.
    """

    ending: Ending
    orientation: str


@dataclass(frozen=True)
class Scan:
    """One simulated scan.

    Attributes
    ----------
    name : str
        Of its files.
    cohort : Cohort
        Where it goes.
    patient : str
        Whose it is; empty for synthetic volumes.
    anatomy : int
        Which of the real ones it is made of, counted from 0.
    patient_seed : tuple of int
        Equal ones mean the same person.
    scan_seed : tuple of int
        Of what belongs to the scan.
    style : FileStyle
        How it is stored.
    """

    name: str
    cohort: Cohort
    patient: str
    anatomy: int
    patient_seed: tuple[int, ...]
    scan_seed: tuple[int, ...]
    style: FileStyle


@dataclass(frozen=True)
class Copy:
    """One planted copy.

    Attributes
    ----------
    name : str
        Of its files.
    kind : str
        One of `PLANTINGS`.
    training : str
        Name of the training volume it copies.
    seed : tuple of int
        Of what the operator draws.
    style : FileStyle
        How it is stored.
    """

    name: str
    kind: str
    training: str
    seed: tuple[int, ...]
    style: FileStyle


@dataclass(frozen=True)
class Truth:
    """One row of `truth.csv`.

    Attributes
    ----------
    synthetic : str
        Name of the volume.
    kind : str
        One of `PLANTINGS`, or novel.
    relation : Relation
        Exact replica, near replica or no replica.
    training : str
        Name of the training volume; empty where nothing was copied.
    description : str
        In plain words.
    """

    synthetic: str
    kind: str
    relation: Relation
    training: str
    description: str


@dataclass(frozen=True)
class Plan:
    """Everything that will be made.

    Attributes
    ----------
    scans : tuple of Scan
        Simulated scans of all cohorts.
    copies : tuple of Copy
        Planted copies.
    """

    scans: tuple[Scan, ...]
    copies: tuple[Copy, ...]

    def of(self, cohort: Cohort) -> list[Scan]:
        """Take the simulated scans of one cohort; planted copies are not among them.

        Parameters
        ----------
        cohort : Cohort
            Which one.

        Returns
        -------
        list of Scan
            In the order they were drawn.
        """
        return [scan for scan in self.scans if scan.cohort == cohort]

    def truth(self) -> list[Truth]:
        """Say what each synthetic volume is.

        Returns
        -------
        list of Truth
            In the order of their names.
        """
        novel = [
            Truth(scan.name, "novel", "no replica", "", "a simulated patient who is in no other cohort")
            for scan in self.of("synthetic")
        ]
        copied = [
            Truth(
                copy.name,
                copy.kind,
                PLANTINGS[copy.kind].relation,
                copy.training,
                f"{copy.training} {PLANTINGS[copy.kind].words}",
            )
            for copy in self.copies
        ]
        return sorted([*novel, *copied], key=lambda row: row.synthetic)


def make_plan(sizes: DemoSizes, seed: int, anatomies: int, fixed: Mapping[str, int] | None = None) -> Plan:
    """Draw the plan of a demo; the same arguments always give the same plan.

    Parameters
    ----------
    sizes : DemoSizes
        How many volumes it has.
    seed : int
        Of everything that is drawn.
    anatomies : int
        How many real ones there are.
    fixed : mapping of str to int, optional
        For kinds of copies that need it, which training volume (counted from 0) they copy; the others are drawn without
        replacement, one volume per patient at most.

    Returns
    -------
    Plan
        Everything that will be made.

    Raises
    ------
    ValueError
        The patients do not suffice for the volumes or the copies.
    """
    rng = np.random.default_rng((seed, 0))
    scans = _patients("training", sizes.training, sizes.repeats, "tr", seed, anatomies, rng)
    scans += _patients("holdout", sizes.holdout, sizes.repeats, "ho", seed, anatomies, rng)
    count = sizes.novel + len(sizes.planted)
    # Names are handed out at random, so that they tell a reader nothing.
    names = [f"sy-{number:03d}" for number in rng.permutation(count) + 1]
    for place, name in enumerate(names[: sizes.novel]):
        scans.append(
            Scan(
                name,
                "synthetic",
                "",
                int(rng.integers(anatomies)),
                (seed, 5, place),
                (seed, 6, place),
                _style(rng),
            )
        )
    sources = _copied(sizes, scans, fixed or {}, rng)
    copies = tuple(
        Copy(name, kind, source, (seed, 7, place), _style(rng))
        for place, (name, kind, source) in enumerate(zip(names[sizes.novel :], sizes.planted, sources, strict=True))
    )
    return Plan(tuple(scans), copies)


def _patients(
    cohort: Cohort,
    volumes: int,
    repeats: int,
    short: str,
    seed: int,
    anatomies: int,
    rng: np.random.Generator,
) -> list[Scan]:
    """Draw the scans of a cohort of real patients; the first `repeats` drawn own two."""
    people = volumes - repeats
    if not 0 <= repeats <= people:
        raise ValueError(f"{repeats} patients with two scans do not fit into {volumes} volumes")
    twice = set(rng.permutation(people)[:repeats].tolist())
    which = COHORTS.index(cohort)
    scans: list[Scan] = []
    for person in range(people):
        anatomy = int(rng.integers(anatomies))
        for _ in range(2 if person in twice else 1):
            number = len(scans) + 1
            scans.append(
                Scan(
                    f"{short}-{number:03d}",
                    cohort,
                    f"{cohort}-patient-{person + 1:03d}",
                    anatomy,
                    (seed, 1 + which, person),
                    (seed, 3 + which, number),
                    _style(rng),
                )
            )
    return scans


def _copied(sizes: DemoSizes, scans: Sequence[Scan], fixed: Mapping[str, int], rng: np.random.Generator) -> list[str]:
    """Names of the training volumes to copy, one per planted kind."""
    training = [scan for scan in scans if scan.cohort == "training"]
    taken = {training[place].patient for place in fixed.values()}
    first_of = {scan.patient: scan.name for scan in reversed(training) if scan.patient not in taken}
    free = list(first_of.values())
    wanted = [kind for kind in sizes.planted if kind not in fixed]
    if len(wanted) > len(free):
        raise ValueError(f"{len(wanted)} copies need as many training patients; there are {len(free)}")
    drawn = iter(rng.permutation(len(free)).tolist())
    return [training[fixed[kind]].name if kind in fixed else free[next(drawn)] for kind in sizes.planted]


def _style(rng: np.random.Generator) -> FileStyle:
    return FileStyle(_ENDINGS[rng.integers(len(_ENDINGS))], _ORIENTATIONS[rng.integers(len(_ORIENTATIONS))])
