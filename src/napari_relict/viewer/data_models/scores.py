"""What the score strips and the calibration panel draw, worked out from a study. No Qt.

Score strips answer one question per measure: where does this pair lie among pairs known to be no copies (each
holdout volume and its nearest training volume), and on which side of the threshold?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_relict.calibration.null import BOTH, HOLDOUT
from napari_relict.calibration.verdicts import REPLICA_GRADE
from napari_relict.decisions.evidence import anatomy
from napari_relict.decisions.judging import JudgedStudy
from napari_relict.viewer.session.draft import CONFIDENCES, GRADES
from napari_relict.viewer.source import ReviewSource


@dataclass(frozen=True)
class Threshold:
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Strip:
    """One measure of one pair."""

    name: str
    title: str
    level: str
    higher_is_closer: bool
    score: float
    null: npt.NDArray[np.float64]
    null_source: str
    threshold: Threshold | None
    others: tuple[tuple[str, float], ...] = ()  # other candidates of the synthetic volume, and their scores

    def past_threshold(self) -> bool | None:
        """True on the replica side; None when there is no threshold or no score."""
        if self.threshold is None or not np.isfinite(self.score):
            return None
        if self.higher_is_closer:
            return self.score >= self.threshold.value
        return self.score <= self.threshold.value

    def sentence(self) -> str:
        """The strip in words, for those who cannot or do not want to read the drawing."""
        if not np.isfinite(self.score):
            return "no score"
        parts = []
        if self.null.size:
            closer = self.score > self.null if self.higher_is_closer else self.score < self.null
            source = {HOLDOUT: "holdout", BOTH: "holdout and left-out training"}.get(
                self.null_source, "left-out training"
            )
            parts.append(f"closer than {int(closer.sum())} of {self.null.size} {source}")
        past = self.past_threshold()
        if self.threshold is not None and past is not None:
            side = "past" if past else "short of"
            parts.append(f"{side} threshold {number(self.threshold.value)}")
        return "; ".join(parts) or "nothing to compare with"


@dataclass(frozen=True)
class Calibrated:
    """One row of the calibration panel: a measure, its rated pairs, its threshold.

    `unrated` are the synthetic volumes that nobody rated, each with the score of its nearest pair: a threshold calls
    them, or not.
    """

    title: str
    level: str
    higher_is_closer: bool
    scores: npt.NDArray[np.float64]
    grades: npt.NDArray[np.float64]  # median over readers
    replica: npt.NDArray[np.bool_]
    threshold: Threshold | None
    accuracy: str
    details: str
    unrated: tuple[tuple[str, float], ...] = ()

    def calls(self, cut: float) -> set[str]:
        """Unrated volumes at least as close as `cut`."""
        return {
            name
            for name, score in self.unrated
            if np.isfinite(score) and (score >= cut if self.higher_is_closer else score <= cut)
        }


class Scores:
    """Matches, null scores and thresholds of a study, read once (in a worker) and asked often."""

    def __init__(self, study: ReviewSource) -> None:
        self.measures = list(study.measures())
        self.matches: pd.DataFrame = study.matches()
        self.verdicts: pd.DataFrame = study.verdicts()
        self.thresholds: pd.DataFrame = study.thresholds()
        self.standing: pd.DataFrame = study.standing_ratings()
        self.measures = [measure for measure in self.measures if measure.name in self.matches]
        judged = cast(JudgedStudy, study)  # without measures it is a kit, which is asked nothing more
        self.rated: pd.DataFrame = judged.rated_volumes() if self.measures else self.matches.assign(grade=0.0)
        self.said: list[str] = said_of_study(judged) if self.measures else []
        self._between_people = judged.bend_between_people() if self.measures else None
        self._null = {measure.name: study.null(measure.name) for measure in self.measures}
        self._rows: dict[tuple[Any, Any], Any] = {
            (row.synthetic, row.training): row for row in self.matches.itertuples(index=False)
        }

    def mirrored(self, pair: Any) -> bool:
        row = self._rows.get((pair.synthetic, pair.training))
        return bool(getattr(row, "mirrored", False))

    def rank(self, pair: Any) -> int | None:
        row = self._rows.get((pair.synthetic, pair.training))
        return None if row is None else int(row.rank)

    def candidates(self, synthetic: str) -> list[str]:
        """Training volumes that a synthetic one was matched with, nearest first."""
        mine = self.matches[self.matches["synthetic"] == synthetic] if len(self.matches) else self.matches
        return [str(name) for name in mine.sort_values("rank")["training"]] if len(mine) else []

    def said_of(self, pair: Any) -> list[str]:
        """What each reader said of a pair before a consensus, one line each."""
        table = self.standing
        chosen = table[
            (table["synthetic"] == pair.synthetic)
            & (table["training"] == pair.training)
            & (table["round"] != "consensus")
        ]
        told = []
        for row in chosen.itertuples():
            also = [] if row.round == "first" else [f"{row.round} reading"]
            also += ["repeat"] * bool(row.repeat)
            also += [f"confidence {CONFIDENCES[int(row.confidence)]}"] if row.confidence in CONFIDENCES else []
            also += [text for text in (row.criteria, row.comment) if text]
            told.append(
                f"{row.reader}: {row.grade} {GRADES[int(row.grade)]}" + (f" ({'; '.join(also)})" if also else "")
            )
        return told

    def null_scores(self, measure: str) -> npt.NDArray[np.float64]:
        """Of each volume of the null with its nearest training volume, in one order for all measures; NaN: none."""
        return np.asarray(self._null[measure].scores, float)

    def verdict(self, pair: Any) -> str:
        """What the study says of this pair, and how far its anatomy agrees; empty when it says nothing."""
        if not len(self.verdicts):
            return ""
        found = self.verdicts[
            (self.verdicts["synthetic"] == pair.synthetic) & (self.verdicts["training"] == pair.training)
        ]
        if not len(found):
            return ""
        row = found.iloc[0]
        parts = [f"Verdict: {row['verdict']}" + (f" (by {row['rule']})" if row.get("rule") else "")]
        for name, title in (("p_value", "p"), ("q_value", "q"), ("probability", "probability")):
            if pd.notna(row[name]):
                parts.append(f"{title} {number(float(row[name]))}")
        lines = [", ".join(parts)]
        if pd.notna(row.get("p_rank")) and row["p_value"] < row["p_rank"]:
            lines.append(f"p by a fitted tail, an assumption; by ranks alone {number(float(row['p_rank']))}")
        if "bend" in self._null:
            bend = float(getattr(self._rows.get((pair.synthetic, pair.training)), "bend", np.nan))
            lines.append(anatomy(bend, self._between_people).capitalize())
        return "\n".join(lines)

    def threshold(self, measure: str) -> Threshold | None:
        row = self._threshold_row(measure)
        if row is None or not np.isfinite(row["threshold"]):
            return None
        return Threshold(float(row["threshold"]), float(row["threshold_low"]), float(row["threshold_high"]))

    def strips(self, pair: Any, *, others: bool = True) -> list[Strip]:
        """One strip a measure; empty when the pair is not among the matches. `others`: with the other candidates,
        whose names and scores blinded readers must not see."""
        row = self._rows.get((pair.synthetic, pair.training))
        if row is None:
            return []
        return [
            Strip(
                name=measure.name,
                title=measure.title,
                level=measure.level,
                higher_is_closer=measure.higher_is_closer,
                score=float(getattr(row, measure.name)),
                null=_finite(self._null[measure.name].scores),
                null_source=str(self._null[measure.name].source),
                threshold=self.threshold(measure.name),
                others=tuple(
                    (name, float(getattr(self._rows[pair.synthetic, name], measure.name)))
                    for name in self.candidates(pair.synthetic)
                    if others and name != pair.training
                ),
            )
            for measure in self.measures
        ]

    def calibrated(self) -> list[Calibrated]:
        """Rated pairs, the very ones that thresholds were estimated on, and thresholds."""
        rated = self.rated
        said = set(rated["synthetic"])
        if "rule" in self.verdicts:
            said |= set(self.verdicts.loc[self.verdicts["rule"] == "rating", "synthetic"])
        others = self.matches[~self.matches["synthetic"].isin(said)] if len(self.matches) else self.matches
        replica = (rated["grade"].astype(float) >= REPLICA_GRADE - 0.5).to_numpy()
        rows = []
        for measure in self.measures:
            row = self._threshold_row(measure.name)
            accuracy, details = "not enough ratings yet", "needs rated pairs of both kinds"
            if row is not None and np.isfinite(row["balanced_accuracy"]):
                accuracy = interval(row, "balanced_accuracy")
                details = (
                    f"corrected for optimism {number(row['balanced_accuracy_corrected'])}, "
                    f"by chance up to {number(row['balanced_accuracy_null95'])}"
                )
                if isinstance(row["note"], str) and row["note"]:
                    details += f"; {row['note']}"
            rows.append(
                Calibrated(
                    measure.title, measure.level, measure.higher_is_closer,
                    rated[measure.name].to_numpy(float), rated["grade"].to_numpy(float), replica,
                    self.threshold(measure.name),
                    accuracy, details,
                    _nearest_scores(others, measure),
                )
            )  # fmt: skip
        return rows

    def _threshold_row(self, measure: str) -> pd.Series | None:
        if not len(self.thresholds):
            return None
        found = self.thresholds[self.thresholds["measure"] == measure]
        if not len(found):
            return None
        # What could not be computed is stored as nothing, which must read as "not a number" here.
        return found.iloc[0].map(lambda value: np.nan if value is None else value)


def _nearest_scores(matches: pd.DataFrame, measure: Any) -> tuple[tuple[str, float], ...]:
    """Of each volume the score of its pair of rank 1, or where that has none of its closest pair, as verdicts do it."""
    found = []
    for name, mine in matches.groupby("synthetic"):
        scores = mine.set_index("rank")[measure.name].astype(float)
        own = float(scores.get(1, np.nan))
        best = float(scores.max() if measure.higher_is_closer else scores.min())
        found.append((str(name), own if np.isfinite(own) else best))
    return tuple(found)


def said_of_study(study: JudgedStudy) -> list[str]:
    """What is wrong with the null or the cohort, and how often the rule in use errs, one line each."""
    return [*study.cautions(), *([study.expected_errors()] if study.expected_errors() else [])]


def interval(row: pd.Series, name: str) -> str:
    return f"{number(row[name])} [{number(row[name + '_low'])}, {number(row[name + '_high'])}]"


def number(value: float) -> str:
    """Three significant digits, no exponent where it can be helped."""
    if not np.isfinite(value):
        return "–"
    return f"{value:.3f}" if 0.01 <= abs(value) < 10 or value == 0 else f"{value:.3g}"


def _finite(values: Any) -> npt.NDArray[np.float64]:
    values = np.asarray(values, float).ravel()
    return values[np.isfinite(values)]
