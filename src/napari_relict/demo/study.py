"""The demo's folders -> matched studies: heads (MR) and bodies (CT)."""

from __future__ import annotations

from pathlib import Path

from napari_relict.demo.build import DemoFolders, build_ct_demo, build_demo
from napari_relict.demo.plan import DemoSizes
from napari_relict.files.package_files import cache_folder
from napari_relict.jobs.progress import Progress, silent
from napari_relict.records.settings import FILE
from napari_relict.study import Study

HEAD_GRID = {"spacing": 2.0, "shape": (96, 112, 96)}
CT_GRID = {"spacing": 4.0, "shape": (88, 80, 96)}
SMALL_GRID = {"spacing": 4.0, "shape": (48, 56, 48)}

SMALL_SIZES = DemoSizes(
    training=10, holdout=12, novel=3, repeats=1, planted=("resaved", "rotated", "mirrored", "bent with lesion")
)
# Without keypoints, which take a third of the time, and with what the examples look at.
SMALL_MEASURES = (
    *("ncc", "half", "nmi", "half_ncc", "ssim", "bend", "lesion"),
    *("mobilenet_v2", "dice", "volume_difference"),
)


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


def small_study(folder: str | Path | None = None, *, again: bool = False, progress: Progress = silent) -> Study:
    """A few of the demo's heads on a coarse grid, matched: what the examples of the documentation look at.

    It is built the first time, in about two minutes, and found later. Its volumes lie in `source/` of its folder and
    what was planted in `source/truth.csv`.

    Parameters
    ----------
    folder : str or Path, optional
        Where the study lies; by default in the folder of fetched files.
    again : bool, default False
        Match a study that was found, too: only what changed since is done.
    progress : Progress, optional
        Told of the stages, as of `head_study`.

    Returns
    -------
    Study
        7 synthetic volumes, 4 of them planted copies, beside 10 training and 12 holdout volumes of
        48 x 56 x 48 voxels of 4 mm.

    Raises
    ------
    DataError
        A real volume cannot be fetched, or `folder` holds something else.

    Examples
    --------
    >>> study = small_study()  # doctest: +SKIP
    >>> study.verdicts()[["synthetic", "training", "verdict"]]  # doctest: +SKIP
    """
    place = cache_folder() / "small-study" if folder is None else Path(folder)
    if (place / FILE).exists():
        study = Study.open(place)
    else:
        study = _study(place, build_demo(place, progress=progress, sizes=SMALL_SIZES), SMALL_GRID)
    if again or study.matches().empty:
        study.match(measures=SMALL_MEASURES, progress=progress)
    return study


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
