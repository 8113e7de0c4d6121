"""How well a score tells replicas from others whatever the cut: ROC points, and the AUC with its interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

EDGE = 1e-9


def roc_points(closeness: np.ndarray, replica: np.ndarray) -> pd.DataFrame:
    """Compute every point of the ROC curve.

    Parameters
    ----------
    closeness : numpy.ndarray of shape (n,)
        Larger is closer; NaN do not count.
    replica : numpy.ndarray of bool, shape (n,)
        What readers said.

    Returns
    -------
    pandas.DataFrame
        Closeness (a pair at least this close counts as a replica; infinite at the first point), sensitivity,
        specificity. Empty unless both kinds are there.
    """
    scored = np.isfinite(closeness)
    truth = np.asarray(replica, bool)[scored]
    if not scored.any() or truth.all() or not truth.any():
        return pd.DataFrame(columns=["closeness", "sensitivity", "specificity"], dtype=float)
    false, true, cuts = roc_curve(truth, closeness[scored], drop_intermediate=False)
    return pd.DataFrame({"closeness": cuts, "sensitivity": true, "specificity": 1 - false})


def auc_interval(closeness: np.ndarray, replica: np.ndarray) -> tuple[float, float, float]:
    """Compute the AUC with its 95% interval.

    The interval holds every AUC whose own standard error (Hanley & McNeil 1982, symmetrised) does not rule out what was
    seen. DeLong's and the bootstrap's take the standard error at the AUC that was seen, which is 0 when a few
    pairs happen to be told apart perfectly: [1, 1] of six ratings.

    Parameters
    ----------
    closeness : numpy.ndarray of shape (n,)
        Finite, larger is closer; one a synthetic volume.
    replica : numpy.ndarray of bool, shape (n,)
        Both kinds.

    Returns
    -------
    tuple of 3 float
        AUC, lower and upper end.

    Notes
    -----
    Newcombe's method 5 (Stat Med 2006, 25:559) with the standard error of Hanley & McNeil (1982).
    """
    yes, no = int(replica.sum()), int((~replica).sum())
    auc = float(roc_auc_score(replica, closeness))
    half, z = (yes + no) / 2 - 1, float(norm.ppf(0.975))

    def beyond(candidate: float) -> float:
        variance = candidate * (1 - candidate) / (yes * no)
        variance *= 1 + half * (1 - candidate) / (2 - candidate) + half * candidate / (1 + candidate)
        return float(abs(candidate - auc) - z * np.sqrt(max(variance, 0.0)))

    # At the AUC itself the difference is negative; at 0 and 1, where an AUC has no spread, it is 0.
    low = 0.0 if auc <= 0 else float(brentq(beyond, 0.0, min(auc, 1 - EDGE)))
    high = 1.0 if auc >= 1 else float(brentq(beyond, max(auc, EDGE), 1.0))
    return auc, low, high
