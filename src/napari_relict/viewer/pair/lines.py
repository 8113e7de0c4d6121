"""Line art of the cells: crosshair, marked regions, the line of the swipe. Pure numpy, no napari.

Every function returns float (n, 2, 3): start and direction of n straight lines, in voxels (z, y, x), as napari's
Vectors take them. All lie in the slice on screen, and inside the grid: beyond it they would widen napari's sliders.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Lines = npt.NDArray[np.float64]
Vector = Sequence[float] | npt.NDArray[np.float64]
#: Points are seen in the slices beside their own too: one slice alone is too easily passed over.
NEIGHBOURS = 1.5


def none() -> Lines:
    return np.zeros((0, 2, 3))


def joined(parts: Sequence[Lines]) -> Lines:
    return np.concatenate(parts) if parts else none()


def between(starts: npt.ArrayLike, ends: npt.ArrayLike, shape: Sequence[int]) -> Lines:
    """Lines from start to end, cut off at the grid's edges; those of no length are left out."""
    top = np.asarray(shape) - 1
    a, b = np.clip(starts, 0, top), np.clip(ends, 0, top)
    lines = np.stack([a, b - a], axis=1)
    return lines[np.abs(lines[:, 1]).sum(1) > 1e-9]


def crosshair(at: Vector, order: Sequence[int], shape: Sequence[int], gap: Vector) -> Lines:
    """Two lines through `at` with a gap of so many voxels (z, y, x) on each side of it.

    Parameters
    ----------
    order : the sliced axis, that of the rows and that of the columns.
    """
    starts, ends = [], []
    for axis in order[1:]:
        for start, end in ((0.0, at[axis] - gap[axis]), (at[axis] + gap[axis], shape[axis] - 1.0)):
            if end > start:
                line = np.tile(np.asarray(at, float), (2, 1))
                line[:, axis] = start, end
                starts.append(line[0])
                ends.append(line[1])
    return between(starts, ends, shape) if starts else none()


def box(centre: Vector, size: Vector, at: float, order: Sequence[int], shape: Sequence[int]) -> Lines:
    """The outline of a box in slice `at`; nothing where the slice does not meet it."""
    sliced, rows, columns = order
    if abs(at - centre[sliced]) > max(size[sliced] / 2, 0.5):
        return none()
    corners = np.tile(np.asarray(centre, float), (4, 1))
    corners[:, sliced] = at
    corners[:, rows] += np.array([-1, -1, 1, 1]) * size[rows] / 2
    corners[:, columns] += np.array([-1, 1, 1, -1]) * size[columns] / 2
    return between(corners, np.roll(corners, -1, axis=0), shape)


def ring(centre: Vector, radius: Vector, at: float, order: Sequence[int], shape: Sequence[int]) -> Lines:
    """A ring around a point, in slices at it and beside it."""
    sliced, rows, columns = order
    if abs(at - centre[sliced]) > NEIGHBOURS:
        return none()
    angles = np.linspace(0, 2 * np.pi, 17)[:-1]
    points = np.tile(np.asarray(centre, float), (len(angles), 1))
    points[:, sliced] = at
    points[:, rows] += radius[rows] * np.sin(angles)
    points[:, columns] += radius[columns] * np.cos(angles)
    return between(points, np.roll(points, -1, axis=0), shape)


def split(position: float, at: float, order: Sequence[int], shape: Sequence[int]) -> Lines:
    """The upright line at which swipe changes sides: between the voxels before and after `position`."""
    sliced, rows, columns = order
    start, end = np.zeros((2, 3))
    start[sliced] = end[sliced] = at
    start[columns] = end[columns] = np.ceil(position) - 0.5
    end[rows] = shape[rows] - 1
    return between([start], [end], shape)
