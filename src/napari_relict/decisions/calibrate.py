"""One run of `calibrate`: stored scores and current ratings -> verdicts (thresholds: see `rated.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from napari_relict.calibration import NullScores, Threshold, Verdict
from napari_relict.calibration.pareto_tail import tail_p_values
from napari_relict.calibration.probability import Fusion, fuse
from napari_relict.calibration.rating_rule import ErrorCounts, by_ratings, errors
from napari_relict.calibration.verdicts import (
    EXACT,
    NEAR,
    NONE,
    REPLICA_GRADE,
    UNDECIDED,
    Opinion,
    by_null,
    by_rating,
    more_careful,
    nearness,
)
from napari_relict.decisions import evidence as words
from napari_relict.decisions.deciding_scores import DecidingScores, deciding_scores
from napari_relict.decisions.rated_pairs import pair_grades
from napari_relict.decisions.rating_calls import RatingCalls, rating_calls
from napari_relict.measures import Measure
from napari_relict.measures.registry import deciders
from napari_relict.records.settings import Settings


@dataclass(frozen=True)
class Judged:
    """Attributes
    ----------
    verdicts : one a matched synthetic volume.
    cautions : what is wrong with the null or the cohort, one line each.
    errors : how often the rule in use was wrong on rated volumes; None without five of each kind.
    between : how far the anatomy of different people differs; None where that was not measured.
    """

    verdicts: list[Verdict]
    cautions: list[str]
    errors: ErrorCounts | None
    between: words.Between | None = None


def grades_of(ratings: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Median grade of each rated pair."""
    pairs = pair_grades(ratings)
    return {(str(row["synthetic"]), str(row["training"])): float(row["grade"]) for _, row in pairs.iterrows()}


def highest_grades(grades: Mapping[tuple[str, str], float]) -> dict[str, tuple[float, str]]:
    """Of each rated synthetic volume its highest grade, and the training volume that got it."""
    highest: dict[str, tuple[float, str]] = {}
    for (synthetic, training), grade in grades.items():
        highest[synthetic] = max(highest.get(synthetic, (0.0, "")), (grade, training))
    return highest


def fusion(decide: DecidingScores, highest: Mapping[str, tuple[float, str]], settings: Settings) -> Fusion:
    """The probability of each synthetic volume from all deciding measures and the ratings."""
    grade_of = np.array([highest.get(name, (np.nan, ""))[0] for name in decide.names])
    return fuse(decide.z(), np.isfinite(grade_of), grade_of >= REPLICA_GRADE - 0.5, settings.verdicts.probability)


def judge(
    matches: pd.DataFrame,
    nearest: pd.DataFrame,
    gaps: pd.DataFrame,
    nulls: Mapping[str, NullScores],
    ratings: pd.DataFrame,
    measures: Sequence[Measure],
    cuts: Sequence[Threshold],
    settings: Settings,
    same_voxels: Mapping[str, str],
) -> Judged:
    """A verdict for every synthetic volume that was matched.

    Equal stored voxels are an exact replica, whatever anyone says. Else a pair that was rated gets what was said of
    it. What nobody rated goes by `[verdicts] rule`: by the null, by the ratings of others, or the more careful of both.

    Parameters
    ----------
    nearest, gaps : synthetic volumes by measures, score with the nearest training volume, and how alone it stands.
    cuts : thresholds of the measures, from the same ratings.
    same_voxels : training volume whose stored voxels a synthetic one has, by synthetic volume.
    """
    deciding = deciders(measures)
    rows = [{str(key): value for key, value in row.items()} for row in matches.to_dict("records")]
    first = {str(row["synthetic"]): row for row in rows if row["rank"] == 1}
    if not first:
        return Judged([], [], None)
    decide = deciding_scores(nearest.reindex(sorted(first)), gaps, nulls, deciding)
    against = decide.judged(settings.verdicts)
    grades = grades_of(ratings)
    fused = fusion(decide, highest_grades(grades), settings)
    probability = dict(zip(decide.names, map(float, fused.probability), strict=True))
    calls = rating_calls(matches, ratings, measures, cuts, probability, settings)
    pairs = _Pairs(rows, first, grades, same_voxels)
    between = words.between_people(nulls, against)
    tails = tail_p_values(decide.scores, decide.null.scores) if settings.verdicts.tail == "pareto" else None
    scores_of = {str(name): row for name, row in nearest.to_dict("index").items()}
    verdicts: list[Verdict] = []
    unrated: dict[str, tuple[Opinion, Opinion | None]] = {}
    for row, name in enumerate(decide.names):
        training, grade = pairs.spoken_of(name)
        match = pairs.match(name, training)
        most = deciding[against.decided[row]] if against.decided[row] >= 0 else None
        bend = float(match.get("bend", np.nan))
        deciders_here = (against.decided_by_score[row], against.decided_by_gap[row] if against.by_gap[row] else -1)
        near = nearness(against, row, bend, any(deciding[place].of_part for place in deciders_here if place >= 0))
        changed = words.changed(match, settings.verdicts) if match else None
        if match and most is not None and most.of_part and near.bend >= settings.verdicts.near_bend:
            rest = f"for the rest its anatomy is bent by {near.bend:.1f} mm"
            changed = f"{words.part(match, most, settings)} is copied, {rest}"
        least_bend = np.nan if between is None else between.least
        by_scores = by_null(near, settings.verdicts.alpha, settings.verdicts.near_bend, changed, least_bend)
        by_others = None
        if calls is not None:
            closeness = calls.closeness(first[name], scores_of[name])
            by_others = by_ratings(probability[name], closeness, calls.cut, changed)
        unrated[name] = (by_scores, by_others)
        if name in same_voxels:
            said = Opinion(EXACT, "equal voxels", f"the stored voxels are those of {training}, bit for bit")
        elif np.isfinite(grade):
            said = by_rating(grade)
        else:
            said = _by_rule(settings.verdicts.rule, by_scores, by_others)
        parts = [
            said.why,
            words.anatomy(near.bend, between, pairs.aligned_best(name)),
            words.evidence(match, deciding, nulls) if match else "the pair is not among the current matches",
            f"{most.title} ({most.level} level) is the most conspicuous" if most else "",
            words.p_in_words(near, bool(against.by_gap[row]), None if against.groups_differ else len(decide.null)),
        ]
        if fused.level[row] >= 0 and np.isfinite(fused.probability[row]):
            parts.append(f"its probability rests most on {deciding[fused.level[row]].title}")
        if np.isfinite(near.p) and any(nulls[m.name].weaker for m in deciding):
            parts.append("judged by training patients, weaker evidence than a holdout")
        verdicts.append(
            Verdict(
                name, training, said.verdict, near.p, near.q, probability[name],
                "; ".join(part for part in parts if part), said.rule, near.p_rank,
                *([] if tails is None else map(float, tails[row])),
            )
        )  # fmt: skip
    return Judged(
        verdicts,
        [*words.cautions(against, decide), *_without_measure(settings, calls)],
        None if calls is None else _errors(settings.verdicts.rule, calls, unrated),
        between,
    )


def _without_measure(settings: Settings, calls: RatingCalls | None) -> list[str]:
    """A caution where the measure that was asked for has no threshold."""
    if calls is None or calls.cut is not None or settings.verdicts.measure is None:
        return []
    return [
        f"the measure {settings.verdicts.measure} of [verdicts] has no threshold (fewer than five rated replicas or "
        "others have it): ratings call by the probability alone"
    ]


class _Pairs:
    """Which pair a verdict speaks of.

    Parameters
    ----------
    rows : all matches. first : of each synthetic volume the one of rank 1.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        first: Mapping[str, Mapping[str, Any]],
        grades: Mapping[tuple[str, str], float],
        same_voxels: Mapping[str, str],
    ) -> None:
        self._rows = {(str(row["synthetic"]), str(row["training"])): row for row in rows}
        self._first, self._grades, self._same_voxels = first, grades, same_voxels
        self._highest = highest_grades(grades)
        self._bent = {
            str(row["synthetic"]): (str(row["training"]), float(row["bend"]))
            for row in rows
            if np.isfinite(row.get("bend", np.nan))
        }

    def spoken_of(self, name: str) -> tuple[str, float]:
        """Training volume that a verdict names, and the grade it rests on; NaN where no rating decides."""
        nearest = str(self._first[name]["training"])
        grade, rated = self._highest.get(name, (np.nan, ""))
        is_replica = grade >= REPLICA_GRADE - 0.5
        # A low grade of some farther pair says nothing of the nearest one.
        if not is_replica and (name, nearest) not in self._grades:
            grade = np.nan
        return self._same_voxels.get(name) or (rated if is_replica else nearest), float(grade)

    def match(self, name: str, training: str) -> Mapping[str, Any]:
        """The match of a pair; empty where it is no longer one."""
        return self._rows.get((name, training), {})

    def aligned_best(self, name: str) -> tuple[str, float] | None:
        """Training volume whose alignment gave the bend of this volume, and the bend in mm."""
        return self._bent.get(name)


def _by_rule(rule: str, by_scores: Opinion, by_others: Opinion | None) -> Opinion:
    if rule == "null":
        return by_scores
    if by_others is None:
        if rule == "ratings":
            return Opinion(UNDECIDED, "ratings", "too few ratings: it takes five replicas and five others")
        return by_scores
    return by_others if rule == "ratings" else more_careful(by_scores, by_others)


def _errors(rule: str, calls: RatingCalls, unrated: Mapping[str, tuple[Opinion, Opinion | None]]) -> ErrorCounts:
    """Each rated volume judged as if nobody had rated it."""
    said = []
    for name, called, within in zip(calls.rated, calls.called, calls.within, strict=True):
        by_scores = unrated[name][0] if name in unrated else Opinion(UNDECIDED, "null")
        by_others = Opinion(NEAR if called else UNDECIDED if within else NONE, "ratings")
        said.append(_by_rule(rule, by_scores, by_others).verdict)
    chosen = "" if calls.cut is None else f"threshold of {calls.cut.title}, {calls.cut.written}"
    note = "; ".join(
        one
        for one in (
            f"{chosen}, its interval that of all ratings" if chosen and rule != "null" else "",
            "holds for others if rated volumes were drawn at random",
        )
        if one
    )
    return errors(rule, said, calls.replica, note)
