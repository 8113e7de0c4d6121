"""What a verdict rests on, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from napari_relict.calibration import NullScores
from napari_relict.calibration.against_null import AgainstNull
from napari_relict.calibration.verdicts import Nearness
from napari_relict.decisions.deciding_scores import DecidingScores
from napari_relict.measures import Measure
from napari_relict.records.settings import Settings, VerdictSettings

TAIL_ASSUMES = "which assumes that closeness goes on beyond the null as at its end"


def anatomy(bend: float, between: Between | None, other: tuple[str, float] | None = None) -> str:
    """How far the anatomy of a pair agrees, in mm, beside how far that of different people does.

    Parameters
    ----------
    bend : mm; NaN where nobody looked. between : of different people; None where it was not measured.
    other : training volume that the synthetic one was aligned best with, and its bend, where that is another one.
    """
    said = f"after alignment the anatomy of the two agrees to {bend:.2f} mm"
    if not np.isfinite(bend) and other is None:
        return "how far the anatomy of the two agrees was not measured"
    if not np.isfinite(bend) and other is not None:
        said = f"the best aligned patient is another one, {other[0]}, whose anatomy agrees to {other[1]:.2f} mm"
    if between is None:
        return f"{said}; of different people it is not known"
    return f"{said}; between different people of this study {between.said}"


@dataclass(frozen=True)
class Between:
    """How far the anatomy of patients who are different people differs after alignment: mm, and in how many pairs."""

    least: float
    most: float
    pairs: int

    @property
    def said(self) -> str:
        return f"{self.least:.1f} to {self.most:.1f} mm ({self.pairs} pairs)"


def between_people(nulls: Mapping[str, NullScores], judged: AgainstNull) -> Between | None:
    """Of the null's patients, without those who may be training patients; None where bend was not measured."""
    if "bend" not in nulls:
        return None
    bends = np.delete(nulls["bend"].scores, [one.place for one in judged.outliers])
    bends = bends[np.isfinite(bends)]
    return Between(float(bends.min()), float(bends.max()), len(bends)) if len(bends) else None


def p_in_words(near: Nearness, by_gap: bool, patients: int | None) -> str:
    """What p rests on and assumes; empty without a null.

    Parameters
    ----------
    patients : how many the null has; None where p is of a part of it.
    """
    if not np.isfinite(near.p):
        return ""
    alone = ", by how alone its nearest patient stands" if by_gap else ""
    who = "its patients" if patients is None else f"{patients} patients"
    least = f", the smallest that {who} can give" if near.p_rank <= near.smallest + 1e-12 else ""
    if near.p < near.p_rank * (1 - 1e-9):
        return (
            f"p at most {near.p:.2g} by a fitted tail{alone} ({TAIL_ASSUMES}); by ranks alone {near.p_rank:.2g}{least}"
        )
    return f"p {near.p_rank:.2g} by ranks{alone}{least}"


def cautions(judged: AgainstNull, decide: DecidingScores) -> list[str]:
    """What is wrong with the null or the cohort, one line each."""
    said = []
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
        z = np.nan_to_num(decide.null_z()[one.place], nan=-np.inf)
        null = decide.nulls[decide.measures[int(z.argmax())].name]
        name = null.patients[one.place] if null.patients else f"patient {one.place + 1}"
        nearest = null.nearest[one.place] if null.nearest and null.nearest[one.place] else "a training patient"
        said.append(
            f"{name} of the null is nearer to {nearest} than strangers are (p {one.p:.2g} among the others): the same "
            f"person? If so, say so in the table of patients; what stands out without {name} is undecided"
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
