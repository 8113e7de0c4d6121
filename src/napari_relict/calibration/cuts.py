"""The best cut of a score, for many resamples at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

# Youden's index is 2 x balanced accuracy - 1, so its best cut is that of "balanced accuracy".
Rule = Literal["balanced accuracy", "sensitivity", "specificity"]
TOLERANCE = 1e-12


def balanced_accuracy(values: np.ndarray, truth: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """(sensitivity + specificity) / 2 of `values >= cut` along the last axis."""
    called = values >= cut
    sensitivity = (called & truth).sum(-1) / truth.sum(-1)
    specificity = (~called & ~truth).sum(-1) / (~truth).sum(-1)
    return np.asarray((sensitivity + specificity) / 2)


@dataclass(frozen=True)
class Cuts:
    """One cut a row.

    Attributes
    ----------
    cut : the middle one of the best cuts. lowest, highest : the ends of the values between which best cuts lie.
    accuracy : balanced accuracy at `cut`.
    """

    cut: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    accuracy: np.ndarray


def best_cuts(
    values: np.ndarray,
    truth: np.ndarray,
    rule: Rule = "balanced accuracy",
    target: float = 0.95,
    weights: np.ndarray | None = None,
) -> Cuts:
    """Row by row, the cut that the rule asks for.

    `balanced accuracy`: the highest one. `sensitivity`: of the cuts that call at least `target` of the replicas, the
    most specific. `specificity`: of those that leave at least `target` of the others, the most sensitive.

    Cuts lie between two neighbouring values, or beyond all of them. By balanced accuracy never below: a score that
    runs the wrong way does no worse than calling nothing a replica. Of several equally good cuts the middle one is
    taken: the ends would lean on one single volume.

    Parameters
    ----------
    values : (rows, n), larger is closer.
    truth : (rows, n) bool, both kinds in each row.
    weights : (rows, n), how much each counts; once each when None.
    """
    order = np.argsort(values, axis=1, kind="stable")
    v = np.take_along_axis(values, order, 1)
    t = np.take_along_axis(truth, order, 1)
    w = np.ones(v.shape) if weights is None else np.take_along_axis(weights, order, 1)
    spread = v[:, -1:] - v[:, :1]
    step = np.where(spread > 0, spread, 1.0)
    v = np.hstack([v[:, :1] - step, v, v[:, -1:] + step])
    of_yes, of_no = np.where(t, w, 0.0), np.where(t, 0.0, w)
    yes, no = of_yes.sum(1, keepdims=True), of_no.sum(1, keepdims=True)
    nothing = np.zeros((len(v), 1))
    sensitivity = 1 - np.hstack([nothing, np.cumsum(of_yes, 1)]) / yes
    specificity = np.hstack([nothing, np.cumsum(of_no, 1)]) / no
    accuracy = (sensitivity + specificity) / 2
    if rule == "balanced accuracy":
        wanted, allowed = accuracy, np.arange(v.shape[1] - 1) > 0
    elif rule == "sensitivity":
        wanted, allowed = specificity, sensitivity >= target - TOLERANCE
    else:
        wanted, allowed = sensitivity, specificity >= target - TOLERANCE
    # No cut fits between equal values.
    wanted = np.where((v[:, 1:] > v[:, :-1]) & allowed, wanted, -1.0)
    is_best = wanted >= wanted.max(1, keepdims=True) - TOLERANCE
    half = (is_best.sum(1) + 1) // 2
    place = np.argmax(np.cumsum(is_best, 1) == half[:, None], axis=1)
    rows = np.arange(len(v))
    first, last = is_best.argmax(1), is_best.shape[1] - 1 - is_best[:, ::-1].argmax(1)
    return Cuts((v[rows, place] + v[rows, place + 1]) / 2, v[rows, first], v[rows, last + 1], accuracy[rows, place])
