"""Radiological display: which axes a plane shows, which way up, and which letter stands on which edge.

Volumes are LPS on a (z, y, x) grid: x grows to the patient's left, y to the back, z to the top. In axial and
coronal planes the patient's right is on the left of the screen; in sagittal planes the nose points left.
Pure functions, no napari.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt


class Plane(StrEnum):
    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


@dataclass(frozen=True)
class Marks:
    """Letters at the four edges of a cell."""

    left: str
    right: str
    top: str
    bottom: str

    def mirrored(self) -> Marks:
        """The letters over a volume whose left and right were exchanged, in whatever view."""
        exchanged = str.maketrans("RL", "LR")
        return Marks(*(text.translate(exchanged) for text in (self.left, self.right, self.top, self.bottom)))


@dataclass(frozen=True)
class PlaneView:
    """How napari is told to show a plane."""

    order: tuple[int, int, int]  # viewer.dims.order: the sliced axis first, then rows, then columns
    vertical: str  # which way the row axis grows on screen
    marks: Marks


VIEWS = {
    Plane.AXIAL: PlaneView((0, 1, 2), "down", Marks("R", "L", "A", "P")),
    Plane.CORONAL: PlaneView((1, 0, 2), "up", Marks("R", "L", "S", "I")),
    Plane.SAGITTAL: PlaneView((2, 0, 1), "up", Marks("A", "P", "S", "I")),
}

#: Letters of the (z, y, x) axes at their low and high ends.
ENDS = (("I", "S"), ("A", "P"), ("R", "L"))

#: Camera orientation (depth, vertical, horizontal) under which a (z, y, x) LPS volume is not shown as its
#: mirror image: with x to the right and y down, z has to point away from the viewer; napari's default is
#: towards them.
TRUE_IN_3D = ("away", "down", "right")


def letters(direction: npt.ArrayLike) -> str:
    """Anatomical name of a direction (z, y, x), the strongest axis first, oblique ones with two letters."""
    vector = np.asarray(direction, float)
    vector = vector / (np.linalg.norm(vector) or 1.0)
    axes = [axis for axis in np.argsort(-np.abs(vector), kind="stable") if abs(vector[axis]) > 0.35]
    return "".join(ENDS[axis][int(vector[axis] > 0)] for axis in axes[:2])


def place_text(step: tuple[int, int, int], shape: tuple[int, ...], spacing: tuple[float, float, float]) -> str:
    """A voxel (z, y, x) in words: mm from the grid's middle with the patient's letters, and voxel, counted from 1."""
    parts = []
    for axis in (2, 1, 0):
        mm = (step[axis] - (shape[axis] - 1) / 2) * spacing[axis]
        parts.append(f"{ENDS[axis][int(mm > 0)]} {abs(mm):.1f}")
    z, y, x = (at + 1 for at in step)
    return f"{'  '.join(parts)} mm   voxel {x}, {y}, {z}"


def marks_in_3d(view: npt.ArrayLike, up: npt.ArrayLike) -> Marks:
    """Edge letters for a 3D camera looking along `view` with `up` pointing up on the screen, both (z, y, x).

    Right on the screen is view x up in patient space (x, y, z); in (z, y, x) order it turns its sign.
    """
    up = np.asarray(up, float)
    right = -np.cross(np.asarray(view, float), up)
    return Marks(letters(-right), letters(right), letters(up), letters(-up))
