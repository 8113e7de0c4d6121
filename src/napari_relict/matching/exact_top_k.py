"""From scores that may be a little off to a certain order: recompute exactly what stands too close to call."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit

from napari_relict.matching.mirror_decomposition import from_half
from napari_relict.volumes.cohort import PreparedCohort, Row

Exact = Callable[[int], tuple[float, float]]  # place of a training volume -> as it is, mirrored


@dataclass(frozen=True)
class Settled:
    """The nearest patients of one query, for certain.

    Attributes
    ----------
    order : places of their nearest training volumes, nearest first; equal scores in the order of the places.
    exact : what was recomputed: place -> exact score as it is and mirrored.
    """

    order: list[int]
    exact: dict[int, tuple[float, float]]


def settle(
    closeness: np.ndarray, bound: np.ndarray, owners: np.ndarray, allowed: np.ndarray, top: int, exact: Exact
) -> Settled:
    """The `top` nearest patients and their order, with as few exact scores as that takes.

    A volume is recomputed when, by its bound, it might be the nearest of all that are left. So the exact scores of
    those returned are always among the recomputed.

    Parameters
    ----------
    closeness : float64 (training,), larger is nearer; NaN is never near. Of the nearer mirror state.
    bound : how far the exact closeness may be from that.
    owners : patient of each training volume, who counts once, by the nearest volume.
    allowed : bool (training,), not the query's own patient.
    exact : closeness of a training volume in both mirror states.
    """
    # An exact score stands behind bounds that reach as high: what lies there may be its equal, and come first.
    usable = np.flatnonzero(allowed & np.isfinite(closeness))
    queue = [(-float(closeness[place] + bound[place]), False, int(place)) for place in usable]
    heapq.heapify(queue)
    known: dict[int, tuple[float, float]] = {}
    order: list[int] = []
    found = set()
    while queue and len(order) < top:
        _, is_exact, place = heapq.heappop(queue)
        if owners[place] in found:
            continue
        if is_exact:
            order.append(place)
            found.add(owners[place])
        else:
            known[place] = exact(place)
            heapq.heappush(queue, (-max(known[place]), True, place))
    return Settled(order, known)


class ExactScores:
    """Exact NCC and MSE of one query with any training volume: float64, of the voxels that are stored.

    For one thread: a buffer is used again and again. What was asked for once is known from then on.
    """

    def __init__(self, cohort: PreparedCohort, name: str, training: PreparedCohort) -> None:
        self.training, self.row = training, cohort.rows[name]
        self._query, self._other = (np.empty(training.grid.shape, np.float16) for _ in range(2))
        self._known: dict[int, tuple[float, float]] = {}
        cohort.read(name, self._query, searched=True)

    def ncc(self, place: int) -> tuple[float, float]:
        """As it is and mirrored; 0 for a constant volume."""
        if place not in self._known:
            self._known[place] = self._ncc(place)
        return self._known[place]

    def _ncc(self, place: int) -> tuple[float, float]:
        name = self.training.names[place]
        row, size = self.training.rows[name], self._query.size
        norm = float(np.sqrt(self.row.spread * row.spread))
        if norm == 0:
            return 0.0, 0.0
        self.training.read(name, self._other, searched=True)
        straight, flipped = _centred_products(
            self._query.view(np.uint16), self._other.view(np.uint16), self.row.total / size, row.total / size
        )
        return min(max(straight / norm, -1.0), 1.0), min(max(flipped / norm, -1.0), 1.0)

    def mse(self, place: int) -> tuple[float, float]:
        """As it is and mirrored."""
        straight, flipped = self.ncc(place)
        row, size = self.training.rows[self.training.names[place]], self._query.size
        return mse_from(straight, self.row, row, size), mse_from(flipped, self.row, row, size)


def mse_from(ncc: float, one: Row, other: Row, voxels: int) -> float:
    """MSE of two volumes whose NCC is known."""
    both = one.spread + other.spread - 2 * ncc * float(np.sqrt(one.spread * other.spread))
    return ((one.total - other.total) / voxels) ** 2 + max(both, 0.0) / voxels


# Added up by column, so that the order is the same however a line is cut into vectors.
@njit(cache=True, nogil=True, error_model="numpy")
def _centred_products(one: np.ndarray, other: np.ndarray, mean: float, other_mean: float) -> tuple[float, float]:
    """Sums of products about the means of two float16 volumes (as bits), as they are and one mirrored."""
    z_side, y_side, x_side = one.shape
    half = (x_side + 1) // 2
    straight, flipped = np.zeros(half), np.zeros(half)
    for z in range(z_side):
        for y in range(y_side):
            p, q = one[z, y], other[z, y]
            for x in range(x_side // 2):
                a, b = np.float64(from_half(p[x])) - mean, np.float64(from_half(p[x_side - 1 - x])) - mean
                c, d = np.float64(from_half(q[x])) - other_mean, np.float64(from_half(q[x_side - 1 - x])) - other_mean
                straight[x] += a * c + b * d
                flipped[x] += a * d + b * c
            if x_side % 2:
                middle = (np.float64(from_half(p[half - 1])) - mean) * (np.float64(from_half(q[half - 1])) - other_mean)
                straight[half - 1] += middle
                flipped[half - 1] += middle
    return straight.sum(), flipped.sum()
