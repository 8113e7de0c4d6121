"""Several levels, one p-value: how conspicuous a volume is on its most conspicuous level, beside the null."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_relict.calibration.null import location_and_scale, p_values
from napari_relict.calibration.predictive_tail import predictive_tail

LEAST_COVERAGE = 0.8  # of the null; a level that fewer of its patients have does not count


@dataclass(frozen=True)
class Fused:
    """One p-value a synthetic volume, all arrays (synthetic,).

    Attributes
    ----------
    p : numpy.ndarray
        By ranks within the null, by its predictive tail beyond it where that is smaller. NaN: no level, or no null.
    p_rank : numpy.ndarray
        By ranks alone.
    smallest : numpy.ndarray
        The smallest that ranks can give.
    decided : numpy.ndarray
        Index of the most conspicuous level; -1 likewise.
    """

    p: np.ndarray
    p_rank: np.ndarray
    smallest: np.ndarray
    decided: np.ndarray


def fused(closeness: np.ndarray, null: np.ndarray, *, ties: int = 1, tail: bool = True) -> Fused:
    """Fuse several levels into one p-value, and name the level that decided.

    For each synthetic volume, its scores and the null's are pooled, each level is put on a robust z-scale of that
    pool, and the largest z over the levels is the volume's statistic; its p-value is its rank among the pool's
    statistics. Everything is computed on the pool as a whole, so when a synthetic volume is exchangeable with the
    null's patients, P(p_rank <= a) <= a holds exactly, however many levels are looked at. Beyond the pool's largest
    other statistic the predictive tail speaks (see `predictive_tail.py`), which is an assumption.

    A level counts where the synthetic volume has it and at least 80% of the null have. A patient who lacks one of the
    levels is as inconspicuous there as can be, and only patients who have all of them count in the denominator: that
    makes p no smaller than among those patients alone.

    Parameters
    ----------
    closeness : numpy.ndarray of shape (synthetic, levels)
        Larger is closer, NaN where a level is missing.
    null : numpy.ndarray of shape (patients of the null, levels)
        Likewise.
    ties : int, default: 1
        See `napari_relict.calibration.null.TIES_LEFT_OUT`.
    tail : bool, default: True
        Whether the predictive tail speaks beyond the null.

    Returns
    -------
    Fused
        One p-value a synthetic volume.
    """
    count = len(closeness)
    p, p_rank, smallest = (np.full(count, np.nan) for _ in range(3))
    decided = np.full(count, -1)
    counting = levels_that_count(null)
    patterns, which = np.unique(np.isfinite(closeness) & counting, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        rows = np.flatnonzero(np.ravel(which) == number)
        rivals = null[:, pattern][np.isfinite(null[:, pattern]).any(1)] if pattern.any() else null[:0]
        complete = int(np.isfinite(rivals).all(1).sum())
        if not complete:
            continue
        smallest[rows] = ties / (ties + complete)
        levels = np.flatnonzero(pattern)
        if len(levels) == 1:  # ranks and tail know no scale: one null serves all volumes
            own = closeness[rows, levels[0]]
            p_rank[rows] = p_values(own, rivals[:, 0], ties)
            p[rows] = np.fmin(p_rank[rows], _tail_p(own, rivals[:, 0], ties, complete)) if tail else p_rank[rows]
            decided[rows] = levels[0]
            continue
        for row in rows:
            pool = np.vstack([closeness[row, levels], rivals])
            z = np.column_stack([_z(column) for column in pool.T])
            statistic = np.nan_to_num(z, nan=-np.inf).max(1)
            p_rank[row] = (ties + int((statistic[1:] >= statistic[0]).sum())) / (ties + complete)
            p[row] = p_rank[row]
            if tail and statistic[0] > statistic[1:].max():
                p[row] = np.fmin(p[row], _tail_p(statistic[:1], statistic[1:], ties, complete)[0])
            decided[row] = levels[int(z[0].argmax())]
    return Fused(np.minimum(p, 1.0), np.minimum(p_rank, 1.0), smallest, decided)


def fused_p_values(closeness: np.ndarray, null: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give `p_rank` and `decided` of `fused`.

    Parameters
    ----------
    closeness : numpy.ndarray of shape (synthetic, levels)
        Larger is closer; NaN where a level is missing.
    null : numpy.ndarray of shape (patients of the null, levels)
        Likewise.

    Returns
    -------
    tuple of 2 numpy.ndarray
        Both (synthetic,).
    """
    both = fused(closeness, null, tail=False)
    return both.p_rank, both.decided


def fused_statistics(closeness: np.ndarray, null: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take the largest z over the levels, of each synthetic volume and of each patient of the null.

    As in `fused`, but on the scale of the null alone, so that all volumes can be compared with each other. NaN where
    no level is known.

    Parameters
    ----------
    closeness : numpy.ndarray of shape (synthetic, levels)
        Larger is closer.
    null : numpy.ndarray of shape (patients of the null, levels)
        Likewise.

    Returns
    -------
    tuple of 2 numpy.ndarray
        Of shape (synthetic,) and (patients of the null,).
    """
    counting = levels_that_count(null)
    if not counting.any():
        return np.full(len(closeness), np.nan), np.full(len(null), np.nan)
    centres, scales = np.array([location_and_scale(column) for column in null[:, counting].T]).T
    both = [np.nan_to_num((scores[:, counting] - centres) / scales, nan=-np.inf).max(1) for scores in (closeness, null)]
    return np.where(np.isfinite(both[0]), both[0], np.nan), np.where(np.isfinite(both[1]), both[1], np.nan)


def levels_that_count(null: np.ndarray) -> np.ndarray:
    """Choose the levels that enough of the null's patients have.

    Parameters
    ----------
    null : numpy.ndarray of shape (patients of the null, levels)
        NaN where a level is missing.

    Returns
    -------
    numpy.ndarray of bool, shape (levels,)

    """
    return np.isfinite(null).mean(0) >= LEAST_COVERAGE if len(null) else np.zeros(null.shape[1], bool)


def _z(column: np.ndarray) -> np.ndarray:
    centre, scale = location_and_scale(column)
    return (column - centre) / scale


def _tail_p(own: np.ndarray, rivals: np.ndarray, ties: int, known: int) -> np.ndarray:
    tail = predictive_tail(rivals, ties, known)
    return np.full(len(own), np.nan) if tail is None else tail.p_values(own)
