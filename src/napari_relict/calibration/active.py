"""Which volumes to rate next, and how many more: both for a narrower interval of one measure's threshold.

How widths change comes from a Bayesian bootstrap (Rubin 1981): each rated volume gets a random weight, and is smoothed
as in `cut_interval`. With the same weights for every candidate, differences between candidates are not drowned by the
resampling. The width itself is that of the interval which thresholds are given with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_relict.calibration.cuts import ENDS, CutRule, best_cuts, cut_interval, noise_scale
from napari_relict.calibration.resampling import resample
from napari_relict.calibration.thresholds import FEWEST_RATINGS
from napari_relict.calibration.thresholds import RESAMPLES as RESAMPLES_OF_THRESHOLDS

CANDIDATES = 30  # nearest the threshold; farther ones hardly move it
RESAMPLES = 300
SETS = 40  # of resampled ratings
FEWEST_TO_EXTRAPOLATE = 10  # ratings
# Widths go as ratings ** -EXPONENT. A cut of highest balanced accuracy converges as their cube root, one that holds a
# sensitivity as their square root; simulated studies of 20 to 400 ratings had .4 to .5, by whichever rule.
EXPONENT = 0.45


@dataclass(frozen=True)
class RatingsNeeded:
    """How many ratings a width takes.

    Attributes
    ----------
    width : float
        Of the threshold's 95% interval now.
    wanted : float
        The one asked for.
    ratings : int
        How many there are.
    more, more_low, more_high : float
        To be added, with a 95% interval; NaN where there are too few to say.
    note : str
        What to keep in mind.
    """

    width: float
    wanted: float
    ratings: int
    more: float
    more_low: float
    more_high: float
    note: str


def threshold_width(values: np.ndarray, truth: np.ndarray, rule: CutRule, target: float, seed: int = 0) -> float:
    """Measure the 95% interval of the cut.

    Parameters
    ----------
    values : numpy.ndarray of shape (n,)
        Finite.
    truth : numpy.ndarray of bool, shape (n,)
        Rated replicas.
    rule : CutRule
        What the cut is chosen for; see `best_cuts`.
    target : float
        Sensitivity or specificity to be held; not read by balanced accuracy.
    seed : int, default: 0
        Of everything that is drawn.

    Returns
    -------
    float
        Its width, in the unit of the values; NaN with fewer than two of each kind.
    """
    if min(truth.sum(), (~truth).sum()) < FEWEST_RATINGS:
        return float("nan")
    random = np.random.default_rng(seed)
    drawn, said = resample(truth, None, RESAMPLES_OF_THRESHOLDS, random)
    low, high = cut_interval(values, truth, drawn, said, rule, target, random)
    return high - low


def _weighted_width(
    values: np.ndarray, truth: np.ndarray, rule: CutRule, target: float, weights: np.ndarray, noise: np.ndarray
) -> float:
    """Measure it by random weights: smoother from one set of ratings to the next, and narrower.

    Parameters
    ----------
    weights, noise : (resamples, n), exponential and normal.
    """
    smoothed = values + noise_scale(values, truth) * noise
    cuts = best_cuts(smoothed, np.broadcast_to(truth, weights.shape), rule, target, weights)
    return float(np.quantile(cuts.highest, ENDS[1]) - np.quantile(cuts.lowest, ENDS[0]))


def expected_widths(
    candidates: np.ndarray,
    probability: np.ndarray,
    values: np.ndarray,
    truth: np.ndarray,
    rule: CutRule = "balanced accuracy",
    target: float = 0.95,
    seed: int = 0,
) -> np.ndarray:
    """Foresee the width after each candidate was rated: both outcomes, weighted by their probability.

    Parameters
    ----------
    candidates : numpy.ndarray of shape (m,)
        Their scores, larger is closer.
    probability : numpy.ndarray of shape (m,)
        Of being rated a replica.
    values : numpy.ndarray of shape (n,)
        Scores of those rated already, larger is closer.
    truth : numpy.ndarray of bool, shape (n,)
        Rated replicas.
    rule : CutRule, default: 'balanced accuracy'
        What the cut is chosen for; see `best_cuts`.
    target : float, default: 0.95
        Sensitivity or specificity to be held; not read by balanced accuracy.
    seed : int, default: 0
        Of everything that is drawn.

    Returns
    -------
    numpy.ndarray of shape (m,)
        NaN for all but the `CANDIDATES` nearest the present cut, and with too few ratings.

    Notes
    -----
    Bayesian bootstrap (Rubin 1981).
    """
    expected = np.full(len(candidates), np.nan)
    if min(truth.sum(), (~truth).sum()) < FEWEST_RATINGS:
        return expected
    cut = float(best_cuts(values[None], truth[None], rule, target).cut[0])
    random, shape = np.random.default_rng(seed), (RESAMPLES, len(values) + 1)
    weights, noise = random.standard_exponential(shape), random.standard_normal(shape)
    now = _weighted_width(values, truth, rule, target, weights[:, :-1], noise[:, :-1])
    unit = threshold_width(values, truth, rule, target, seed) / max(now, 1e-300)
    for place in np.argsort(np.abs(candidates - cut), kind="stable")[:CANDIDATES]:
        if not np.isfinite(candidates[place]):
            continue
        with_it = np.append(values, candidates[place])
        widths = [
            _weighted_width(with_it, np.append(truth, outcome), rule, target, weights, noise)
            for outcome in (True, False)
        ]
        expected[place] = unit * (probability[place] * widths[0] + (1 - probability[place]) * widths[1])
    return expected


def ratings_needed(
    values: np.ndarray,
    truth: np.ndarray,
    wanted: float,
    rule: CutRule = "balanced accuracy",
    target: float = 0.95,
    seed: int = 0,
) -> RatingsNeeded:
    """Count the ratings a threshold's interval still takes to be as narrow as wanted, if they are like those so far.

    Widths shrink as ratings ** -`EXPONENT`. Two sets of as many ratings have different widths, though: how different is
    seen in resampled ratings, and both the present width and the one to come may lie so far off. The interval is wide
    for that reason.

    Parameters
    ----------
    values : numpy.ndarray of shape (n,)
        Larger is closer, finite.
    truth : numpy.ndarray of bool, shape (n,)
        Rated replicas.
    wanted : float
        Width, in the unit of the values, above 0.
    rule : CutRule, default: 'balanced accuracy'
        What the cut is chosen for; see `best_cuts`.
    target : float, default: 0.95
        Sensitivity or specificity to be held; not read by balanced accuracy.
    seed : int, default: 0
        Of everything that is drawn.

    Returns
    -------
    RatingsNeeded
        How many, with a 95% interval.
    """
    now, count = threshold_width(values, truth, rule, target, seed=seed), len(values)
    unknown = float("nan")
    if np.isfinite(now) and now <= wanted:
        return RatingsNeeded(now, wanted, count, 0, 0, 0, "narrow enough now")
    if count < FEWEST_TO_EXTRAPOLATE or min(truth.sum(), (~truth).sum()) < 2 * FEWEST_RATINGS:
        said = f"too few ratings to say: {FEWEST_TO_EXTRAPOLATE} with {2 * FEWEST_RATINGS} of each kind are needed"
        return RatingsNeeded(now, wanted, count, unknown, unknown, unknown, said)
    random, shape = np.random.default_rng(seed), (RESAMPLES // 3, count)
    widths = []
    for drawn in resample(truth, None, SETS, random)[0]:
        weights, noise = random.standard_exponential(shape), random.standard_normal(shape)
        widths.append(_weighted_width(values[drawn], truth[drawn], rule, target, weights, noise))
    apart = 1.96 * np.sqrt(2) * float(np.log(np.maximum(widths, 1e-300)).std(ddof=1))
    ratio = np.log(now / wanted)
    more, low, high = (_more(count, ratio + off) for off in (0.0, -apart, apart))
    said = "assumes that further volumes are like those rated, drawn in the same way"
    return RatingsNeeded(now, wanted, count, more, low, high, said)


def _more(count: int, log_ratio: float) -> float:
    return float(np.ceil(count * max(0.0, np.expm1(min(log_ratio / EXPONENT, 50.0)))))
