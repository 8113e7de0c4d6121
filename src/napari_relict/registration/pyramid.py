"""A volume at several resolutions, and the points that it is registered by. Made once, used against many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numba import njit
from scipy import ndimage

from napari_relict.registration.equations import cells_of

POINTS = 12_000  # a level is registered by at most so many of its voxels
SPAN_POINTS = 20_000
SMALLEST_SIDE = 12  # voxels: a level is left out rather than made smaller
GOLDEN = 0.6180339887498949


@dataclass
class Level:
    """A volume at one resolution.

    Attributes
    ----------
    values : ndarray of float32, (z, y, x)
    seen : ndarray of uint8, (z, y, x)
        Where the values count.
    spacing, origin : ndarray of float64, (3,)
        mm along x, y, z, and of the first voxel's middle.
    """

    values: np.ndarray
    seen: np.ndarray
    spacing: np.ndarray
    origin: np.ndarray
    _choose: Callable[[np.ndarray], np.ndarray]

    @cached_property
    def points(self) -> np.ndarray:
        """mm (x, y, z) of the voxels that the volume is registered by when it is the fixed one: float64 (n, 3)."""
        z, y, x = np.unravel_index(self._where, self.values.shape)
        return np.asarray(np.stack([x, y, z], 1) * self.spacing + self.origin)

    @cached_property
    def at_points(self) -> np.ndarray:
        """Values at `points`: float32 (n,)."""
        return np.asarray(self.values.ravel()[self._where])

    @cached_property
    def cells(self) -> np.ndarray:
        """Where it may be interpolated when it is the moving one (see `equations.cells_of`): uint8 (z, y, x)."""
        return cells_of(self.seen)

    @cached_property
    def span(self) -> tuple[float, float]:
        """Values that all but a thousandth at either end of those that count lie between."""
        some = spread(np.flatnonzero(self.seen), SPAN_POINTS)
        low, high = np.quantile(self.values.ravel()[some], (0.001, 0.999)) if len(some) else (0.0, 0.0)
        return float(low), float(high)

    @cached_property
    def _where(self) -> np.ndarray:
        return np.asarray(self._choose(self.seen))


class Pyramid:
    """A volume prepared for registration.

    Parameters
    ----------
    values : ndarray, (z, y, x)
    spacing : sequence of float
        mm along z, y, x.
    mask : ndarray of bool, (z, y, x), or None
        Where the values count (the field of view, a half, a region); everywhere when None.
    origin : sequence of float or None
        mm (x, y, z) of the first voxel's middle; when None the grid's middle is at zero.
    points : int
        At most so many voxels of a level are looked at.
    """

    def __init__(
        self,
        values: np.ndarray,
        spacing: Sequence[float] | np.ndarray,
        mask: np.ndarray | None = None,
        origin: Sequence[float] | np.ndarray | None = None,
        points: int = POINTS,
    ) -> None:
        self._volumes = {1: np.ascontiguousarray(values, np.float32)}
        self._mask = None if mask is None else np.ascontiguousarray(np.asarray(mask) > 0, np.uint8)
        self._spacing = np.array(spacing, float)[::-1].copy()
        middle = -(np.array(values.shape[::-1]) - 1) / 2 * self._spacing
        self._origin = middle if origin is None else np.array(origin, float)
        self._points = points
        self._levels: dict[int, Level] = {}

    @property
    def factors(self) -> tuple[int, ...]:
        """By how much the levels are coarser than the volume along each axis, coarsest first: 4, 2, 1 or fewer."""
        side = min(self._volumes[1].shape)
        return tuple(factor for factor in (4, 2, 1) if factor == 1 or side >= factor * SMALLEST_SIDE)

    def level(self, factor: int) -> Level:
        """The volume at a resolution that many times coarser (a power of two); made when it is first asked for."""
        if factor not in self._levels:
            self._levels[factor] = self._made(factor)
        return self._levels[factor]

    def with_mask(self, mask: np.ndarray) -> Pyramid:
        """The same volume, another part of it counting."""
        other = Pyramid(self._volumes[1], self._spacing[::-1], mask, self._origin, self._points)
        other._volumes = self._volumes  # what is coarser is made once for both
        return other

    def _volume(self, factor: int) -> np.ndarray:
        if factor not in self._volumes:
            means = _block_means(self._volume(factor // 2))
            # Means of blocks still hold steps that a gradient stumbles over.
            self._volumes[factor] = np.asarray(ndimage.gaussian_filter(means, 0.5, truncate=2), np.float32)
        return self._volumes[factor]

    def _made(self, factor: int) -> Level:
        values = self._volume(factor)
        seen = np.ones(values.shape, np.uint8)
        if self._mask is not None:
            seen, coarser = self._mask, 1
            while coarser < factor:
                seen, coarser = _block_least(seen), coarser * 2
        spacing = self._spacing * factor
        origin = self._origin + (factor - 1) / 2 * self._spacing
        return Level(values, seen, spacing, origin, partial(self._chosen, factor))

    def _chosen(self, factor: int, seen: np.ndarray) -> np.ndarray:
        where = spread(_counting(seen, self._body, max(self.factors) // factor), self._points)
        return where if len(where) else spread(np.flatnonzero(seen), self._points)

    @cached_property
    def _body(self) -> np.ndarray:
        """Coarsest voxels in and about the body, where there is something to hold on to; all if there is no telling."""
        values = self._volume(max(self.factors))
        low, high = np.quantile(values, (0.01, 0.99))
        body = values > low + 0.1 * (high - low)
        if not 0.02 < body.mean() < 0.9:
            return np.ones(values.shape, bool)
        return np.asarray(ndimage.binary_dilation(body))


@njit(cache=True, nogil=True)
def _counting(seen: np.ndarray, body: np.ndarray, ratio: int) -> np.ndarray:
    """Places of the voxels that were seen and lie in the body, whose voxels are `ratio` times as wide: int64 (n,)."""
    depth, height, width = seen.shape
    found = np.empty(seen.size + 1, np.int32)
    row = np.empty(width, np.uint8)
    count = 0
    for z in range(depth):
        low_z, last = min(z // ratio, body.shape[0] - 1), -1
        for y in range(height):
            low_y = min(y // ratio, body.shape[1] - 1)
            if low_y != last:
                last = low_y
                for x in range(width):
                    row[x] = body[low_z, low_y, min(x // ratio, body.shape[2] - 1)]
            first = (z * height + y) * width
            for x in range(width):
                found[count] = first + x  # overwritten by the next one if it does not count
                count += int(row[x] & seen[z, y, x])
    return found[:count].astype(np.int64)


@njit(cache=True, nogil=True)
def _block_means(values: np.ndarray) -> np.ndarray:
    """Means of blocks of 2 x 2 x 2; what is beyond the last whole block is left out."""
    depth, height, width = values.shape[0] // 2, values.shape[1] // 2, values.shape[2] // 2
    means = np.empty((depth, height, width), np.float32)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                total = np.float32(0)
                for a in range(2):
                    for b in range(2):
                        total += values[2 * z + a, 2 * y + b, 2 * x] + values[2 * z + a, 2 * y + b, 2 * x + 1]
                means[z, y, x] = total * np.float32(0.125)
    return means


@njit(cache=True, nogil=True)
def _block_least(seen: np.ndarray) -> np.ndarray:
    """1 where all voxels of a block of 2 x 2 x 2 are."""
    depth, height, width = seen.shape[0] // 2, seen.shape[1] // 2, seen.shape[2] // 2
    least = np.empty((depth, height, width), np.uint8)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                every = np.uint8(1)
                for a in range(2):
                    for b in range(2):
                        every &= seen[2 * z + a, 2 * y + b, 2 * x] & seen[2 * z + a, 2 * y + b, 2 * x + 1]
                least[z, y, x] = every
    return least


def spread(where: np.ndarray, most: int) -> np.ndarray:
    """At most so many places, spread evenly over all of them and always the same."""
    if len(where) <= most:
        return where
    # Every n-th would follow the volume's rows; steps of the golden section fill any stretch evenly.
    steps = (np.arange(most) * GOLDEN) % 1.0
    return np.sort(where[(steps * len(where)).astype(np.int64)])
