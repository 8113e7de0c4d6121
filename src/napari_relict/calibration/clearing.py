"""Which synthetic volumes may be shared, and what that promises.

The risk is the false omission rate: the share of replicas among the volumes that are cleared. A null alone cannot bound
it: it says how close non-copies come, not how far copies may lie. Only ratings of what is to be cleared can.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Clearing:
    """Which volumes are cleared.

    Attributes
    ----------
    cleared : numpy.ndarray of bool, shape (n,)
        Volumes that may go.
    bound : float
        Upper 95% bound of the share of replicas among volumes cleared without a rating; NaN where there is none.
    checked, missed : int
        Rated volumes below the cut, and how many of them are replicas: what the bound rests on.
    """

    cleared: np.ndarray
    bound: float
    checked: int
    missed: int


def fewest_to_clear(risk: float) -> int:
    """Count the rated volumes, none of them a replica, that bound the share of replicas by a risk: 59 for 0.05.

    Parameters
    ----------
    risk : float
        Above 0 and below 1.

    Returns
    -------
    int
        Rated volumes.
    """
    return int(np.ceil(np.log(1 - CONFIDENCE) / np.log1p(-risk)))


def clear_by_ratings(suspicion: np.ndarray, rated: np.ndarray, replica: np.ndarray, risk: float) -> Clearing:
    """Clear the least suspicious volumes, as many as rated ones among them show to be safe.

    Cuts are tried from the lowest that has enough rated volumes below it upwards, each a tenth of the rated volumes
    higher, until the upper 95% bound (Clopper & Pearson) of the share of replicas below it exceeds the risk. Fixed
    sequence testing: with cuts that do not depend on the labels the risk is exceeded in at most 5% of studies
    (Angelopoulos et al. 2021, "Learn then test"). It holds for rated volumes drawn at random.

    Parameters
    ----------
    suspicion : numpy.ndarray of shape (n,)
        Of rated volumes from models that had not seen them; NaN are never cleared.
    rated : numpy.ndarray of bool, shape (n,)
        Which volumes were rated.
    replica : numpy.ndarray of bool, shape (n,)
        Read where rated.
    risk : float
        Above 0 and below 1.

    Returns
    -------
    Clearing
        What is cleared, and the bound.

    Notes
    -----
    Angelopoulos et al. (2021), "Learn then test"; bound of Clopper & Pearson.
    """
    suspicions = np.sort(suspicion[rated & np.isfinite(suspicion)])
    best = Clearing(np.zeros(len(suspicion), bool), float("nan"), 0, 0)
    fewest = fewest_to_clear(risk)
    for count in range(fewest, len(suspicions) + 1, max(1, len(suspicions) // 10)):
        below = suspicion <= suspicions[count - 1]
        checked, missed = int((below & rated).sum()), int((below & rated & replica).sum())
        bound = float(beta.ppf(CONFIDENCE, missed + 1, checked - missed)) if missed < checked else 1.0
        if bound > risk:
            break
        best = Clearing(below, bound, checked, missed)
    return best


def clear_by_null(p: np.ndarray, risk: float) -> Clearing:
    """Clear volumes that are no closer to a training patient than a share `risk` of the null's patients are.

    No bound: of non-copies about `risk` are withheld for nothing, and how many copies are cleared is not known.

    Parameters
    ----------
    p : numpy.ndarray of shape (n,)
        By ranks; NaN are never cleared. A null whose smallest p exceeds the risk cannot tell copies: those that are
        nearer than all of it are undecided by their verdicts.
    risk : float
        Above 0 and below 1.

    Returns
    -------
    Clearing
        What is cleared; without a bound.
    """
    return Clearing(np.isfinite(p) & (p > risk), float("nan"), 0, 0)
