"""What a verdict rests on, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from napari_relict.calibration import NullScores
from napari_relict.calibration.against_null import AgainstNull
from napari_relict.calibration.verdicts import Nearness
from napari_relict.measures import Measure
from napari_relict.study.settings import Settings, VerdictSettings

TAIL_ASSUMES = "which assumes that closeness goes on beyond the null as at its end"


def anatomy(bend: float, null: NullScores | None, other: tuple[str, float] | None = None) -> str:
    """How far the anatomy of a pair agrees, in mm, beside how far that of different people does.

    Parameters
    ----------
    bend : mm; NaN where nobody looked. null : of the measure `bend`; None where it was not measured.
    other : training volume that the synthetic one was aligned best with, and its bend, where that is another one.
    """
    said = f"after alignment the anatomy of the two agrees to {bend:.2f} mm"
    if not np.isfinite(bend) and other is None:
        return "how far the anatomy of the two agrees was not measured"
    if not np.isfinite(bend) and other is not None:
        said = f"the best aligned patient is another one, {other[0]}, whose anatomy agrees to {other[1]:.2f} mm"
    apart = null.scores[np.isfinite(null.scores)] if null is not None else np.empty(0)
    if not len(apart):
        return f"{said}; of different people it is not known"
    return (
        f"{said}; between different people of this study {apart.min():.1f} to {apart.max():.1f} mm ({len(apart)} pairs)"
    )


def p_in_words(near: Nearness, by_gap: bool, patients: int) -> str:
    """What p rests on and assumes; empty without a null."""
    if not np.isfinite(near.p):
        return ""
    alone = ", by how alone its nearest patient stands" if by_gap else ""
    least = f", the smallest that {patients} patients can give" if near.p_rank <= near.smallest + 1e-12 else ""
    if near.p < near.p_rank * (1 - 1e-9):
        return (
            f"p at most {near.p:.2g} by a fitted tail{alone} ({TAIL_ASSUMES}); by ranks alone {near.p_rank:.2g}{least}"
        )
    return f"p {near.p_rank:.2g} by ranks{alone}{least}"


def cautions(judged: AgainstNull, nulls: Mapping[str, NullScores], deciding: Sequence[Measure]) -> list[str]:
    """What is wrong with the null or the cohort, one line each."""
    said = []
    first = nulls[deciding[0].name]
    if judged.nearer_as_a_whole:
        said.append(
            "the synthetic volumes are as a whole nearer to training patients than new patients are, those too that "
            "nothing else marks: p-values of scores would be too small; verdicts rest on how alone the nearest patient "
            "stands and on anatomy"
        )
    if judged.groups_differ:
        said.append(
            "holdout patients and left-out training patients are not equally near to the others (another site or "
            "scanner?): of their two p-values the larger one counts"
        )
    for one in judged.outliers:
        name = first.patients[one.place] if first.patients else f"patient {one.place + 1}"
        nearest = first.nearest[one.place] if first.nearest and first.nearest[one.place] else "a training patient"
        said.append(
            f"{name} of the null is nearer to {nearest} than strangers are (p {one.p:.2g} among the others): the same "
            f"person? If so, say so in the table of patients; volumes that would be called without {name} are undecided"
        )
    return said


def evidence(match: Mapping[str, Any], deciding: Sequence[Measure], nulls: Mapping[str, NullScores]) -> str:
    """Each deciding measure of a pair beside the closest of the null, and how the pair lies."""
    parts = []
    for measure in deciding:
        if measure.name == "bend":  # said in words of its own
            continue
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


def changed(match: Mapping[str, Any], limits: VerdictSettings) -> str | None:
    """What of the anatomy was changed, in words; empty for nothing, None where nobody looked."""
    bend, lesion = match.get("bend", np.nan), match.get("lesion", np.nan)
    if not np.isfinite(bend):
        return None
    said = [f"bent by {bend:.1f} mm"] if bend >= limits.exact_bend else []
    if np.isfinite(lesion) and lesion >= limits.exact_lesion:
        said.append(f"something differs by {lesion:.0%} of the brightness")
    return ", ".join(said)


def part(match: Mapping[str, Any], measure: Measure, settings: Settings) -> str:
    """Which part of a pair agrees by a measure of a part, in words."""
    if measure.name.startswith("half"):
        return f"the {match['part']} half" if match["part"] else "a half"
    if not np.isfinite(match["region_mm"]):
        return "a region"
    middle = (np.array(settings.grid.shape) - 1) / 2
    mm = (np.array([match[f"region_{axis}"] for axis in "zyx"], float) - middle) * settings.grid.spacing
    ways = (("superior", "inferior"), ("posterior", "anterior"), ("left", "right"))
    where = ", ".join(f"{abs(away):.0f} mm {way[int(away < 0)]}" for away, way in zip(mm, ways, strict=True))
    return f"a region of some {match['region_mm']:.0f} mm radius ({where} of the grid's middle)"
