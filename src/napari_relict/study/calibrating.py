"""One run of `calibrate`: stored scores and current ratings -> thresholds and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from napari_relict.calibration import NullScores, Threshold, best_threshold, decide, fused_p_values, q_values
from napari_relict.calibration.null import location_and_scale
from napari_relict.calibration.probability import replica_probability
from napari_relict.calibration.verdicts import REPLICA_GRADE, Verdict
from napari_relict.measures import Measure
from napari_relict.measures.registry import deciders
from napari_relict.study.reference import CONSENSUS
from napari_relict.study.settings import Settings, VerdictSettings


def pair_grades(ratings: pd.DataFrame) -> pd.DataFrame:
    """One row a rated pair: synthetic, training, grade (median over readers), readers.

    Of ratings that count (see `napari_relict.study.reference.ratings_that_count`): a consensus stands alone.

    Ties between readers fall on the replica's side (2.5 counts as replica): withholding a volume wrongly costs
    less than releasing a patient.
    """
    if ratings.empty:
        return pd.DataFrame(columns=["synthetic", "training", "grade", "readers"])
    grouped = ratings.groupby(["synthetic", "training"])
    return grouped.agg(grade=("grade", "median"), readers=("reader", "nunique")).reset_index()


def thresholds(matches: pd.DataFrame, ratings: pd.DataFrame, measures: Sequence[Measure]) -> list[Threshold]:
    """The best threshold of every measure that the ratings allow; one rated pair a synthetic volume.

    Where several pairs of one synthetic volume were rated, the one of the highest grade speaks for it, so that
    the bootstrap resamples volumes and not pairs.
    """
    rated = pair_grades(ratings).merge(matches, on=["synthetic", "training"])
    rated = rated.sort_values(["grade", "rank"], ascending=[False, True], kind="stable")
    rated = rated.drop_duplicates("synthetic")
    readers = ratings["reader"].nunique()
    blinded = int(ratings["blinded"].sum())
    settled = int((ratings["round"] == CONSENSUS).sum())
    estimated_on = (
        f"the same {len(rated)} synthetic volumes, rated by {readers} reader{'s' * (readers != 1)}"
        f" ({blinded} of {len(ratings)} ratings blinded{f', {settled} by consensus' if settled else ''})"
    )
    found = (
        best_threshold(
            measure.closeness(rated[measure.name].to_numpy(float)),
            rated["grade"].to_numpy(float) >= REPLICA_GRADE - 0.5,
            measure=measure.name,
            level=measure.level,
            higher_is_closer=measure.higher_is_closer,
            estimated_on=estimated_on,
        )
        for measure in measures
        if measure.name in rated
    )
    return [threshold for threshold in found if threshold]


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
    q = q_values(p)
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
        evidence = "the pair is not among the current matches" if match is None else _evidence(match, deciding, nulls)
        changed = None if match is None else _changed(match, settings.verdicts)
        another = "" if match is None else _another(match, settings.verdicts)
        if decided[row] >= 0:
            most = deciding[decided[row]]
            if match is not None and another and most.of_part:
                changed, another = f"{_part(match, most, settings)} is copied, for the rest {another}", ""
            evidence += f"; {most.title} ({most.level} level) is the most conspicuous"
        smallest = min(nulls[m.name].resolution for m in deciding)
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
            )
        )
    return found


def _evidence(match: pd.Series[Any], deciding: Sequence[Measure], nulls: Mapping[str, NullScores]) -> str:
    parts = []
    for measure in deciding:
        if not np.isfinite(match[measure.name]):
            continue
        known = [f"null up to {measure.closest(nulls[measure.name].scores):.3f}"] if nulls[measure.name].known else []
        rank = match.get(f"rank_{measure.level}") if measure.searched else None
        known += [f"rank {rank:.0f}"] if rank is not None and pd.notna(rank) else []
        parts.append(f"{measure.level} {measure.title} {match[measure.name]:.3f} ({', '.join(known)})")
    if match["mirrored"]:
        parts.append("left-right mirrored")
    if match["inverted"]:
        parts.append("contrast inverted")
    return "; ".join(parts)


def _changed(match: pd.Series[Any], limits: VerdictSettings) -> str | None:
    """What of the anatomy was changed, in words; empty for nothing, None where nobody looked."""
    bend, lesion = match.get("bend", np.nan), match.get("lesion", np.nan)
    if not np.isfinite(bend):
        return None
    said = [f"bent by {bend:.1f} mm"] if bend >= limits.exact_bend else []
    if np.isfinite(lesion) and lesion >= limits.exact_lesion:
        said.append(f"something differs by {lesion:.0%} of the brightness")
    return ", ".join(said)


def _another(match: pd.Series[Any], limits: VerdictSettings) -> str:
    """What shows that a whole volume is another patient's, in words; empty when nothing does."""
    bend = match.get("bend", np.nan)
    return f"its anatomy is bent by {bend:.1f} mm" if np.isfinite(bend) and bend >= limits.near_bend else ""


def _part(match: pd.Series[Any], measure: Measure, settings: Settings) -> str:
    """Which part of a pair agrees by a measure of a part, in words."""
    if measure.name.startswith("half"):
        return f"the {match['part']} half" if match["part"] else "a half"
    if not np.isfinite(match["region_mm"]):
        return "a region"
    middle = (np.array(settings.grid.shape) - 1) / 2
    mm = (match[["region_z", "region_y", "region_x"]].to_numpy(float) - middle) * settings.grid.spacing
    ways = (("superior", "inferior"), ("posterior", "anterior"), ("left", "right"))
    where = ", ".join(f"{abs(away):.0f} mm {way[int(away < 0)]}" for away, way in zip(mm, ways, strict=True))
    return f"a region of some {match['region_mm']:.0f} mm radius ({where} of the grid's middle)"
