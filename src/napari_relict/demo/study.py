"""The demo's folders -> matched studies: heads (MR) and bodies (CT)."""

from __future__ import annotations

from pathlib import Path

from napari_relict.demo.build import DemoFolders, build_ct_demo, build_demo
from napari_relict.jobs.progress import Progress, silent
from napari_relict.records.settings import FILE
from napari_relict.study import Study

HEAD_GRID = {"spacing": 2.0, "shape": (96, 112, 96)}
CT_GRID = {"spacing": 4.0, "shape": (88, 80, 96)}


def head_study(folder: Path, progress: Progress = silent) -> Study:
    """Build what is missing of the head demo in `folder` and match it.

    Parameters
    ----------
    folder : pathlib.Path
        Where the demo lies.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    Study
        The study, matched.

    Raises
    ------
    DataError
        A real volume cannot be fetched, or `folder` holds something else.
    """
    return _matched(_study(folder, build_demo(folder, progress=progress), HEAD_GRID), progress)


def ct_study(folder: Path, progress: Progress = silent) -> Study:
    """Build what is missing of the CTs with their 61 labels, in `folder`/ct, and match them.

    Parameters
    ----------
    folder : pathlib.Path
        Where the demo lies.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    Study
        The study, matched.

    Raises
    ------
    DataError
        As for `head_study`.
    """
    return _matched(_study(folder / "ct", build_ct_demo(folder, progress=progress), CT_GRID), progress)


def _matched(study: Study, progress: Progress) -> Study:
    study.match(progress=progress)
    return study


def _study(folder: Path, made: DemoFolders, grid: dict) -> Study:  # type: ignore[type-arg]
    if (folder / FILE).exists():
        return Study.open(folder)
    return Study.create(
        folder,
        training=made.training,
        holdout=made.holdout,
        synthetic=made.synthetic,
        training_segmentations=made.training_segmentations,
        holdout_segmentations=made.holdout_segmentations,
        synthetic_segmentations=made.synthetic_segmentations,
        patients=made.patients,
        modality=made.modality,  # type: ignore[arg-type]
        **grid,
    )
