"""Ratings -> the threshold of a measure, with how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from napari_relict.calibration.cuts import ENDS, CutRule, balanced_accuracy, best_cuts, cut_interval
from napari_relict.calibration.resampling import resample
from napari_relict.calibration.roc import auc_interval

FEWEST_RATINGS = 2  # of each kind: below this a threshold would say nothing
FEW_RATINGS = 10  # of each kind: below this the numbers are called small
RESAMPLES = 1000


@dataclass(frozen=True)
class Threshold:
    """A cut on one measure, estimated on rated pairs.

    Attributes
    ----------
    measure, level : str
        The measure's name and level.
    threshold : float
        In the measure's own unit; a pair at least this close counts as a replica.
    threshold_low, threshold_high : float
        95% bootstrap interval, resampling synthetic volumes within replicas and non-replicas, and readers; see
        `napari_relict.calibration.cuts`.
    balanced_accuracy : float
        On the same ratings the cut was chosen on, hence too good.
    balanced_accuracy_low, balanced_accuracy_high : float
        95% interval of the true one at this cut (Jeffreys intervals of sensitivity and specificity, combined: not empty
        when all are right), its lower end moved down by the optimism (after Noma et al. 2021).
    balanced_accuracy_corrected : float
        With the optimism taken off that the bootstrap measures (Efron & Gong 1983).
    balanced_accuracy_null95 : float
        What 95% of *uninformative* scores stay below after choosing their cut on as many ratings (permutation); a
        balanced accuracy below it says nothing.
    auc : float
        With Newcombe's interval (see `auc_interval`).
    n_rated, n_replicas : int
        Rated pairs, and replicas among them.
    estimated_on : str
        The ratings this rests on, in words.
    note : str
        What to keep in mind.
    rule : str
        What the cut was chosen for; see `napari_relict.calibration.cuts`.
    target : float
        Sensitivity or specificity that was held; NaN by balanced accuracy.
    auc_low : float
        With Newcombe's interval (see `auc_interval`).
    auc_high : float
        With Newcombe's interval (see `auc_interval`).
    sensitivity : float
        On the same ratings.
    sensitivity_low : float
        Jeffreys intervals (Brown, Cai & DasGupta 2001).
    sensitivity_high : float
        Jeffreys intervals (Brown, Cai & DasGupta 2001).
    specificity : float
        On the same ratings.
    specificity_low : float
        Jeffreys intervals (Brown, Cai & DasGupta 2001).
    specificity_high : float
        Jeffreys intervals (Brown, Cai & DasGupta 2001).
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
    rule: str
    target: float
    auc_low: float
    auc_high: float
    sensitivity: float
    sensitivity_low: float
    sensitivity_high: float
    specificity: float
    specificity_low: float
    specificity_high: float


def best_threshold(
    closeness: np.ndarray,
    replica: np.ndarray,
    *,
    measure: str,
    level: str,
    higher_is_closer: bool,
    estimated_on: str,
    rule: CutRule = "balanced accuracy",
    target: float = 0.95,
    grades: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Threshold | None:
    """Choose the cut that the rule asks for on rated pairs, one a synthetic volume.

    Parameters
    ----------
    closeness : numpy.ndarray of shape (n,)
        Larger is closer.
    replica : numpy.ndarray of bool, shape (n,)
        What the readers said.
    measure, level : str
        The measure's name and level.
    higher_is_closer : bool
        Whether a larger score is closer.
    estimated_on : str
        In words, the ratings this rests on.
    rule : CutRule, default: 'balanced accuracy'
        What the cut is chosen for; see `best_cuts`.
    target : float, default: 0.95
        Sensitivity or specificity to be held; not read by balanced accuracy.
    grades : numpy.ndarray of shape (n, readers), optional
        1 to 4, NaN where a reader did not grade: what the readers said one by one.
    resamples : int, default: RESAMPLES
        How many resamples.
    seed : int, default: 0
        Of everything that is drawn.

    Returns
    -------
    Threshold or None
        None with fewer than `FEWEST_RATINGS` replicas or non-replicas: then nothing can be said.

    Examples
    --------
    >>> import numpy as np
    >>> threshold = best_threshold(
    ...     np.array([0.2, 0.3, 0.4, 0.9, 0.95]), np.array([False, False, False, True, True]),
    ...     measure="ncc", level="voxel", higher_is_closer=True, estimated_on="5 rated pairs",
    ... )
    >>> round(threshold.threshold, 2)
    0.65
    """
    scored = np.isfinite(closeness)
    values, truth = np.asarray(closeness, float)[scored], np.asarray(replica, bool)[scored]
    yes, no = int(truth.sum()), int((~truth).sum())
    if min(yes, no) < FEWEST_RATINGS:
        return None
    best = best_cuts(values[None], truth[None], rule, target)
    cut, accuracy = float(best.cut[0]), float(best.accuracy[0])
    random = np.random.default_rng(seed)
    drawn, said = resample(truth, None if grades is None else grades[scored], resamples, random)
    again = best_cuts(values[drawn], said, rule, target)
    elsewhere = balanced_accuracy(values[None], truth[None], again.cut[:, None])
    optimism = float((again.accuracy - elsewhere).mean())
    shuffled = random.permuted(np.broadcast_to(truth, (resamples, len(truth))), axis=1)
    by_chance = best_cuts(np.broadcast_to(values, shuffled.shape), shuffled, rule, target)
    null95 = float(np.quantile(by_chance.accuracy, 0.95))
    sign = 1.0 if higher_is_closer else -1.0
    ends = sorted(sign * end for end in cut_interval(values, truth, drawn, said, rule, target, random))
    called = values >= cut
    rates = [_jeffreys(right, random) for right in (called[truth], ~called[~truth])]
    low, high = (float(end) for end in np.quantile((rates[0][1] + rates[1][1]) / 2, ENDS))
    (sensitivity, *sensitivity_ends), (specificity, *specificity_ends) = (
        (rate, *(float(end) for end in np.quantile(draws, ENDS))) for rate, draws in rates
    )
    return Threshold(
        measure=measure,
        level=level,
        threshold=sign * cut,
        threshold_low=ends[0],
        threshold_high=ends[1],
        balanced_accuracy=accuracy,
        balanced_accuracy_low=max(0.0, low - max(0.0, optimism)),
        balanced_accuracy_high=high,
        balanced_accuracy_corrected=max(0.0, accuracy - max(0.0, optimism)),
        balanced_accuracy_null95=null95,
        **dict(zip(("auc", "auc_low", "auc_high"), auc_interval(values, truth), strict=True)),
        n_rated=yes + no,
        n_replicas=yes,
        estimated_on=estimated_on,
        note=_note(yes, no, rule, target, accuracy <= null95),
        rule=rule,
        target=np.nan if rule == "balanced accuracy" else target,
        sensitivity=sensitivity,
        sensitivity_low=sensitivity_ends[0],
        sensitivity_high=sensitivity_ends[1],
        specificity=specificity,
        specificity_low=specificity_ends[0],
        specificity_high=specificity_ends[1],
    )


def _jeffreys(right: np.ndarray, random: np.random.Generator) -> tuple[float, np.ndarray]:
    """Give a rate and draws from its Jeffreys posterior. A bootstrap would say [1, 1] of six right out of six."""
    return float(right.mean()), random.beta(right.sum() + 0.5, (~right).sum() + 0.5, 20_000)


def _note(yes: int, no: int, rule: CutRule, target: float, by_chance: bool) -> str:
    """Say what to keep in mind."""
    said = [f"only {yes} replicas and {no} others rated"] if min(yes, no) < FEW_RATINGS else []
    least = ceil(1 / (1 - target) - 1e-9)
    of_kind = {"sensitivity": yes, "specificity": no}.get(rule, least)
    if of_kind < least:
        said.append(f"a {rule} of {target:g} cannot be told from 1 with fewer than {least} ratings of its kind")
    if by_chance:
        said.append("no better than chance could do")
    return "; ".join(said)
