"""One run of `calibrate`: stored scores and current ratings -> verdicts (thresholds: see `rated.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from napari_relict.calibration import NullScores, decide, fused_p_values, q_values
from napari_relict.calibration.null import location_and_scale
from napari_relict.calibration.probability import Fusion, fuse
from napari_relict.calibration.tail import sharpened, tail_p_values
from napari_relict.calibration.verdicts import REPLICA_GRADE, Verdict
from napari_relict.measures import Measure
from napari_relict.measures.registry import deciders
from napari_relict.study import evidence as words
from napari_relict.study.rated import pair_grades
from napari_relict.study.settings import Settings


def deciding_scores(
    nearest: pd.DataFrame, nulls: Mapping[str, NullScores], deciding: Sequence[Measure]
) -> tuple[np.ndarray, np.ndarray]:
    """Closeness of synthetic volumes and of the null's patients: (synthetic, levels) and (patients, levels)."""
    return (
        np.column_stack([measure.closeness(nearest[measure.name].to_numpy(float)) for measure in deciding]),
        np.column_stack([measure.closeness(nulls[measure.name].scores) for measure in deciding]),
    )


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


def fusion(
    names: Sequence[str],
    scores: np.ndarray,
    null: np.ndarray,
    highest: Mapping[str, tuple[float, str]],
    settings: Settings,
) -> Fusion:
    """The probability of each synthetic volume from all deciding measures and the ratings."""
    scales = [location_and_scale(column) for column in null.T]
    z = np.column_stack([(scores[:, i] - centre) / scale for i, (centre, scale) in enumerate(scales)])
    grade_of = np.array([highest.get(name, (np.nan, ""))[0] for name in names])
    return fuse(z, np.isfinite(grade_of), grade_of >= REPLICA_GRADE - 0.5, settings.verdicts.probability)


def verdicts(
    matches: pd.DataFrame,
    nearest: pd.DataFrame,
    nulls: dict[str, NullScores],
    ratings: pd.DataFrame,
    measures: Sequence[Measure],
    settings: Settings,
    same_voxels: Mapping[str, str],
) -> list[Verdict]:
    """A verdict for every synthetic volume that was matched.

    Parameters
    ----------
    nearest : synthetic volumes by measures, score with the nearest training volume.
    same_voxels : training volume whose stored voxels a synthetic one has, by synthetic volume.
    """
    deciding = deciders(measures)
    first = matches[matches["rank"] == 1].set_index("synthetic").sort_index()
    if first.empty:
        return []
    names = list(first.index)
    scores, null = deciding_scores(nearest.reindex(names), nulls, deciding)
    p, decided = fused_p_values(scores, null)
    tails = np.full((len(names), 3), np.nan)
    if settings.verdicts.tail == "pareto":
        tails = tail_p_values(scores, null)
    q = q_values(sharpened(p, tails))
    grades = grades_of(ratings)
    highest = highest_grades(grades)
    fused = fusion(names, scores, null, highest, settings)
    pairs = matches.set_index(["synthetic", "training"])
    found = []
    for row, name in enumerate(names):
        nearest_pair = str(first.loc[name, "training"])
        grade, rated = highest.get(name, (np.nan, ""))
        is_replica = grade >= REPLICA_GRADE - 0.5
        # A low grade of some farther pair says nothing of the nearest one.
        use = grade if is_replica or (name, nearest_pair) in grades else None
        training = same_voxels.get(name) or (rated if use is not None and is_replica else nearest_pair)
        known = (name, training) in pairs.index
        match = pairs.loc[(name, training)] if known else None
        evidence = (
            "the pair is not among the current matches" if match is None else words.evidence(match, deciding, nulls)
        )
        changed = None if match is None else words.changed(match, settings.verdicts)
        another = "" if match is None else words.another(match, settings.verdicts)
        if decided[row] >= 0:
            most = deciding[decided[row]]
            if match is not None and another and most.of_part:
                changed, another = f"{words.part(match, most, settings)} is copied, for the rest {another}", ""
            evidence += f"; {most.title} ({most.level} level) is the most conspicuous"
        if np.isfinite(fused.probability[row]) and fused.level[row] >= 0:
            evidence += f"; its probability rests most on {deciding[fused.level[row]].title}"
        smallest = min(nulls[m.name].resolution for m in deciding)
        if np.isfinite(p[row]) and any(nulls[m.name].weaker for m in deciding):
            evidence += "; judged by training patients, weaker evidence than a holdout"
        if np.isfinite(tails[row, 2]) and tails[row, 2] < p[row]:
            evidence += f"; by the null's tail p is at most {tails[row, 2]:.2g}"
        if not np.isfinite(p[row]):
            evidence += "; there is no null to judge it by"
        elif q[row] >= settings.verdicts.alpha and p[row] <= smallest + 1e-12:
            evidence += "; nearer than all of the null, which is too small to call it"
        found.append(
            decide(
                synthetic=name,
                training=training,
                p=float(p[row]),
                q=float(q[row]),
                probability=float(fused.probability[row]),
                alpha=settings.verdicts.alpha,
                changed=changed,
                another=another,
                grade=use,
                same_voxels=name in same_voxels,
                evidence=evidence,
                tail=(float(tails[row, 0]), float(tails[row, 1]), float(tails[row, 2])),
            )
        )
    return found
