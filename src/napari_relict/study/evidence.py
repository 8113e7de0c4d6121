"""What a verdict rests on, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from napari_relict.calibration import NullScores
from napari_relict.measures import Measure
from napari_relict.study.settings import Settings, VerdictSettings


def evidence(match: pd.Series[Any], deciding: Sequence[Measure], nulls: Mapping[str, NullScores]) -> str:
    """Each deciding measure of a pair beside the closest of the null, and how the pair lies."""
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


def changed(match: pd.Series[Any], limits: VerdictSettings) -> str | None:
    """What of the anatomy was changed, in words; empty for nothing, None where nobody looked."""
    bend, lesion = match.get("bend", np.nan), match.get("lesion", np.nan)
    if not np.isfinite(bend):
        return None
    said = [f"bent by {bend:.1f} mm"] if bend >= limits.exact_bend else []
    if np.isfinite(lesion) and lesion >= limits.exact_lesion:
        said.append(f"something differs by {lesion:.0%} of the brightness")
    return ", ".join(said)


def another(match: pd.Series[Any], limits: VerdictSettings) -> str:
    """What shows that a whole volume is another patient's, in words; empty when nothing does."""
    bend = match.get("bend", np.nan)
    return f"its anatomy is bent by {bend:.1f} mm" if np.isfinite(bend) and bend >= limits.near_bend else ""


def part(match: pd.Series[Any], measure: Measure, settings: Settings) -> str:
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
