"""Makes the demo's folders: plans, simulates side by side, writes, and goes on where it stopped."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from napari_relict.demo.plan import COHORTS, Copy, DemoSizes, FileStyle, Plan, Scan, make_plan
from napari_relict.demo.readme import ct_readme, head_readme
from napari_relict.demo.recipes import NATURAL_CROP, Recipe, ct_recipe, head_recipe
from napari_relict.demo.sample import Sample
from napari_relict.demo.writing import read_sample, write_table, write_text, write_volume
from napari_relict.errors import DataError
from napari_relict.jobs.progress import Progress, silent

Item = TypeVar("Item", Scan, Copy)

HEAD_SIZES = DemoSizes(
    training=48,
    holdout=56,
    novel=14,
    repeats=4,
    planted=(
        "resaved",
        "noise",
        "noise",
        "intensity",
        "intensity",
        "blur",
        "rotated",
        "rotated",
        "mirrored",
        "mirrored",
        "mirrored and rotated",
        "bent",
        "lesion",
        "bent with lesion",
    ),
)
CT_SIZES = DemoSizes(
    training=16,
    holdout=56,
    novel=4,
    repeats=2,
    planted=("noise", "mirrored", "bent with lesion", NATURAL_CROP),
)

# Bumped when the same seed no longer gives the same volumes, so that old ones are made anew.
_RECIPE_VERSION = 1
_STAMP = ".demo.json"
_OURS = re.compile(r"(tr|ho|sy)-\d{3}\.(nii\.gz|nrrd|mha)")


@dataclass(frozen=True)
class DemoFolders:
    """Where a demo's volumes and tables lie.

    Attributes
    ----------
    modality : str
        "mr" or "ct".
    source : pathlib.Path
        The folder that holds everything below.
    training, holdout, synthetic : pathlib.Path
        Folders of volumes. training_segmentations, ... : folders of segmentations, named like the volumes.
    training_segmentations, holdout_segmentations, synthetic_segmentations : pathlib.Path
        Folders of segmentations, named like the volumes.
    patients : pathlib.Path
        Table with the columns volume, patient.
    truth : pathlib.Path
        Table with the columns synthetic, kind, relation, training, description.
    """

    modality: str
    source: Path
    training: Path
    holdout: Path
    synthetic: Path
    training_segmentations: Path
    holdout_segmentations: Path
    synthetic_segmentations: Path
    patients: Path
    truth: Path

    @classmethod
    def below(cls, source: Path, modality: str) -> DemoFolders:
        """Name the folders of a demo.

        Parameters
        ----------
        source : pathlib.Path
            Where its files lie.
        modality : str
            "mr" or "ct".

        Returns
        -------
        DemoFolders
            The folders; nothing is made.
        """
        return cls(
            modality,
            source,
            training=source / "training",
            holdout=source / "holdout",
            synthetic=source / "synthetic",
            training_segmentations=source / "training-segmentations",
            holdout_segmentations=source / "holdout-segmentations",
            synthetic_segmentations=source / "synthetic-segmentations",
            patients=source / "patients.csv",
            truth=source / "truth.csv",
        )


def build_demo(
    folder: Path, *, progress: Progress = silent, seed: int = 7, sizes: DemoSizes = HEAD_SIZES
) -> DemoFolders:
    """Write the head demo below `folder`/source and say where everything lies.

    Volumes are int16 MR-like heads of 96 x 112 x 96 voxels of 2 mm. The same `seed` and `sizes` always give
    the same volumes; files that are there already are kept, so a build that was stopped goes on. `progress`
    is told of the stages "fetch" and "anatomies" (the first time) and "volumes".

    Parameters
    ----------
    folder : pathlib.Path
        Where the demo lies.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.
    seed : int, default: 7
        Of everything that is drawn.
    sizes : DemoSizes, default: HEAD_SIZES
        How many volumes it has.

    Returns
    -------
    DemoFolders
        Where everything lies.

    Raises
    ------
    DataError
        A real volume cannot be fetched, or `folder`/source holds files that are not the demo's.

    Examples
    --------
    >>> from pathlib import Path
    >>> folders = build_demo(Path("demo"))  # doctest: +SKIP
    >>> folders.training  # doctest: +SKIP
    PosixPath('demo/source/training')
    """
    source = folder / "source"
    _prepare(source, "head", seed, sizes)
    recipe = head_recipe(progress)
    plan = make_plan(sizes, seed, recipe.anatomies)
    return _build(DemoFolders.below(source, "mr"), recipe, plan, head_readme(plan, seed), progress)


def build_ct_demo(
    folder: Path, *, progress: Progress = silent, seed: int = 8, sizes: DemoSizes = CT_SIZES
) -> DemoFolders:
    """Write the CT demo below `folder`/ct/source: abdomens in Hounsfield units with 61 organ labels, 3 mm.

    Otherwise as `build_demo`.

    Parameters
    ----------
    folder : pathlib.Path
        Where the demo lies.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.
    seed : int, default: 8
        Of everything that is drawn.
    sizes : DemoSizes, default: CT_SIZES
        How many volumes it has.

    Returns
    -------
    DemoFolders
        Where everything lies.

    Raises
    ------
    DataError
        As for `build_demo`.
    """
    source = folder / "ct" / "source"
    _prepare(source, "ct", seed, sizes)
    recipe = ct_recipe(progress)
    fixed = {NATURAL_CROP: 0} if NATURAL_CROP in sizes.planted else {}
    plan = make_plan(sizes, seed, recipe.anatomies, fixed)
    return _build(DemoFolders.below(source, "ct"), recipe, plan, ct_readme(plan, seed), progress)


def _prepare(source: Path, what: str, seed: int, sizes: DemoSizes) -> None:
    """Make `source` ready: keep files of the same demo, remove those of another, touch nobody else's."""
    stamp = source / _STAMP
    wanted = {"demo": what, "version": _RECIPE_VERSION, "seed": seed, "sizes": asdict(sizes)}
    text = json.dumps(wanted, indent=1)
    if stamp.is_file():
        if stamp.read_text(encoding="utf-8") == text:
            return
        for path in source.glob("*/*"):
            if _OURS.fullmatch(path.name):
                path.unlink()
    elif source.exists() and any(source.iterdir()):
        raise DataError(source, "is not empty and holds no demo", "choose another folder")
    source.mkdir(parents=True, exist_ok=True)
    write_text(stamp, text)


def _build(folders: DemoFolders, recipe: Recipe, plan: Plan, readme: str, progress: Progress) -> DemoFolders:
    for cohort in COHORTS:
        (folders.source / cohort).mkdir(exist_ok=True)
        (folders.source / f"{cohort}-segmentations").mkdir(exist_ok=True)
    styles = {scan.name: scan.style for scan in plan.scans}

    def scan(planned: Scan) -> None:
        _write(recipe, folders.source, planned.cohort, planned.name, planned.style, recipe.simulate(planned))

    def copy(planned: Copy) -> None:
        volume, labels = _paths(folders.source, "training", planned.training, styles[planned.training])
        training = read_sample(volume, labels, recipe.air)
        copied = recipe.copy(planned, training)
        _write(recipe, folders.source, "synthetic", planned.name, planned.style, copied)

    total = len(plan.scans) + len(plan.copies)
    scans = [item for item in plan.scans if not _exists(folders.source, item.cohort, item)]
    copies = [item for item in plan.copies if not _exists(folders.source, "synthetic", item)]
    # Copies are made of what was written, so all scans come first.
    _side_by_side(scan, scans, total - len(scans) - len(copies), total, progress)
    _side_by_side(copy, copies, total - len(copies), total, progress)
    owned = [(item.name, item.patient) for item in plan.scans if item.cohort != "synthetic"]
    write_table(folders.patients, ("volume", "patient"), owned)
    rows = [(row.synthetic, row.kind, row.relation, row.training, row.description) for row in plan.truth()]
    write_table(folders.truth, ("synthetic", "kind", "relation", "training", "description"), rows)
    write_text(folders.source / "README.txt", readme)
    return folders


def _side_by_side(
    make: Callable[[Item], None], items: Sequence[Item], done: int, total: int, progress: Progress
) -> None:
    """Run `make` over `items` in threads; the heavy parts leave Python's lock alone."""
    progress("volumes", done, total)
    pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1))
    try:
        for finished in as_completed([pool.submit(make, item) for item in items]):
            finished.result()
            done += 1
            progress("volumes", done, total)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _write(recipe: Recipe, source: Path, cohort: str, name: str, style: FileStyle, sample: Sample) -> None:
    # The volume comes last: where it is, its segmentation is too.
    write_volume(recipe.segment(sample), source / f"{cohort}-segmentations", name, style)
    write_volume(sample.image, source / cohort, name, style)


def _exists(source: Path, cohort: str, item: Scan | Copy) -> bool:
    return all(path.is_file() for path in _paths(source, cohort, item.name, item.style))


def _paths(source: Path, cohort: str, name: str, style: FileStyle) -> tuple[Path, Path]:
    """Where a volume and its segmentation are written."""
    file = f"{name}{style.ending}"
    return source / cohort / file, source / f"{cohort}-segmentations" / file
