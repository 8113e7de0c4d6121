"""Ratings -> the probability that a pair would be rated a replica."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneOut

FEWEST_OF_EACH = 5  # replicas and non-replicas rated; below, no probability is given


def replica_probability(z: np.ndarray, rated: np.ndarray, replica: np.ndarray) -> np.ndarray:
    """Regularised logistic regression on the levels' z-scores.

    A rated pair gets its probability from the model fitted without it (leave one out), so that no volume is
    judged by its own rating.

    Parameters
    ----------
    z : (n, levels), larger is closer; NaN count as 0, the null's centre.
    rated : (n,) bool.
    replica : (n,) bool, read where `rated`.

    Returns
    -------
    float64 (n,); all NaN with fewer than five replicas or non-replicas rated.
    """
    probability = np.full(len(z), np.nan)
    labels = replica[rated]
    if min(labels.sum(), (~labels).sum()) < FEWEST_OF_EACH:
        return probability
    features = np.arcsinh(np.nan_to_num(z))  # z of an exact copy may be in the hundreds
    known = features[rated]
    probability[~rated] = _fitted(known, labels, features[~rated])
    places = np.flatnonzero(rated)
    for train, test in LeaveOneOut().split(known):
        probability[places[test]] = _fitted(known[train], labels[train], known[test])
    return probability


def _fitted(known: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    if not len(wanted):
        return np.empty(0)
    model = LogisticRegression(C=1.0, max_iter=1000).fit(known, labels)
    return np.asarray(model.predict_proba(wanted)[:, 1])
