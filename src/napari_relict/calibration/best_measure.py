"""The best of several measures: what its balanced accuracy is worth after the choice among all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_relict.calibration.cuts import CutRule, balanced_accuracy, best_cuts
from napari_relict.calibration.resampling import resample

FEWEST_RATINGS = 2
LEAST_KNOWN = 0.9  # share of the rated volumes that have a measure's score; below, it is not in the choice
RESAMPLES = 500


@dataclass(frozen=True)
class BestMeasure:
    """The measure of highest balanced accuracy on the ratings.

    Attributes
    ----------
    measure : str
        Its name.
    measures : int
        How many were in the choice.
    balanced_accuracy : float
        The highest, on the ratings that chose both the measure and its cut.
    balanced_accuracy_corrected : float
        With the optimism of the whole choice taken off: in each resample the measure and its cut are chosen anew, and
        judged on all ratings.
    balanced_accuracy_null95 : float
        What 95% of the *best of as many uninformative measures*, correlated as these are, stay below (permutation of
        the labels).
    p_value : float
        Share of the permutations that do at least as well, (1 + #) / (1 + resamples).
    chosen_again : float
        Share of the resamples in which the same measure is the best.
    n_rated, n_replicas : int
        Rated volumes that have all measures of the choice, and replicas among them.
    estimated_on : str
        The ratings this rests on, in words.
    """

    measure: str
    measures: int
    balanced_accuracy: float
    balanced_accuracy_corrected: float
    balanced_accuracy_null95: float
    p_value: float
    chosen_again: float
    n_rated: int
    n_replicas: int
    estimated_on: str


def best_of_measures(
    closeness: np.ndarray,
    replica: np.ndarray,
    *,
    measures: Sequence[str],
    estimated_on: str,
    rule: CutRule = "balanced accuracy",
    target: float = 0.95,
    grades: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> BestMeasure | None:
    """Choose the measure and its cut, and repeat the whole choice in every resample.

    Parameters
    ----------
    closeness : numpy.ndarray of shape (n, measures)
        Larger is closer, NaN where unknown. Measures that a tenth of the volumes lack are left out, then volumes that
        lack one of the others.
    replica : numpy.ndarray of bool, shape (n,)
        What the readers said.
    measures : sequence of str
        Names of the columns of `closeness`.
    estimated_on : str
        The ratings this rests on, in words.
    rule : CutRule, default: 'balanced accuracy'
        What the cut is chosen for; see `best_cuts`.
    target : float, default: 0.95
        Sensitivity or specificity to be held; not read by balanced accuracy.
    grades : numpy.ndarray, optional
        See `best_threshold`.
    resamples : int, default: RESAMPLES
        How many resamples.
    seed : int, default: 0
        Of everything that is drawn.

    Returns
    -------
    BestMeasure or None
        None with fewer than two replicas or others, or without a measure.
    """
    usable = np.isfinite(closeness).mean(0) >= LEAST_KNOWN if len(closeness) else np.zeros(len(measures), bool)
    rows = np.isfinite(closeness[:, usable]).all(1)
    values, truth = closeness[rows][:, usable], np.asarray(replica, bool)[rows]
    if not usable.any() or min(truth.sum(), (~truth).sum()) < FEWEST_RATINGS:
        return None
    names = [name for name, is_usable in zip(measures, usable, strict=True) if is_usable]
    random = np.random.default_rng(seed)
    drawn, said = resample(truth, None if grades is None else grades[rows], resamples, random)
    shuffled = random.permuted(np.broadcast_to(truth, (resamples, len(truth))), axis=1)
    own, again, elsewhere, chance = [], [], [], []
    for column in values.T:
        own.append(best_cuts(column[None], truth[None], rule, target).accuracy)
        cuts = best_cuts(column[drawn], said, rule, target)
        again.append(cuts.accuracy)
        elsewhere.append(balanced_accuracy(column[None], truth[None], cuts.cut[:, None]))
        chance.append(best_cuts(np.broadcast_to(column, shuffled.shape), shuffled, rule, target).accuracy)
    best = int(np.argmax([accuracy[0] for accuracy in own]))
    accuracy = float(own[best][0])
    chosen = np.argmax(again, axis=0)
    places = np.arange(len(chosen))
    optimism = float((np.array(again)[chosen, places] - np.array(elsewhere)[chosen, places]).mean())
    by_chance = np.max(chance, axis=0)
    return BestMeasure(
        measure=names[best],
        measures=len(names),
        balanced_accuracy=accuracy,
        balanced_accuracy_corrected=max(0.0, accuracy - max(0.0, optimism)),
        balanced_accuracy_null95=float(np.quantile(by_chance, 0.95)),
        p_value=float((1 + (by_chance >= accuracy - 1e-12).sum()) / (1 + len(by_chance))),
        chosen_again=float((chosen == best).mean()),
        n_rated=len(truth),
        n_replicas=int(truth.sum()),
        estimated_on=estimated_on,
    )
