"""Surfaces of one aligned pair of label maps: Hausdorff distance (95 %), average distance and surface Dice.

What costs time, the distance maps, is kept with each label map; a pair then only looks distances up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from napari_relict.measures.distance_map import distance_maps
from napari_relict.measures.segmentation import label_places
from napari_relict.measures.shape import diagonal_mm

# Voxels around a label that its distance map holds. Farther ones are compared with every surface voxel instead:
# as exact, only slower, so this trades memory and preparation for speed.
MARGIN = 12
CHUNK = 32  # surface voxels that share a bounding box
BINS = 512  # of the histogram that finds a percentile


class Kept(NamedTuple):
    """What is kept of each label, one label after the other.

    voxels : int16 (3, surface voxels), their z, y and x.
    starts : int64 (labels + 1,), where each label begins in `voxels`.
    boxes : int64 (labels, 2, 3), first voxel and size of the part of the grid that each distance map covers.
    distances : float32 (voxels of all boxes,), mm from there to the label's nearest surface voxel.
    box_starts : int64 (labels + 1,), where each label begins in `distances`.
    """

    voxels: np.ndarray
    starts: np.ndarray
    boxes: np.ndarray
    distances: np.ndarray
    box_starts: np.ndarray


@dataclass(frozen=True)
class Surfaces:
    """The surfaces of one label map.

    A voxel is on the surface of its label when one of its six neighbours is not of that label or lies outside the
    grid: what binary erosion takes away, as in MONAI's `get_mask_edges`.

    Attributes
    ----------
    labels, shape, spacing : label values, grid (z, y, x) and size of its voxels in mm.
    kept : surface voxels and distance maps.
    """

    labels: tuple[int, ...]
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    kept: Kept


@dataclass(frozen=True)
class SurfaceScores:
    """Each float64 (labels,).

    NaN where neither map has the label. Where only one has it, the two distances are the diagonal of the grid,
    farther than any two voxels can be, and surface Dice is 0.

    Attributes
    ----------
    hd95_mm : the larger of the two directed 95th percentiles of surface distance.
    assd_mm : mean distance over the surface voxels of both.
    surface_dice : share of the surface voxels of both that are at most the tolerance away from the other surface.
    """

    hd95_mm: np.ndarray
    assd_mm: np.ndarray
    surface_dice: np.ndarray


def surfaces_of(labels_map: np.ndarray, labels: Sequence[int], spacing: Sequence[float]) -> Surfaces:
    """Surfaces and distance maps of one label map (z, y, x), for the given labels (without 0)."""
    grid = np.ascontiguousarray(labels_map)
    places = label_places(labels)
    voxels, starts = _surface_voxels(grid, places, len(labels))
    boxes = np.zeros((len(labels), 2, 3), np.int64)
    for place in range(len(labels)):
        mine = voxels[:, starts[place] : starts[place + 1]]
        if mine.size:
            low = np.maximum(mine.min(1) - MARGIN, 0)
            boxes[place] = low, np.minimum(mine.max(1) + MARGIN + 1, grid.shape) - low
    box_starts = np.concatenate([[0], boxes[:, 1].prod(1).cumsum()])
    mm = tuple(float(side) for side in spacing)
    distances = distance_maps(voxels, starts, boxes, box_starts, mm)
    return Surfaces(tuple(labels), grid.shape, mm, Kept(voxels, starts, boxes, distances, box_starts))


def surface_scores(one: Surfaces, other: Surfaces, tolerance_mm: float) -> SurfaceScores:
    """How far apart the surfaces of two label maps on one grid are, label by label."""
    if (one.labels, one.shape, one.spacing) != (other.labels, other.shape, other.spacing):
        raise ValueError("the two surfaces are of different labels or on different grids")
    diagonal = diagonal_mm(one.shape, one.spacing)
    return SurfaceScores(*_scores(one.kept, other.kept, one.spacing, np.float32(tolerance_mm), diagonal))


@njit(cache=True, nogil=True)
def _surface_voxels(grid: np.ndarray, places: np.ndarray, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Surface voxels of every label, int16 (3, n), and where each label's begin, int64 (labels + 1,)."""
    depth, height, width = grid.shape
    ends = np.zeros(labels + 1, np.int64)
    voxels = np.empty((3, 0), np.int16)
    for filling in (False, True):  # counted first, so that each label's lie together
        if filling:
            starts = ends.cumsum()
            ends[:-1] = starts[:-1]
            voxels = np.empty((3, starts[-1]), np.int16)
        for z in range(depth):
            for y in range(height):
                for x in range(width):
                    label = grid[z, y, x]
                    if not 0 <= label < len(places) or places[label] < 0:
                        continue
                    if (
                        0 < z < depth - 1
                        and 0 < y < height - 1
                        and 0 < x < width - 1
                        and grid[z, y, x - 1] == label
                        and grid[z, y, x + 1] == label
                        and grid[z, y - 1, x] == label
                        and grid[z, y + 1, x] == label
                        and grid[z - 1, y, x] == label
                        and grid[z + 1, y, x] == label
                    ):
                        continue
                    place = places[label]
                    if filling:
                        voxels[0, ends[place]], voxels[1, ends[place]], voxels[2, ends[place]] = z, y, x
                        ends[place] += 1
                    else:
                        ends[place + 1] += 1
    return voxels, starts


@njit(cache=True, nogil=True)
def _scores(
    one: Kept, other: Kept, mm: tuple[float, ...], tolerance: np.float32, diagonal: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three arrays of `SurfaceScores`."""
    labels = len(one.boxes)
    hd95, assd, dice = np.empty(labels), np.empty(labels), np.empty(labels)
    buffer = np.empty(max(one.voxels.shape[1], other.voxels.shape[1]), np.float32)
    for label in range(labels):
        counts = one.starts[label + 1] - one.starts[label], other.starts[label + 1] - other.starts[label]
        if min(counts) == 0:
            absent = max(counts) == 0
            hd95[label] = assd[label] = np.nan if absent else diagonal
            dice[label] = np.nan if absent else 0.0
            continue
        worst, total, close = 0.0, 0.0, 0
        for here, there in ((one, other), (other, one)):
            found = buffer[: here.starts[label + 1] - here.starts[label]]
            _look_up(here, there, label, mm, found)
            for distance in found:
                total += distance
                close += distance <= tolerance
            worst = max(worst, _percentile_95(found))
        hd95[label], assd[label], dice[label] = worst, total / sum(counts), close / sum(counts)
    return hd95, assd, dice


@njit(cache=True, nogil=True)
def _look_up(here: Kept, there: Kept, label: int, mm: tuple[float, ...], found: np.ndarray) -> None:
    """Fill `found` with the distance in mm of each of one's surface voxels to the surface of the other."""
    voxels = here.voxels[:, here.starts[label] : here.starts[label + 1]]
    distances = there.distances[there.box_starts[label] : there.box_starts[label + 1]]
    (low_z, low_y, low_x), (depth, height, width) = there.boxes[label]
    outside = False
    for k in range(len(found)):
        z, y, x = voxels[0, k] - low_z, voxels[1, k] - low_y, voxels[2, k] - low_x
        if 0 <= z < depth and 0 <= y < height and 0 <= x < width:
            found[k] = distances[(z * height + y) * width + x]
        else:
            found[k] = -1
            outside = True
    if outside:
        _search(voxels, there.voxels[:, there.starts[label] : there.starts[label + 1]], mm, found)


@njit(cache=True, nogil=True)
def _search(voxels: np.ndarray, surface: np.ndarray, mm: tuple[float, ...], found: np.ndarray) -> None:
    """Where `found` (n,) is negative, fill in the distance of that one of `voxels` (3, n) to the nearest of `surface`.

    The surface is gone through in chunks of neighbours; only those whose bounding box is nearer than the nearest
    voxel so far are looked into. The search begins with the voxel that was nearest to the last one.
    """
    size = surface.shape[1]
    chunks = -(-size // CHUNK)
    low, high = np.empty((chunks, 3), np.int64), np.empty((chunks, 3), np.int64)
    for chunk in range(chunks):
        for axis in range(3):
            inside = surface[axis, chunk * CHUNK : (chunk + 1) * CHUNK]
            low[chunk, axis], high[chunk, axis] = inside.min(), inside.max()
    at = 0
    for k in range(len(found)):
        if found[k] >= 0:
            continue
        z, y, x = np.int64(voxels[0, k]), np.int64(voxels[1, k]), np.int64(voxels[2, k])
        nearest = _squared(surface[0, at] - z, surface[1, at] - y, surface[2, at] - x, mm)
        for chunk in range(chunks):
            dz = max(low[chunk, 0] - z, z - high[chunk, 0], 0)
            dy = max(low[chunk, 1] - y, y - high[chunk, 1], 0)
            dx = max(low[chunk, 2] - x, x - high[chunk, 2], 0)
            if _squared(dz, dy, dx, mm) < nearest:
                for other in range(chunk * CHUNK, min((chunk + 1) * CHUNK, size)):
                    away = _squared(surface[0, other] - z, surface[1, other] - y, surface[2, other] - x, mm)
                    if away < nearest:
                        nearest, at = away, other
        found[k] = np.sqrt(nearest)


@njit(cache=True, nogil=True)
def _squared(dz: int, dy: int, dx: int, mm: tuple[float, ...]) -> float:
    """Squared length in mm of a step counted in voxels, rounded as in the distance maps."""
    squared: float = (dx * mm[2]) ** 2 + (dy * mm[1]) ** 2 + (dz * mm[0]) ** 2
    return squared


@njit(cache=True, nogil=True)
def _percentile_95(values: np.ndarray) -> float:
    """As `np.percentile(values, 95)` of non-negative values, from a histogram and a look into its last bins."""
    rank = 0.95 * (len(values) - 1)
    low = int(rank)
    scale = BINS / max(values.max(), 1e-9) * (1 - 1e-6)
    counts = np.zeros(BINS, np.int64)
    for value in values:
        counts[int(value * scale)] += 1
    below, first = 0, 0
    while below + counts[first] <= low:
        below += counts[first]
        first += 1
    tail = np.empty(len(values) - below, values.dtype)
    n = 0
    for value in values:
        if int(value * scale) >= first:
            tail[n] = value
            n += 1
    place = low - below
    ordered = np.partition(tail, place)
    if place + 1 == n:
        return float(ordered[place])
    upper = ordered[place + 1 :].min()
    return float(ordered[place] + (rank - low) * (upper - ordered[place]))
