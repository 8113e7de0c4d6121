"""What would make p-values wrong, looked for in the scores themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import mannwhitneyu

from napari_relict.calibration.predictive_tail import FEWEST_PATIENTS, LEAST_EXCESSES, predictive_tail

LEVEL = 0.01  # of each test
FEWEST_TO_COMPARE = 5  # of either side
CLEARLY = 2.0  # times the mean excess of the rest's largest values
BULK = 0.9  # quantile of the null below which volumes are compared: copies lie above


def groups_differ(statistics: np.ndarray, left_out: np.ndarray) -> bool:
    """Test whether holdout and left-out training patients are unlike: another site, say.

    Parameters
    ----------
    statistics : numpy.ndarray of shape (patients,)
        Larger is closer.
    left_out : numpy.ndarray of bool, shape (patients,)
        Training patients that were left out.

    Returns
    -------
    bool
        True where they are.

    Notes
    -----
    Mann & Whitney (1947), two-sided.
    """
    one, other = (values[np.isfinite(values)] for values in (statistics[left_out], statistics[~left_out]))
    if min(len(one), len(other)) < FEWEST_TO_COMPARE:
        return False
    return bool(mannwhitneyu(one, other).pvalue < LEVEL)


def nearer_as_a_whole(statistics: np.ndarray, null: np.ndarray) -> bool:
    """Test whether synthetic volumes are nearer than new patients would be, even those that are not conspicuous.

    The bulk of both below the null's 90% quantile is compared (Mann & Whitney, one-sided): copies that lie above it do
    not make the rest look near, and a generator that is nearer as a whole cannot hide behind them.

    Parameters
    ----------
    statistics : numpy.ndarray of shape (synthetic,)
        Larger is closer.
    null : numpy.ndarray of shape (patients,)
        Likewise.

    Returns
    -------
    bool
        True where they are.
    """
    own, rivals = (values[np.isfinite(values)] for values in (statistics, null))
    if not len(rivals):
        return False
    cut = np.quantile(rivals, BULK)
    own, rivals = own[own < cut], rivals[rivals < cut]
    if min(len(own), len(rivals)) < FEWEST_TO_COMPARE:
        return False
    return bool(mannwhitneyu(own, rivals, alternative="greater").pvalue < LEVEL)


@dataclass(frozen=True)
class NullOutlier:
    """A patient of the null who is too near for a stranger.

    Attributes
    ----------
    place : int
        His place in the null.
    p : float
        Among the others, by their tail.
    """

    place: int
    p: float


def null_outliers(statistics: np.ndarray, ties: int = 1) -> list[NullOutlier]:
    """Find patients of the null far beyond the tail of the others.

    One such patient (the same person as a training patient, under another name) silences a null of any size: nothing
    that is less near than he is can be called. p is multiplied by how many patients there are (Bonferroni).

    Parameters
    ----------
    statistics : numpy.ndarray of shape (patients,)
        Larger is closer; NaN are passed over.
    ties : int, default: 1
        See `napari_relict.calibration.null.TIES_LEFT_OUT`.

    Returns
    -------
    list of NullOutlier
        Nearest first.
    """
    order = [
        int(place) for place in np.argsort(-np.nan_to_num(statistics, nan=-np.inf)) if np.isfinite(statistics[place])
    ]
    # At most a tenth can be outliers of the rest. They may hide each other, so the rest is what comes behind them all.
    most = min(len(order) // 10 + 1, len(order) - FEWEST_PATIENTS)
    ordered = statistics[order]
    for count in range(most, 0, -1):
        rest = ordered[count:]
        # A tail is fitted where it may say so: an exponential one of the same mean would need twice as much.
        spread = float((rest[:LEAST_EXCESSES] - rest[min(LEAST_EXCESSES, len(rest) - 1)]).mean())
        if ordered[count - 1] - rest[0] < CLEARLY * spread:
            continue
        tail = predictive_tail(rest, ties)
        if tail is None:
            continue
        p = tail.p_values(statistics[order[:count]])
        if np.nanmax(np.where(np.isfinite(p), p, 1.0)) * len(order) < LEVEL:
            return [NullOutlier(place, float(p_outlier)) for place, p_outlier in zip(order[:count], p, strict=True)]
    return []
