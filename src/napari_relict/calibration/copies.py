"""How many of the synthetic volumes are copies: from the scores alone, and from the rated ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from scipy.stats import beta, binom

CLOSE = 0.1  # the share of the null counted as close
DRAWS = 4000


@dataclass(frozen=True)
class CopyCount:
    """A number of copies among the synthetic volumes, with its 95% interval, all in volumes.

    Attributes
    ----------
    source : str
        Where it is from: scores or ratings.
    copies : float
        The number.
    low, high : float
        Its 95% interval.
    estimated_on : str
        What it rests on, in words.
    note : str
        What to keep in mind.
    """

    source: str
    copies: float
    low: float
    high: float
    estimated_on: str
    note: str


def copies_by_scores(
    statistics: np.ndarray, null: np.ndarray, seed: int = 0, *, called: int = 0, alpha: float = 0.05
) -> CopyCount | None:
    """Count how many more synthetic volumes are close than would be if nothing were copied.

    Storey's estimator (2002) of the share of true nulls at lambda = `CLOSE`, as far as it can be told from the excess
    of small p-values; at least as many as were called less those that may have been called wrongly. It errs to the low
    side: copies that are no closer than most of the null are not counted. Both shares are drawn from their Jeffreys
    posteriors, since all p-values share one null: a resample of a share of 0 would say that it is 0 for certain.

    Parameters
    ----------
    statistics : numpy.ndarray of shape (n,)
        Larger is closer; see `napari_relict.calibration.fusing.fused_statistics`.
    null : numpy.ndarray of shape (patients,)
        Likewise.
    seed : int, default: 0
        Of everything that is drawn.
    called : int, default: 0
        How many volumes were called copies at the false discovery rate `alpha`.
    alpha : float, default: 0.05
        False discovery rate.

    Returns
    -------
    CopyCount or None
        None without a null of at least 1 / `CLOSE` patients.

    Notes
    -----
    Storey (2002).
    """
    own, rivals = statistics[np.isfinite(statistics)], np.sort(null[np.isfinite(null)])
    if not len(own) or len(rivals) < 1 / CLOSE:
        return None
    random = np.random.default_rng(seed)
    # The close share of a drawn null, at the cut of the whole null, varies as the cut of a new null would.
    cut = np.quantile(rivals, 1 - CLOSE, method="higher")
    of_null, of_mine = (_share_draws(int((values >= cut).sum()), len(values), random) for values in (rivals, own))
    draws = _excess(of_mine, of_null) * len(own)
    low, high = (float(end) for end in np.quantile(draws, [0.025, 0.975]))
    copies = float(_excess((own >= cut).mean(), (rivals >= cut).mean())) * len(own)
    sure = called - int(binom.ppf(0.975, called, alpha))
    return CopyCount(
        "scores",
        max(copies, called * (1 - alpha)),
        max(low, float(sure)),
        max(high, float(called)),
        f"{len(own)} synthetic volumes beside a null of {len(rivals)} patients",
        "a lower bound: copies no closer than most of the null are not counted",
    )


def _share_draws(close: int, count: int, random: np.random.Generator) -> np.ndarray:
    return random.beta(close + 0.5, count - close + 0.5, DRAWS)


def copies_by_ratings(replicas: int, rated: int, synthetic: int) -> CopyCount | None:
    """Extend the share of replicas among rated volumes to all synthetic volumes.

    Parameters
    ----------
    replicas : int
        Rated replicas.
    rated : int
        Rated volumes.
    synthetic : int
        All synthetic volumes.

    Returns
    -------
    CopyCount or None
        None with nothing rated.

    Notes
    -----
    Clopper & Pearson (1934).
    """
    if not rated:
        return None
    low = beta.ppf(0.025, replicas, rated - replicas + 1) if replicas else 0.0
    high = beta.ppf(0.975, replicas + 1, rated - replicas) if replicas < rated else 1.0
    # What was seen is certain; what was not is not below it.
    rest = synthetic - (rated - replicas)
    return CopyCount(
        "ratings",
        replicas / rated * synthetic,
        max(float(replicas), float(low) * synthetic),
        min(float(rest), float(high) * synthetic),
        f"{replicas} replicas among {rated} rated synthetic volumes of {synthetic}",
        "holds if the rated volumes were drawn at random, not because they were close",
    )


def patients_copied(copies: CopyCount, statistics: np.ndarray, patients: Sequence[str]) -> CopyCount:
    """Count the training patients that the copies show: those of as many of the closest volumes as are copies.

    The interval is that of the number of copies: it holds where copies lie closer than the others.

    Parameters
    ----------
    copies : CopyCount
        Of `copies_by_scores`.
    statistics : numpy.ndarray of shape (n,)
        Larger is closer; NaN last.
    patients : sequence of str
        (n,) whose the nearest training volume is.

    Returns
    -------
    CopyCount
        A number of patients.
    """
    order = np.argsort(-np.nan_to_num(statistics, nan=-np.inf), kind="stable")
    closest = [patients[place] for place in order]
    seen, low, high = (
        float(len(set(closest[:count]))) for count in (round(copies.copies), floor(copies.low), ceil(copies.high))
    )
    return CopyCount(
        copies.source,
        seen,
        low,
        high,
        f"patients nearest to the closest volumes; {copies.estimated_on}",
        "a lower bound, and of these synthetic volumes alone: with more of them, more patients may be seen",
    )


def _excess(of_mine: np.ndarray | float, of_null: np.ndarray | float) -> np.ndarray:
    return np.asarray(np.clip((of_mine - np.asarray(of_null)) / np.maximum(1 - np.asarray(of_null), 1e-9), 0, 1))
