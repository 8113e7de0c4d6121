"""Ratings -> the threshold of a measure that maximises balanced accuracy, with how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

FEWEST_RATINGS = 2  # of each kind: below this a threshold would say nothing
RESAMPLES = 1000


@dataclass(frozen=True)
class Threshold:
    """A cut on one measure, estimated on rated pairs.

    Attributes
    ----------
    threshold : in the measure's own unit; a pair at least this close counts as a replica. `_low`, `_high`: 95%
        bootstrap interval (percentile, resampling synthetic volumes within replicas and non-replicas).
    balanced_accuracy : on the same ratings the cut was chosen on, hence too good. `_low`, `_high`: 95% interval at
        this cut (Jeffreys intervals of sensitivity and specificity, combined): it is not empty when all are right.
    balanced_accuracy_corrected : with the optimism taken off that the bootstrap measures (Efron & Gong 1983).
    balanced_accuracy_null95 : what 95% of *uninformative* scores stay below after choosing their best cut on as
        many ratings (permutation); a balanced accuracy below it says nothing.
    """

    measure: str
    level: str
    threshold: float
    threshold_low: float
    threshold_high: float
    balanced_accuracy: float
    balanced_accuracy_low: float
    balanced_accuracy_high: float
    balanced_accuracy_corrected: float
    balanced_accuracy_null95: float
    auc: float
    n_rated: int
    n_replicas: int
    estimated_on: str
    note: str


def best_threshold(
    closeness: np.ndarray,
    replica: np.ndarray,
    *,
    measure: str,
    level: str,
    higher_is_closer: bool,
    estimated_on: str,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Threshold | None:
    """The cut of best balanced accuracy on rated pairs, one a synthetic volume.

    Parameters
    ----------
    closeness : (n,), larger is closer.
    replica : (n,) bool, what the readers said.
    estimated_on : in words, the ratings this rests on.

    Returns
    -------
    None with fewer than `FEWEST_RATINGS` replicas or non-replicas: then nothing can be said.
    """
    known = np.isfinite(closeness)
    values, truth = np.asarray(closeness, float)[known], np.asarray(replica, bool)[known]
    yes, no = int(truth.sum()), int((~truth).sum())
    if min(yes, no) < FEWEST_RATINGS:
        return None
    cut, accuracy = _best_cut(values, truth)
    random = np.random.default_rng(seed)
    positives, negatives = np.flatnonzero(truth), np.flatnonzero(~truth)
    drawn = np.hstack([random.choice(positives, (resamples, yes)), random.choice(negatives, (resamples, no))])
    drawn_truth = np.broadcast_to(np.arange(yes + no) < yes, drawn.shape)
    cuts, accuracies = _best_cuts(values[drawn], drawn_truth)
    elsewhere = balanced_accuracy(values[None], truth[None], cuts[:, None])
    optimism = float((accuracies - elsewhere).mean())
    shuffled = random.permuted(np.broadcast_to(truth, (resamples, len(truth))), axis=1)
    _, by_chance = _best_cuts(np.broadcast_to(values, shuffled.shape), shuffled)
    low, high = np.quantile(cuts, [0.025, 0.975])
    sign = 1.0 if higher_is_closer else -1.0
    ends = sorted((sign * float(low), sign * float(high)))
    null95 = float(np.quantile(by_chance, 0.95))
    few = f"only {yes} replicas and {no} others rated" if min(yes, no) < 10 else ""
    weak = "no better than chance could do" if accuracy <= null95 else ""
    accuracy_low, accuracy_high = _accuracy_interval(values >= cut, truth, random)
    return Threshold(
        measure=measure,
        level=level,
        threshold=sign * cut,
        threshold_low=ends[0],
        threshold_high=ends[1],
        balanced_accuracy=accuracy,
        balanced_accuracy_low=accuracy_low,
        balanced_accuracy_high=accuracy_high,
        balanced_accuracy_corrected=max(0.0, accuracy - optimism),
        balanced_accuracy_null95=null95,
        auc=float(roc_auc_score(truth, values)),
        n_rated=yes + no,
        n_replicas=yes,
        estimated_on=estimated_on,
        note="; ".join(part for part in (few, weak) if part),
    )


def balanced_accuracy(values: np.ndarray, truth: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """(sensitivity + specificity) / 2 of `values >= cut` along the last axis."""
    called = values >= cut
    sensitivity = (called & truth).sum(-1) / truth.sum(-1)
    specificity = (~called & ~truth).sum(-1) / (~truth).sum(-1)
    return np.asarray((sensitivity + specificity) / 2)


def _accuracy_interval(called: np.ndarray, truth: np.ndarray, random: np.random.Generator) -> tuple[float, float]:
    """95% interval of (sensitivity + specificity) / 2 from the counts (Brown, Cai & DasGupta 2001 for each).

    A bootstrap would say [1, 1] of six right out of six.
    """
    draws = [random.beta(right.sum() + 0.5, (~right).sum() + 0.5, 20_000) for right in (called[truth], ~called[~truth])]
    low, high = np.quantile((draws[0] + draws[1]) / 2, [0.025, 0.975])
    return float(low), float(high)


def _best_cut(values: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    cuts, accuracies = _best_cuts(values[None], truth[None])
    return float(cuts[0]), float(accuracies[0])


def _best_cuts(values: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row by row, the cut with the best balanced accuracy, and that accuracy.

    Cuts lie between two neighbouring values, or above all of them: a score that runs the wrong way does no worse than
    calling nothing a replica. Of several equally good cuts the middle one is taken: the ends would lean on one single
    volume.
    """
    order = np.argsort(values, axis=1, kind="stable")
    v = np.take_along_axis(values, order, 1)
    t = np.take_along_axis(truth, order, 1)
    spread = v[:, -1:] - v[:, :1]
    v = np.hstack([v, v[:, -1:] + np.where(spread > 0, spread, 1.0)])
    yes, no = t.sum(1, keepdims=True), (~t).sum(1, keepdims=True)
    accuracy = ((yes - np.cumsum(t, 1)) / yes + np.cumsum(~t, 1) / no) / 2
    accuracy = np.where(v[:, 1:] > v[:, :-1], accuracy, 0.0)  # no cut fits between equal values
    best = accuracy.max(1)
    rows = np.arange(len(v))
    is_best = accuracy >= best[:, None] - 1e-12
    wanted = (is_best.sum(1) + 1) // 2
    place = np.argmax(np.cumsum(is_best, 1) == wanted[:, None], axis=1)
    return (v[rows, place] + v[rows, place + 1]) / 2, best
