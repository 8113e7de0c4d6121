"""Copies among volumes that are arrays already: a study that lasts as long as the call."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_relict.errors import UsageError
from napari_relict.jobs.progress import Progress, silent
from napari_relict.records.settings import MatchSettings
from napari_relict.study.study import Study
from napari_relict.volumes.intensity import Modality
from napari_relict.volumes.spacings import Spacing


def find_copies(
    training: Any,
    synthetic: Any,
    *,
    spacing: float | Spacing,
    holdout: Any = None,
    modality: Modality | None = None,
    measures: Sequence[str] | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Say of each synthetic volume whether it is a copy of a training volume.

    The same as `Study.create` and `Study.match` on files; a study's folder is made for the time of the call.

    Parameters
    ----------
    training, synthetic, holdout : array, tensor, or sequence of them
        Volumes (n, z, y, x), a list of volumes (z, y, x) of any size, or one volume; NumPy or torch. z grows upwards, y
        backwards, x to the patient's left. Holdout patients took no part in training; None rests p-values on the
        training patients themselves.
    spacing : float or tuple of float
        mm along z, y, x, of all volumes.
    modality : {"mr", "ct"} or None
        None looks at the first training volume.
    measures : sequence of str or None
        None: a study's own, without encoders.
    progress : Progress

    Returns
    -------
    pandas.DataFrame
        A row a synthetic volume, in the order given: `synthetic` and `training` (places in what was given), `verdict`,
        `p_value`, `q_value`, and the measures of the pair.

    Raises
    ------
    UsageError
        Not volumes: another number of axes, or none at all.
    DataError
        A volume that cannot be compared: NaN, or of one value.

    Examples
    --------
    >>> copies = find_copies(training, synthetic, spacing=(2.0, 1.0, 1.0), holdout=holdout)  # doctest: +SKIP
    >>> copies[["synthetic", "training", "verdict"]]  # doctest: +SKIP
    """
    size = (float(spacing),) * 3 if isinstance(spacing, int | float) else spacing
    chosen = measures or [name for name in MatchSettings().measures if name != "mobilenet_v2"]
    with tempfile.TemporaryDirectory() as made:
        given = {"training": training, "synthetic": synthetic, "holdout": holdout}
        folders = {
            cohort: _written(cohort, volumes, Path(made)) for cohort, volumes in given.items() if volumes is not None
        }
        study = Study.create(
            Path(made) / "study",
            training=folders["training"],
            synthetic=folders["synthetic"],
            holdout=folders.get("holdout"),
            training_spacing=size,
            synthetic_spacing=size,
            holdout_spacing=size,
            modality=modality,
            geometry="header",
            progress=progress,
        )
        problems = study.match(measures=chosen, progress=progress) + study.problems
        if problems:
            raise problems[0]
        verdicts = study.verdicts()[["synthetic", "training", "verdict", "p_value", "q_value"]]
        scores = study.matches()[["synthetic", "training", *(measure.name for measure in study.measures())]]
    found = verdicts.merge(scores, on=["synthetic", "training"], how="left").sort_values("synthetic", ignore_index=True)
    for column in ("synthetic", "training"):
        found[column] = found[column].str.removeprefix(f"{column}-").astype(int)
    return found


def _written(cohort: str, volumes: Any, folder: Path) -> Path:
    """Each volume in a file of its own, named after its place."""
    arrays = [_array(volume) for volume in ([volumes] if getattr(volumes, "ndim", 0) == 3 else volumes)]
    if not arrays:
        raise UsageError(f"{cohort}: no volumes were given")
    place = folder / cohort
    place.mkdir()
    for number, values in enumerate(arrays):
        if values.ndim != 3:
            shape = " x ".join(map(str, values.shape))
            raise UsageError(f"{cohort}: volume {number} has the shape {shape}; give (z, y, x), or (n, z, y, x) of all")
        np.save(place / f"{cohort}-{number:06d}.npy", values)
    return place


def _array(volume: Any) -> np.ndarray:
    values = volume.detach().cpu().numpy() if hasattr(volume, "detach") else np.asarray(volume)
    return values[0] if values.ndim == 4 and len(values) == 1 else values
