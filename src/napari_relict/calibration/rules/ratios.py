"""Distance to the nearest training volume, in units of the distance to the next ones.

A copy is much nearer to its source than to anyone else. Two scans of one patient, or a training volume that is there
twice, take that contrast away: then a copy of them is missed.
"""

from __future__ import annotations

import numpy as np

from napari_relict.calibration.rules.arrays import table
from napari_relict.calibration.rules.outcome import Outcome, mean
from napari_relict.errors import UsageError

CARLINI = "Carlini et al. 2023, arXiv 2301.13188"  # USENIX Security
YOON = "Yoon et al. 2023"  # workshop SPIGM at ICML
NEIGHBOURS = 50
THIRD = 1 / 3


def calibrated_l2(nearest: np.ndarray, *, cut: float | None = None) -> Outcome:
    """Compute d(x, NN1) / mean d(x, NN_1..50), over fewer neighbours where there are fewer.

    Parameters
    ----------
    nearest : numpy.ndarray of shape (synthetic, neighbours)
        Distances to the nearest training volumes, in any order; at least two.
    cut : float, optional
        Volumes below it are called copies; without one none is.

    Returns
    -------
    Outcome
        The mean ratio; calls where a cut is given.

    Raises
    ------
    DataError
        Not such an array, or a negative distance.
    UsageError
        A cut outside 0 to 1.

    Notes
    -----
    Carlini et al. (2023), arXiv 2301.13188.
    """
    distances = _sorted(nearest)[:, :NEIGHBOURS]
    values = _ratio(distances[:, 0], distances.mean(1))
    return _outcome("calibrated_l2", "Calibrated l2", CARLINI, values, cut, f"{distances.shape[1]} nearest")


def third(nearest: np.ndarray, *, cut: float = THIRD) -> Outcome:
    """Call a copy where d(x, NN1) / d(x, NN2) is below 1/3.

    Parameters
    ----------
    nearest : numpy.ndarray of shape (synthetic, neighbours)
        Distances to the nearest training volumes, in any order; at least two.
    cut : float, default: THIRD
        Volumes below it are called copies.

    Returns
    -------
    Outcome
        Calls and the mean ratio.

    Raises
    ------
    DataError
        Not such an array.
    UsageError
        A negative distance, or a cut outside 0 to 1.

    Notes
    -----
    Yoon et al. (2023).
    """
    distances = _sorted(nearest)
    return _outcome(
        "third",
        "Nearest below a third of the second",
        YOON,
        _ratio(distances[:, 0], distances[:, 1]),
        cut,
        "two nearest",
    )


def nndr(nearest: np.ndarray, *, cut: float | None = None) -> Outcome:
    """Compute the nearest neighbour distance ratio d1 / d2: its mean, and calls below a cut if one is given.

    Common for tabular synthetic data; there is no cut to go with it.

    Parameters
    ----------
    nearest : numpy.ndarray of shape (synthetic, neighbours)
        Distances to the nearest training volumes, in any order; at least two.
    cut : float, optional
        Volumes below it are called copies; without one none is.

    Returns
    -------
    Outcome
        The mean ratio; calls where a cut is given.

    Raises
    ------
    DataError
        Not such an array.
    UsageError
        A negative distance, or a cut outside 0 to 1.
    """
    distances = _sorted(nearest)
    values = _ratio(distances[:, 0], distances[:, 1])
    return _outcome("nndr", "Nearest neighbour distance ratio", "common practice", values, cut, "two nearest")


def _outcome(rule: str, title: str, source: str, values: np.ndarray, cut: float | None, of: str) -> Outcome:
    if cut is not None and not 0 < cut <= 1:
        raise UsageError(f"the cut of a ratio must lie above 0 and be at most 1, not {cut:g}")
    return Outcome(
        rule=rule,
        title=title,
        source=source,
        estimated_on=f"the {of} training volumes",
        calls=None if cut is None else values < cut,
        values=values,
        numbers={"mean ratio": mean(values)},
        note=f"called below {cut:.3g}" if cut is not None else "no cut given: none is called",
    )


def _sorted(nearest: np.ndarray) -> np.ndarray:
    nearest = table(nearest, "distances to the nearest training volumes")
    table(nearest.T, "training volumes", rows=2)
    if nearest.min() < 0:
        raise UsageError("distances must not be negative; give distances, not similarities")
    return np.sort(nearest, axis=1)


def _ratio(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Divide; 0 of 0 is 0: a volume at no distance is a copy, even if two training volumes are alike."""
    return np.asarray(np.divide(one, other, out=np.zeros_like(one), where=other > 0))
