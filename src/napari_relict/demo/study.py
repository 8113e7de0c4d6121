"""The demo's folders -> two matched studies: heads (MR) and bodies (CT)."""

from __future__ import annotations

from pathlib import Path

from napari_relict.demo.build import DemoFolders, build_ct_demo, build_demo
from napari_relict.progress import Progress, silent
from napari_relict.study import Study
from napari_relict.study.settings import FILE

HEAD_GRID = {"spacing": 2.0, "shape": (96, 112, 96)}
CT_GRID = {"spacing": 4.0, "shape": (88, 80, 96)}


def make_demo_studies(folder: Path, progress: Progress = silent) -> tuple[Study, Study]:
    """Build what is missing of the demo below `folder` and match it.

    Returns
    -------
    The study of heads in `folder`, and the study of CTs with 61 labels in `folder/ct`.

    Raises
    ------
    DataError : a real volume cannot be fetched, or `folder` holds something else.
    """
    folder = Path(folder)
    heads = _study(folder, build_demo(folder, progress=progress), HEAD_GRID)
    body = _study(folder / "ct", build_ct_demo(folder, progress=progress), CT_GRID)
    for study in (heads, body):
        study.match(progress=progress)
    return heads, body


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
