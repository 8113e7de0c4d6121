"""What stands behind a metric of a cohort: where each synthetic volume lies in the features that the metric is made of.

Metrics are of cohorts. A volume is an outlier here when real patients, one by one, hardly ever lie where it does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics.pairwise import euclidean_distances

from napari_relict.errors import UsageError
from napari_relict.experiments.quality import Gathered, gather
from napari_relict.jobs.executors import workforce
from napari_relict.jobs.progress import Progress, silent
from napari_relict.quality import METRICS
from napari_relict.quality.feature_sets import FeaturePool, Space
from napari_relict.records.reader import Stored

RANGE = (0.025, 0.975)  # of real patients; outside of it lies one in twenty of them
COLUMNS = ("synthetic", "training", "value", "standing")


@dataclass(frozen=True)
class Behind:
    """The volumes behind a metric.

    Attributes
    ----------
    what : str
        What `value` is, in words.
    real : str
        Who the real volumes are, in words.
    low, high : float
        The range of 95% of them; NaN where there are none.
    volumes : pandas.DataFrame
        `COLUMNS`, one row a synthetic volume, the farthest outside the range first. `training` is the nearest training
        volume in these features; empty where the value says nothing of any.
    """

    what: str
    real: str
    low: float
    high: float
    volumes: pd.DataFrame


def gather_for(study: Stored, metric: str, *, progress: Progress = silent) -> Gathered:
    """Gather what `volumes_behind` needs for a metric and all others of its kind; quick after `Study.quality`.

    Parameters
    ----------
    study : Stored
        The study.
    metric : str
        Its name.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    Gathered
        For `volumes_behind`.

    Raises
    ------
    UsageError
        No such metric.
    DataError
        Nothing was matched yet.
    """
    if metric not in METRICS:
        raise UsageError(f"no metric '{metric}'; there are {', '.join(METRICS)}")
    with workforce() as force:
        return gather(study, force, [METRICS[metric].works_on], progress=progress)


def volumes_behind(found: Gathered, metric: str, space: str = "") -> Behind:
    """Say where each synthetic volume lies, beside real ones, in the features of one line of the table of metrics.

    Of features the value is the distance to the nearest training volume (of slices, the mean over them of the distance
    to that volume's nearest slice); real volumes are those of the holdout, or without one training volumes and those of
    other patients. Of MS-SSIM it is the mean with the others of its kind, of looks the look itself.

    Parameters
    ----------
    found : Gathered
        Of `gather_for`.
    metric : str
        As in the table.
    space : str, default: ''
        As in the table.

    Returns
    -------
    Behind
        The volumes, the farthest outside the range first.

    Raises
    ------
    UsageError
        The line has no features here any more.
    """
    space = space or METRICS[metric].space
    if space not in found.spaces:
        raise UsageError(f"{METRICS[metric].title}: its features are not there any more; compute the quality again")
    pool, chosen = found.pool, found.spaces[space]
    made, training = pool.places("synthetic"), pool.places("training")
    nearest = np.full(len(made), "", object)
    if chosen.kind == "looks":
        what, real = METRICS[metric].title.lower(), "training and holdout volumes"
        values = chosen.rows[made]
        reference = chosen.rows[np.flatnonzero(pool.cohort != "synthetic")]
    elif chosen.kind == "pairs":
        what, real = "mean MS-SSIM with other synthetic volumes", "real volumes with those of other patients"
        values, reference = _mean_of_others(pool, chosen, made), _mean_of_others(
            pool, chosen, np.flatnonzero(pool.cohort != "synthetic")
        )  # fmt: skip
    else:
        what = f"distance to the nearest training volume, {chosen.title}"
        values, place = _to_training(chosen, made, training)
        nearest = found.volumes["name"].to_numpy(object)[training[place]]
        holdout = pool.places("holdout")
        real = "holdout volumes" if len(holdout) else "training volumes, from other patients'"
        reference = (
            _to_training(chosen, holdout, training)[0]
            if len(holdout)
            else _to_training(chosen, training, training, pool.codes)[0]
        )
    reference = reference[np.isfinite(reference)]
    low, middle, high = np.quantile(reference, (RANGE[0], 0.5, RANGE[1])) if reference.size else (np.nan,) * 3
    away = np.where(values > middle, (values - middle) / max(high - middle, 1e-12),
                    (middle - values) / max(middle - low, 1e-12))  # fmt: skip
    frame = pd.DataFrame(
        {
            "synthetic": found.volumes["name"].to_numpy(object)[made],
            "training": nearest,
            "value": values,
            "standing": [_standing(chosen, value, low, high) for value in values],
        }
    )
    order = np.argsort(-np.nan_to_num(away, nan=-1.0), kind="stable")
    return Behind(what, real, float(low), float(high), frame.iloc[order].reset_index(drop=True))


def _to_training(
    space: Space, volumes: np.ndarray, training: np.ndarray, owners: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each volume to its nearest training volume, and the place of that one among `training`.

    `owners`: of each volume of the pool; those of the same owner are left out.
    """
    theirs = space.of(training)
    apart = np.empty((len(volumes), len(training)))
    for row, volume in enumerate(volumes):  # one by one: of slices there are many
        each = euclidean_distances(space.of(np.array([volume])), theirs)
        apart[row] = each.reshape(space.each, len(training), space.each).min(2).mean(0)
    if owners is not None:
        apart[owners[volumes][:, None] == owners[training][None, :]] = np.inf
    return np.asarray(apart.min(1)), np.asarray(apart.argmin(1))


def _mean_of_others(pool: FeaturePool, space: Space, volumes: np.ndarray) -> np.ndarray:
    """Mean similarity of each volume with those of other patients among `volumes`; NaN where none was compared."""
    values = space.of(volumes).copy()
    owners = pool.codes[volumes]
    values[owners[:, None] == owners[None, :]] = np.nan
    compared = np.isfinite(values)
    total = np.where(compared, values, 0).sum(1)
    return np.asarray(np.divide(total, compared.sum(1), out=np.full(len(volumes), np.nan), where=compared.any(1)))


def _standing(space: Space, value: float, low: float, high: float) -> str:
    if not np.isfinite(value) or not np.isfinite(low):
        return ""
    if low <= value <= high:
        return "as real"
    if space.kind in ("looks", "pairs"):
        return "higher than real" if value > high else "lower than real"
    return "farther than real" if value > high else "nearer than real"
