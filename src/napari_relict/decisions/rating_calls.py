"""How ratings of some volumes call the others in a study: the chosen measure's threshold, and the probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from napari_relict.calibration import Threshold
from napari_relict.calibration.probability import FEWEST_OF_EACH
from napari_relict.calibration.rating_rule import Cut, calls_without_own_rating, cut_of, enough_ratings
from napari_relict.decisions.rated_pairs import is_replica, rated_volumes
from napari_relict.measures import Measure
from napari_relict.records.settings import Settings


@dataclass(frozen=True)
class RatingCalls:
    """Attributes
    ----------
    cut : of the chosen measure; None where no threshold could be estimated.
    measure : the chosen one; None likewise.
    rated : names of rated volumes. replica : (rated,) bool. called : (rated,) bool, had they not been rated.
    within : (rated,) bool, not called but within the threshold's interval.
    """

    cut: Cut | None
    measure: Measure | None
    rated: Sequence[str]
    replica: np.ndarray
    called: np.ndarray
    within: np.ndarray

    def closeness(self, match: Mapping[str, Any], nearest: Mapping[Any, Any]) -> float:
        """Of a volume that nobody rated, by the chosen measure: larger is closer; NaN where it has no score.

        Parameters
        ----------
        match : its match of rank 1. nearest : its score by each measure with whoever is nearest.
        """
        if self.measure is None:
            return float("nan")
        value = float(match[self.measure.name])
        # The pair itself where it was aligned, else what its volume reaches with anybody.
        value = value if np.isfinite(value) else float(nearest[self.measure.name])
        return float(self.measure.closeness(np.array(value)))


def rating_calls(
    matches: pd.DataFrame,
    ratings: pd.DataFrame,
    measures: Sequence[Measure],
    cuts: Sequence[Threshold],
    probability: Mapping[str, float],
    settings: Settings,
) -> RatingCalls | None:
    """What ratings say; None without five of each kind.

    Parameters
    ----------
    cuts : thresholds of all measures, from the same ratings.
    probability : of each synthetic volume; of rated ones from models that had not seen them.
    """
    volumes = rated_volumes(matches, ratings, settings.thresholds.labels)
    if volumes.empty or not enough_ratings(replica := is_replica(volumes)):
        return None
    by_name = {measure.name: measure for measure in measures}
    asked = settings.verdicts.measure
    usable = [
        cut
        for cut in cuts
        if cut.measure in by_name
        and (asked is None or cut.measure == asked)
        # Of those rated that have a score by it: two and two would look perfect.
        and min(cut.n_replicas, cut.n_rated - cut.n_replicas) >= FEWEST_OF_EACH
    ]
    best = max(usable, key=lambda cut: cut.balanced_accuracy_corrected, default=None)
    chosen = None if best is None else by_name[best.measure]
    cut = None if best is None or chosen is None else cut_of(vars(best), chosen.title, chosen.higher_is_closer)
    known = [by_name[one.measure] for one in usable]
    closeness = np.column_stack(
        [measure.closeness(volumes[measure.name].to_numpy(float)) for measure in known]
        or [np.full(len(volumes), np.nan)]
    )
    names = [str(name) for name in volumes["synthetic"]]
    own = np.array([probability.get(name, np.nan) for name in names])
    rule = settings.thresholds
    called = calls_without_own_rating(closeness, replica, own, rule.rule, rule.target)
    within = np.zeros(len(names), bool)
    if cut is not None and chosen is not None:
        within = ~called & (closeness[:, known.index(chosen)] >= cut.low)
    return RatingCalls(cut, chosen, names, replica, called, within)
