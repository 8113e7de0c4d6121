"""What readers said of each pair, one pair a synthetic volume, and the thresholds that follow from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_relict.calibration import Threshold, best_threshold
from napari_relict.calibration.best_measure import BestMeasure, best_of_measures
from napari_relict.calibration.resampling import LEAST_GRADE
from napari_relict.calibration.verdicts import REPLICA_GRADE
from napari_relict.measures import Measure
from napari_relict.reading.reference import CONSENSUS
from napari_relict.records.settings import Labels, ThresholdSettings

KEY = ["synthetic", "training"]


def pair_grades(ratings: pd.DataFrame, labels: Labels = "median") -> pd.DataFrame:
    """One row a rated pair: synthetic, training, grade (median over readers), readers.

    Of ratings that count (see `napari_relict.reading.reference.ratings_that_count`): a consensus stands alone.

    Ties between readers fall on the replica's side (2.5 counts as replica): withholding a volume wrongly costs
    less than releasing a patient.

    Parameters
    ----------
    labels : `consensus` leaves out pairs that readers put on two sides of replica or not without settling it.
    """
    if ratings.empty:
        return pd.DataFrame(columns=[*KEY, "grade", "readers"])
    grouped = ratings.groupby(KEY)
    pairs = grouped.agg(
        grade=("grade", "median"), readers=("reader", "nunique"), lowest=("grade", "min"), highest=("grade", "max")
    ).reset_index()
    if labels == "consensus":
        pairs = pairs[(pairs["lowest"] >= REPLICA_GRADE) | (pairs["highest"] < REPLICA_GRADE)]
    return pairs[[*KEY, "grade", "readers"]].reset_index(drop=True)


def rated_volumes(matches: pd.DataFrame, ratings: pd.DataFrame, labels: Labels = "median") -> pd.DataFrame:
    """The matches that were rated, one a synthetic volume, with the columns of `pair_grades`.

    Where several pairs of one synthetic volume were rated, the one of the highest grade speaks for it, so that
    the bootstrap resamples volumes and not pairs.
    """
    rated = pair_grades(ratings, labels).merge(matches, on=KEY)
    rated = rated.sort_values(["grade", "rank"], ascending=[False, True], kind="stable")
    return rated.drop_duplicates("synthetic").reset_index(drop=True)


def is_replica(rated: pd.DataFrame) -> np.ndarray:
    """bool (n,) of what `rated_volumes` gives."""
    return rated["grade"].to_numpy(float) >= LEAST_GRADE


def reader_grades(rated: pd.DataFrame, ratings: pd.DataFrame) -> np.ndarray:
    """(n, readers) grades of what `rated_volumes` gives, NaN where a reader did not grade."""
    wide = ratings.astype({"grade": float}).pivot_table(index=KEY, columns="reader", values="grade", aggfunc="median")
    return np.asarray(wide.reindex(pd.MultiIndex.from_frame(rated[KEY])).to_numpy(float))


def thresholds(
    matches: pd.DataFrame,
    ratings: pd.DataFrame,
    measures: Sequence[Measure],
    settings: ThresholdSettings | None = None,
) -> list[Threshold]:
    """The threshold of every measure that the ratings allow; one rated pair a synthetic volume."""
    settings = settings or ThresholdSettings()
    rated = rated_volumes(matches, ratings, settings.labels)
    if rated.empty:
        return []
    grades = reader_grades(rated, ratings)
    found = (
        best_threshold(
            measure.closeness(rated[measure.name].to_numpy(float)),
            is_replica(rated),
            measure=measure.name,
            level=measure.level,
            higher_is_closer=measure.higher_is_closer,
            estimated_on=estimated_on(rated, ratings, settings),
            rule=settings.rule,
            target=settings.target,
            grades=grades,
        )
        for measure in measures
        if measure.name in rated
    )
    return [threshold for threshold in found if threshold]


def best_measure(
    matches: pd.DataFrame, ratings: pd.DataFrame, measures: Sequence[Measure], settings: ThresholdSettings
) -> BestMeasure | None:
    """The measure of highest balanced accuracy, with the choice among measures taken into account."""
    rated = rated_volumes(matches, ratings, settings.labels)
    names = [measure for measure in measures if measure.name in rated]
    if rated.empty or not names:
        return None
    closeness = np.column_stack([measure.closeness(rated[measure.name].to_numpy(float)) for measure in names])
    return best_of_measures(
        closeness,
        is_replica(rated),
        measures=[measure.name for measure in names],
        estimated_on=estimated_on(rated, ratings, settings),
        rule=settings.rule,
        target=settings.target,
        grades=reader_grades(rated, ratings),
    )


def estimated_on(rated: pd.DataFrame, ratings: pd.DataFrame, settings: ThresholdSettings) -> str:
    """In words, the ratings that thresholds rest on."""
    readers = ratings["reader"].nunique()
    blinded = int(ratings["blinded"].sum())
    settled = int((ratings["round"] == CONSENSUS).sum())
    agreed = "; only pairs that readers agree on or settled" if settings.labels == "consensus" else ""
    return (
        f"the same {len(rated)} synthetic volumes, rated by {readers} reader{'s' * (readers != 1)}"
        f" ({blinded} of {len(ratings)} ratings blinded{f', {settled} by consensus' if settled else ''}{agreed})"
    )
