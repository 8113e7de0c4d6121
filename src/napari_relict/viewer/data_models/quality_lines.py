"""The table of metrics as the viewer shows it, and where each value lies among real patients. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from napari_relict.viewer.data_models.scores import number
from napari_relict.viewer.session.tables import rows_of

COPIES = "look for copies"
NONE = "–"


@dataclass(frozen=True)
class Place:
    """A value on the axis on which real patients reach from 0 to 1 (95% of them); None where it is not known."""

    value: float
    low: float
    high: float
    real: float  # their median

    @property
    def inside(self) -> bool:
        return 0 <= self.value <= 1


def place_of(row: Any) -> Place | None:
    """Of a row of the table of metrics."""
    width = row.floor_high - row.floor_low if pd.notna(row.floor_high) else np.nan
    if not (width > 0 and np.isfinite(row.value)):
        return None

    def at(value: float) -> float:
        return float((value - row.floor_low) / width)

    low, high = (at(end) if pd.notna(end) else at(row.value) for end in (row.low, row.high))
    return Place(at(row.value), low, high, at(row.floor))


def metrics_frame(table: pd.DataFrame) -> pd.DataFrame:
    """Values with their intervals, in words, one row a metric and space."""
    rows = [
        {
            "family": row.family,
            "metric": row.title,
            "on": str(row.space).replace("_", " "),
            "place": row.distance,
            "standing": in_short(row.standing),
            "synthetic": _with_interval(row.value, row.low, row.high),
            "real": _with_interval(row.floor, row.floor_low, row.floor_high),
        }
        for row in rows_of(table)
    ]
    return pd.DataFrame(rows)


def in_short(standing: str) -> str:
    """A standing as it fits into a column; the whole of it is in the tooltip."""
    return COPIES if COPIES in standing else standing.replace(" real patients", " real").replace(" than real", "")


def summary(table: pd.DataFrame) -> str:
    """The table in one line."""
    if table.empty:
        return "Not computed yet. It takes minutes; what is computed is kept."
    standing = table["standing"].astype(str)
    copies = int(standing.str.contains(COPIES).sum())
    real = int((standing == "as real patients").sum())
    computed = int((~standing.isin(["not computed", "no floor"])).sum())
    return (
        f"{computed} lines: {real} as real patients, {copies} say {COPIES}, {computed - real - copies} otherwise "
        "outside (1 in 20 by chance)"
    )


def _with_interval(value: float | None, low: float | None, high: float) -> str:
    if value is None or not np.isfinite(value):
        return NONE
    if pd.isna(low):
        return _short(value)
    return f"{_short(value)} [{_short(low)}, {_short(high)}]"


def _short(value: float) -> str:
    """Three significant digits; thousands in full."""
    return f"{float(f'{value:.3g}'):,.0f}" if abs(value) >= 100 else number(float(value))
