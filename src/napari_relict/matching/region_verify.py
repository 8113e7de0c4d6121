"""A region that keypoints of two volumes agree on, aligned by itself and compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_relict.matching.regions import Region
from napari_relict.registration import Pyramid, register
from napari_relict.volumes.affines import grid_points, resampled
from napari_relict.volumes.grid import Grid

ALIGNED = 0.13  # of the grid's mean side: radius of the ball that is aligned
COMPARED = 0.1  # and of the ball that is compared
FINE = (0.8, 2.0)  # voxels, of two blurs: what lies between them differs most between heads that are alike at large
LARGEST = 1 - 1e-6  # correlation, so that its atanh is finite
FEWEST_VOXELS = 300


@dataclass(frozen=True)
class FoundRegion:
    """Where a query has a region in common with a training volume, and how alike the two are there.

    Attributes
    ----------
    fisher_z : atanh of the NCC of the fine structure; NaN where too little was seen in both.
    centre : voxel (z, y, x) of the common grid, in the query as it is.
    radius_mm : most of the agreeing keypoints lie within it.
    """

    fisher_z: float
    centre: tuple[int, int, int]
    radius_mm: float


def compare_region(
    query: np.ndarray, query_seen: np.ndarray, other: np.ndarray, other_seen: np.ndarray, grid: Grid, region: Region
) -> FoundRegion:
    """Align the ball about the region's centre by itself, and compare what is fine in the middle of it.

    Parameters
    ----------
    query, other : float32 (z, y, x), as the search compares them; the query mirrored where the region is.
    query_seen, other_seen : bool, their fields of view.
    """
    side = float(np.mean(np.multiply(grid.shape, grid.spacing)))
    z, y, x = (
        round(mm / step + (n - 1) / 2)
        for mm, step, n in zip(region.in_query[::-1].tolist(), grid.spacing, grid.shape, strict=True)
    )
    fisher_z = float("nan")
    ball = ball_of(grid, region.centre, ALIGNED * side) & query_seen
    if ball.sum() >= FEWEST_VOXELS:
        matrix = _aligned(query, ball, other, other_seen, grid, region.matrix)
        inner = ball_of(grid, region.centre, COMPARED * side) & query_seen
        inner &= resampled(other_seen.astype(np.float32), grid, matrix) > 0.5
        if inner.sum() >= FEWEST_VOXELS:
            fisher_z = _fine_alike(query, resampled(other, grid, matrix), inner)
    return FoundRegion(fisher_z, (z, y, x), region.radius)


def _fine_alike(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """atanh of the NCC of what lies between two blurs."""
    corners = np.argwhere(where)
    reach = int(np.ceil(3 * FINE[1]))
    box = tuple(slice(max(0, a - reach), b + reach + 1) for a, b in zip(corners.min(0), corners.max(0), strict=True))
    a, b = (
        (ndimage.gaussian_filter(v[box], FINE[0], truncate=3) - ndimage.gaussian_filter(v[box], FINE[1], truncate=3))[
            where[box]
        ].astype(np.float64)
        for v in (one, other)
    )
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float(np.arctanh(np.clip((a * b).sum() / norm, -LARGEST, LARGEST))) if norm > 0 else 0.0


def ball_of(grid: Grid, centre: np.ndarray, radius: float) -> np.ndarray:
    """Voxels of the ball of `radius` mm about a centre (x, y, z) mm. bool, the grid's shape."""
    x, y, z = grid_points(grid)
    return np.asarray((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 < radius**2)


def _aligned(
    query: np.ndarray, ball: np.ndarray, other: np.ndarray, other_seen: np.ndarray, grid: Grid, start: np.ndarray
) -> np.ndarray:
    """The similarity transform that shows `other` as `query` shows it in the ball; every voxel of it counts."""
    corners = np.argwhere(ball)
    low, high = corners.min(0), corners.max(0) + 1
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    middle = (np.array(grid.shape) - 1) / 2
    first = ((low - middle) * grid.spacing)[::-1]
    onto = Pyramid(query[box], grid.spacing, ball[box], first)
    from_ = Pyramid(other, grid.spacing, other_seen)
    return register(onto, from_, starts=[start], factors=(1,)).matrix
