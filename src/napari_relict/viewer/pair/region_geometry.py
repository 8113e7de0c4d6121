"""Regions that a reader marks: a point, or a box drawn in a slice. Pure functions, no napari."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.viewer.pair.pair import PairKey

Where = Literal["synthetic", "training", "both"]


def point_region(at: Sequence[float], on: Where) -> MarkedRegion:
    """A point at `at`, mm (z, y, x)."""
    return MarkedRegion("point", _three(at), on=on)


def box_region(
    one: Sequence[float], other: Sequence[float], order: Sequence[int], spacing: Sequence[float], on: Where
) -> MarkedRegion:
    """The box between two corners in a slice, both in mm (z, y, x).

    It is as deep along the sliced axis as its two sides are wide on average, for a lesion is about as deep as it is
    wide and high; at least one slice.
    """
    a, b = np.asarray(one, float), np.asarray(other, float)
    size, sliced = np.abs(b - a), order[0]
    size[sliced] = max((size[order[1]] + size[order[2]]) / 2, spacing[sliced])
    return MarkedRegion("box", _three((a + b) / 2), _three(size), on)


def side_of(key: PairKey, cell: int) -> Where:
    """Whose volume a cell shows."""
    if cell == 2:
        return "both"
    return "training" if (cell == 1) != key.swapped else "synthetic"


def _three(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    """Rounded to a hundredth of a mm: nobody marks more finely, and stored numbers stay short."""
    z, y, x = (round(float(value), 2) for value in values)
    return z, y, x
