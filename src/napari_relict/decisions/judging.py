"""What a study concludes: thresholds, verdicts, and what the ratings are worth."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from napari_relict.calibration.active import RatingsNeeded, ratings_needed
from napari_relict.calibration.best_measure import BestMeasure
from napari_relict.calibration.copies import CopyCount, copies_by_ratings, copies_by_scores, patients_copied
from napari_relict.calibration.probability import Fusion
from napari_relict.calibration.resampling import LEAST_GRADE
from napari_relict.calibration.roc import roc_points
from napari_relict.decisions import calibrate, rated_pairs
from napari_relict.decisions.deciding_scores import DecidingScores, deciding_scores
from napari_relict.decisions.evidence import Between
from napari_relict.decisions.next_ratings import next_to_rate
from napari_relict.decisions.release import Release, release
from napari_relict.errors import DataError, UsageError
from napari_relict.measures import Measure
from napari_relict.measures.registry import deciders
from napari_relict.reading.reading_source import ReadingSource
from napari_relict.records.settings import Settings


class JudgedStudy(ReadingSource):
    """The part of a study that turns scores and ratings into verdicts."""

    settings: Settings

    def _encoders(self) -> dict[str, str]:
        return self.settings.encoder_titles

    def encoder_kinds(self) -> dict[str, str]:
        return {name: str(table["kind"]) for name, table in self.settings.encoders.items()}

    def calibrate(self) -> pd.DataFrame:
        """Thresholds and verdicts from the current ratings; stored, and the thresholds returned.

        Raises
        ------
        DataError : nothing was matched yet.
        """
        matches, current = self._matched(), self.ratings()
        measures = self.measures()
        nulls = {measure.name: self.null(measure.name) for measure in measures}
        cuts = rated_pairs.thresholds(matches, current, measures, self.settings.thresholds)
        found = calibrate.judge(
            matches, self.nearest(), self.gaps(), nulls, current, measures, cuts, self.settings, self._same_voxels()
        )
        said = {
            "cautions": json.dumps(found.cautions),
            "errors": json.dumps(None if found.errors is None else found.errors.said),
            "between_people": json.dumps(None if found.between is None else vars(found.between)),
        }
        with self._database.connect() as connection:
            connection.execute("DELETE FROM threshold")
            connection.execute("DELETE FROM verdict")
            for table, rows in (("threshold", cuts), ("verdict", found.verdicts)):
                for row in rows:
                    values = vars(row)
                    marks = ", ".join("?" for _ in values)
                    connection.execute(
                        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})",
                        [None if isinstance(v, float) and np.isnan(v) else v for v in values.values()],
                    )
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(said.items()))
        return self.thresholds()

    def rated_volumes(self) -> pd.DataFrame:
        """The rated pairs that thresholds are estimated on, one a synthetic volume: its match, grade, readers.

        Raises
        ------
        DataError : nothing was matched yet.
        """
        return rated_pairs.rated_volumes(self._matched(), self.ratings(), self.settings.thresholds.labels)

    def best_measure(self) -> BestMeasure | None:
        """The measure of highest balanced accuracy on the ratings, corrected for having chosen it among all.

        None with fewer than two replicas or others rated.

        Raises
        ------
        DataError : nothing was matched yet.
        """
        return rated_pairs.best_measure(self._matched(), self.ratings(), self.measures(), self.settings.thresholds)

    def fusion(self) -> Fusion:
        """How good the probabilities are: Brier score and calibration on ratings that the model had not seen.

        Rows of `probability` and `level` are the synthetic volumes by name; levels count `deciders(measures())`.

        Raises
        ------
        DataError : nothing was matched yet.
        """
        highest = calibrate.highest_grades(calibrate.grades_of(self.ratings()))
        return calibrate.fusion(self._deciding_scores(), highest, self.settings)

    def roc(self, measure: str) -> pd.DataFrame:
        """ROC points of a measure on the rated pairs, one a synthetic volume.

        Returns
        -------
        threshold (in the measure's unit), sensitivity, specificity; empty unless both kinds were rated.

        Raises
        ------
        UsageError : the last match does not have the measure.
        DataError : nothing was matched yet.
        """
        chosen = self._measure(measure)
        volumes = self.rated_volumes()
        closeness = chosen.closeness(volumes[measure].to_numpy(float))
        points = roc_points(closeness, rated_pairs.is_replica(volumes))
        points["closeness"] = chosen.closeness(points["closeness"].to_numpy(float))
        return points.rename(columns={"closeness": "threshold"})

    def copies(self) -> tuple[CopyCount, ...]:
        """How many copies there are among the synthetic volumes, by scores and by ratings where there are any."""
        said = self._said_of_volumes()
        found = (self._copies_by_scores()[0], copies_by_ratings(sum(said.values()), len(said), len(self.verdicts())))
        return tuple(count for count in found if count is not None)

    def patients_copied(self) -> CopyCount | None:
        """How many training patients were copied, by scores; None without a null of ten patients or more."""
        copies, statistics, names = self._copies_by_scores()
        volumes, verdicts = self.volumes(), self.verdicts().set_index("synthetic")
        training = volumes[volumes["cohort"] == "training"].set_index("name")["patient"]
        nearest = verdicts["training"].reindex(names)
        return copies and patients_copied(copies, statistics, [str(training.get(one, one)) for one in nearest])

    def _copies_by_scores(self) -> tuple[CopyCount | None, np.ndarray, list[str]]:
        """The count, how near each volume is, and the volumes' names."""
        decide = self._deciding_scores()
        found = decide.judged(self.settings.verdicts)
        called = int((np.nan_to_num(found.q, nan=1.0) < self.settings.alpha).sum())
        count = copies_by_scores(found.statistics, found.null_statistics, called=called, alpha=self.settings.alpha)
        return count, found.statistics, list(decide.names)

    def most_conspicuous(self) -> dict[str, Measure]:
        """Of each synthetic volume the deciding measure that stands out most; without those that have no null."""
        decide = self._deciding_scores()
        decided = decide.judged(self.settings.verdicts).decided
        return {name: decide.measures[place] for name, place in zip(decide.names, decided, strict=True) if place >= 0}

    def cautions(self) -> list[str]:
        """What is wrong with the null or the cohort as far as the scores show it, one line each; as of `calibrate`."""
        return list(json.loads(self.meta().get("cautions", "[]")))

    def bend_between_people(self) -> Between | None:
        """How far the anatomy of different people of this study differs after alignment; None: not measured."""
        found = json.loads(self.meta().get("between_people", "null"))
        return None if found is None else Between(**found)

    def expected_errors(self) -> str:
        """How often the rule in use was wrong on rated volumes, in words; empty without five rated of each kind."""
        return json.loads(self.meta().get("errors", "null")) or ""

    def release(self, risk: float = 0.05) -> Release:
        """Which synthetic volumes to withhold and which may go; see `napari_relict.decisions.release`.

        Parameters
        ----------
        risk : share of replicas among those cleared; what bounds it, if anything does, is said.

        Raises
        ------
        UsageError : a risk that is not above 0 and below 1.
        DataError : nothing was matched yet.
        """
        copies = self.copies()
        null = self.null(deciders(self.measures())[0].name)
        return release(self.verdicts(), self._said_of_volumes(), null, copies, risk)

    def next_to_rate(self, n: int = 10, measure: str | None = None) -> pd.DataFrame:
        """Pairs to rate next so that a measure's threshold gets a narrower interval soonest.

        Volumes chosen so are no random sample: they serve the threshold, not the bound of `release`.

        Parameters
        ----------
        n : at most; expected widths are computed for the 30 pairs nearest the threshold.
        measure : that of highest balanced accuracy so far when None, else the first that decides p-values.

        Returns
        -------
        synthetic, training, why, expected_width (in the measure's unit).

        Raises
        ------
        UsageError : n below 1, or no such measure.
        DataError : nothing was matched yet.
        """
        if n < 1:
            raise UsageError(f"n must be at least 1, not {n}")
        matches, chosen = self._matched(), self._default_measure(measure)
        volumes = self.rated_volumes()
        known = {synthetic for synthetic, _ in calibrate.grades_of(self.ratings())}
        first = matches[(matches["rank"] == 1) & ~matches["synthetic"].isin(known)]
        probability = self.verdicts().set_index("synthetic")["probability"]
        return next_to_rate(volumes, first, probability, chosen, self.settings.thresholds, n)

    def ratings_needed(self, width: float, measure: str | None = None) -> RatingsNeeded:
        """How many more ratings until the threshold's interval is `width` wide, in the measure's unit.

        Raises
        ------
        UsageError : a width that is not above 0, or no such measure.
        DataError : nothing was matched yet.
        """
        if not width > 0:
            raise UsageError(f"a width is above 0, not {width:g}")
        chosen, settings = self._default_measure(measure), self.settings.thresholds
        volumes = self.rated_volumes()
        volumes = volumes[np.isfinite(volumes[chosen.name].to_numpy(float))]
        values = chosen.closeness(volumes[chosen.name].to_numpy(float))
        return ratings_needed(values, rated_pairs.is_replica(volumes), width, settings.rule, settings.target)

    def _deciding_scores(self) -> DecidingScores:
        """What p-values rest on, synthetic volumes by name."""
        deciding, names = deciders(self.measures()), sorted(map(str, self._matched()["synthetic"].unique()))
        nulls = {measure.name: self.null(measure.name) for measure in deciding}
        return deciding_scores(self.nearest().reindex(names), self.gaps(), nulls, deciding)

    def _default_measure(self, name: str | None) -> Measure:
        if name is None:
            cuts = self.thresholds()
            best = cuts.sort_values("balanced_accuracy_corrected", ascending=False, kind="stable")["measure"]
            name = deciders(self.measures())[0].name if best.empty else str(best.iloc[0])
        return self._measure(name)

    def _said_of_volumes(self) -> dict[str, bool]:
        """Rated a replica or not, of each synthetic volume whose nearest pair was rated, or any pair a replica."""
        matches, grades = self._matched(), calibrate.grades_of(self.ratings())
        nearest = dict(matches.loc[matches["rank"] == 1, ["synthetic", "training"]].to_numpy())
        said: dict[str, bool] = {}
        for (synthetic, training), grade in grades.items():
            if synthetic in nearest and (grade >= LEAST_GRADE or training == nearest[synthetic]):
                said[synthetic] = said.get(synthetic, False) or grade >= LEAST_GRADE
        return said

    def _measure(self, name: str) -> Measure:
        known = {measure.name: measure for measure in self.measures()}
        if name not in known:
            raise UsageError(f"no measure '{name}' in this study; there are {', '.join(known)}")
        return known[name]

    def _matched(self) -> pd.DataFrame:
        matches = self.matches()
        if matches.empty:
            raise DataError(self.folder, "has no matches yet", "run: napari-relict match")
        return matches
