"""Every pair registered: one query against many volumes at low resolution, by their outlines.

What is compared is the gradient's magnitude of the smoothed volume: it is the same whichever way the contrast runs,
and strangers differ more in it than in brightness. At 8 mm one pair takes a few milliseconds of one core, so no common
pose has to be trusted where a cohort has some thousands of volumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numba import njit
from scipy import ndimage

from napari_relict.registration.batched import Many, climb_many, correlations
from napari_relict.registration.climbing import climb
from napari_relict.registration.equations import cells_of, correlation_of, normal_equations
from napari_relict.registration.pyramid import spread
from napari_relict.registration.transforms import Kind

VOXEL_MM = 8.0  # about; never fewer voxels a side than SMALLEST_SIDE
SMALLEST_SIDE = 16
SMOOTH_MM = 4.0
POINTS = 1500
FEWEST = 50
SIMILARITY, TRANSLATION = int(Kind.SIMILARITY), int(Kind.TRANSLATION)
GLANCE = 6  # steps that every start is given
ITERATIONS = 25  # in all, for the better half of the volumes after a glance
SHARE = 0.3  # of the query's points that have to be seen in the other volume
INSIDE = 0.15  # of the outlines' 98th percentile: points below lie in air or in nothing


@dataclass(frozen=True)
class Outline:
    """A volume's outlines at low resolution.

    Attributes
    ----------
    values : ndarray of float32, (z, y, x)
    seen : ndarray of uint8, (z, y, x)
    spacing, origin : ndarray of float64, (3,)
        mm along x, y, z; of the first voxel's middle, with the grid's middle at zero.
    """

    values: np.ndarray
    seen: np.ndarray
    spacing: np.ndarray
    origin: np.ndarray

    def mirrored(self) -> Outline:
        """Left and right exchanged about the grid's middle."""
        values, seen = (np.ascontiguousarray(part[..., ::-1]) for part in (self.values, self.seen))
        # Where the side is no whole number of blocks, what was left out lies on the other side now.
        origin = self.origin.copy()
        origin[0] = -self.origin[0] - (self.values.shape[2] - 1) * self.spacing[0]
        return Outline(values, seen, self.spacing, origin)

    @property
    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """mm (x, y, z) of the voxels it is registered by, float64 (n, 3), and their values, float32 (n,)."""
        where = (self.seen > 0) & (self.values > INSIDE * np.quantile(self.values, 0.98))
        chosen = spread(np.flatnonzero(ndimage.binary_dilation(where) & (self.seen > 0)), POINTS)
        z, y, x = np.unravel_index(chosen, self.values.shape)
        return np.stack([x, y, z], 1) * self.spacing + self.origin, self.values.ravel()[chosen]


def outline(values: np.ndarray, spacing: Sequence[float], seen: np.ndarray) -> Outline:
    """Outlines of a volume.

    Parameters
    ----------
    values : ndarray, (z, y, x)
    spacing : sequence of float
        mm along z, y, x.
    seen : ndarray of bool, (z, y, x)
        The field of view. Its own edge is no outline.
    """
    steps = np.array(spacing, float)
    factors = [
        max(1, min(round(VOXEL_MM / mm), side // SMALLEST_SIDE)) for mm, side in zip(steps, values.shape, strict=True)
    ]
    half = [max(1, factor // 2) for factor in factors]
    small, small_seen = _blocks(np.asarray(values, np.float32), half), _blocks(seen.astype(np.float32), half)
    edges = ndimage.gaussian_gradient_magnitude(small, SMOOTH_MM / (steps * half), truncate=3)
    inside = ndimage.binary_erosion(small_seen > 0.99, iterations=2, border_value=1)
    rest = [factor // part for factor, part in zip(factors, half, strict=True)]
    shrunk = _blocks(np.where(inside, edges, 0).astype(np.float32), rest)
    where = (_blocks(inside.astype(np.float32), rest) > 0.5).astype(np.uint8)
    factors = [part * more for part, more in zip(half, rest, strict=True)]
    origin = (np.array(factors) - np.array(values.shape)) / 2 * steps
    return Outline(shrunk, where, (steps * factors)[::-1].copy(), origin[::-1].copy())


def _blocks(values: np.ndarray, factors: Sequence[int]) -> np.ndarray:
    """Means of blocks; voxels beyond the last whole block are left out."""
    a, b, c = factors
    z, y, x = values.shape[0] // a, values.shape[1] // b, values.shape[2] // c
    sums = values[: z * a : a].copy()
    for plane in range(1, a):
        sums += values[plane : z * a : a]
    rows = sums[:, : y * b : b].copy()
    for row in range(1, b):
        rows += sums[:, row : y * b : b]
    columns = rows[..., : x * c : c].copy()
    for column in range(1, c):
        columns += rows[..., column : x * c : c]
    return np.ascontiguousarray(columns / (a * b * c))


def register_all(
    query: Outline,
    others: np.ndarray,
    seen: np.ndarray,
    starts: np.ndarray,
    *,
    origin: np.ndarray | None = None,
    device: str = "",
) -> tuple[np.ndarray, np.ndarray]:
    """Correlation of the query with each of many volumes, each registered onto it.

    Of the starts proposed for a volume the one that agrees best as it is goes on; one that agrees by its centre of mass
    is always among them.

    Parameters
    ----------
    query : Outline
    others : ndarray of float32, (n, z, y, x)
        Outlines on the query's low-resolution grid.
    seen : ndarray of uint8, (n, z, y, x)
    starts : ndarray of float64, (n, proposals, 4, 4)
        mm in the query -> mm in the other volume.
    origin : ndarray of float64, (3,), or None
        mm (x, y, z) of the other volumes' first voxel; the query's own when None, which a mirrored one may not share.
    device : str
        As torch names it, where the pairs are climbed all at once; compiled code on this thread when empty.

    Returns
    -------
    worth : ndarray of float64, (n,)
        Correlation over the overlap, less for a small one.
    matrices : ndarray of float64, (n, 4, 4)
    """
    points, values = query.points
    fewest = max(FEWEST, int(SHARE * len(points)))
    if len(points) < fewest:
        return np.zeros(len(others)), starts[:, 0].copy()
    grid = query.spacing, query.origin if origin is None else origin
    cells = cells_of(seen)
    climbed = partial(_climbed_on, device) if device else _climbed
    worth, matrices = climbed(points, values, others, cells, *grid, starts, GLANCE, fewest, True)
    # Strangers need not be brought to the last digit.
    again = np.flatnonzero(worth >= np.median(worth))
    worth[again], matrices[again] = climbed(
        points, values, others[again], cells[again], *grid, matrices[again][:, None], ITERATIONS, fewest, False
    )
    return worth, matrices


def _climbed_on(
    device: str,
    points: np.ndarray,
    values: np.ndarray,
    others: np.ndarray,
    cells: np.ndarray,
    spacing: np.ndarray,
    origin: np.ndarray,
    starts: np.ndarray,
    iterations: int,
    fewest: int,
    centred: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """`_climbed`, all volumes at once."""
    if centred:
        own = (points * values[:, None]).sum(0) / max(float(values.sum()), 1e-9)
        by_centre = np.tile(np.eye(4), (len(others), 1, 1, 1))
        by_centre[:, 0, :3, 3] = [_centre(other, spacing, origin) - own for other in others]
        starts = np.concatenate([starts, by_centre], 1)
    many = Many.of(points, values, others, cells, spacing, origin, device=device)
    if starts.shape[1] > 1:
        alike = np.stack([correlations(many, starts[:, number], fewest) for number in range(starts.shape[1])], 1)
        starts = np.take_along_axis(starts, alike.argmax(1)[:, None, None, None], 1)
    found = climb_many(many, starts[:, 0], Kind.SIMILARITY, iterations=iterations, fewest=fewest)
    return found.correlations * (found.overlaps / len(points)) ** 0.25, found.matrices


@njit(cache=True, nogil=True)
def _climbed(
    points: np.ndarray,
    values: np.ndarray,
    others: np.ndarray,
    cells: np.ndarray,
    spacing: np.ndarray,
    origin: np.ndarray,
    starts: np.ndarray,
    iterations: int,
    fewest: int,
    centred: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Each volume from its best start, so many steps; the start by centres of mass is added where `centred`."""
    count, proposals = len(others), starts.shape[1]
    worth, matrices = np.zeros(count), np.zeros((count, 4, 4))
    nowhere = np.zeros(3)
    own = np.zeros(3)
    for axis in range(3):
        own[axis] = (points[:, axis] * values).sum() / max(values.sum(), 1e-9)
    for number in range(count):
        begin, best = starts[number, 0], -2.0
        for proposal in range(proposals + 1):
            if proposal == proposals:
                if not centred:
                    break
                start = np.eye(4)
                start[:3, 3] = _centre(others[number], spacing, origin) - own
            else:
                start = starts[number, proposal]
            sums, overlap = normal_equations(
                points, values, others[number], cells[number], spacing, origin, start, nowhere, TRANSLATION
            )
            alike = correlation_of(sums) if overlap >= fewest else -1.0
            if alike > best:
                begin, best = start, alike
        matrix, correlation, overlap, _, _ = climb(
            points, values, others[number], cells[number], spacing, origin, begin, SIMILARITY, False, iterations,
            fewest,
        )  # fmt: skip
        worth[number] = correlation * (overlap / len(points)) ** 0.25
        matrices[number] = matrix
    return worth, matrices


@njit(cache=True, nogil=True)
def _centre(values: np.ndarray, spacing: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Centre of mass in mm (x, y, z)."""
    total, sums = 1e-9, np.zeros(3)
    depth, height, width = values.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                value = values[z, y, x]
                total += value
                sums[0] += value * x
                sums[1] += value * y
                sums[2] += value * z
    middle: np.ndarray = sums / total * spacing + origin
    return middle
