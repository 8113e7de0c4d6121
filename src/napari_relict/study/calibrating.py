"""One run of `calibrate`: stored scores and current ratings -> verdicts (thresholds: see `rated.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from napari_relict.calibration import NullScores, decide, fused_p_values, q_values
from napari_relict.calibration.null import location_and_scale
from napari_relict.calibration.probability import replica_probability
from napari_relict.calibration.tail import sharpened, tail_p_values
from napari_relict.calibration.verdicts import REPLICA_GRADE, Verdict
from napari_relict.measures import Measure
from napari_relict.measures.registry import deciders
from napari_relict.study import evidence as words
from napari_relict.study.rated import pair_grades
from napari_relict.study.settings import Settings


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
    scores = np.column_stack([m.closeness(nearest.reindex(names)[m.name].to_numpy(float)) for m in deciding])
    null = np.column_stack([m.closeness(nulls[m.name].scores) for m in deciding])
    p, decided = fused_p_values(scores, null)
    tails = np.full((len(names), 3), np.nan)
    if settings.verdicts.tail == "pareto":
        tails = tail_p_values(scores, null)
    q = q_values(sharpened(p, tails))
    rated_pairs = pair_grades(ratings)
    grades = {(str(row["synthetic"]), str(row["training"])): float(row["grade"]) for _, row in rated_pairs.iterrows()}
    highest: dict[str, tuple[float, str]] = {}
    for (synthetic, training), grade in grades.items():
        highest[synthetic] = max(highest.get(synthetic, (0.0, "")), (grade, training))
    z = np.column_stack(
        [
            (scores[:, i] - centre) / scale
            for i, (centre, scale) in enumerate(location_and_scale(column) for column in null.T)
        ]
    )
    grade_of = np.array([highest.get(name, (np.nan, ""))[0] for name in names])
    probability = replica_probability(z, np.isfinite(grade_of), grade_of >= REPLICA_GRADE - 0.5)
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
                probability=float(probability[row]),
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
