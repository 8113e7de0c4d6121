"""Euclidean distance to a set of voxels, exact and with voxels of any shape."""

from __future__ import annotations

import numpy as np
from numba import njit

FAR = 1e30  # mm², where no voxel has been found yet
SEGMENT = 64  # voxels that a distance is spread to at once: whole vectors, in the fastest cache


@njit(cache=True, nogil=True)
def distance_maps(
    voxels: np.ndarray, starts: np.ndarray, boxes: np.ndarray, box_starts: np.ndarray, mm: tuple[float, ...]
) -> np.ndarray:
    """Distance to the nearest voxel of each set, axis by axis (Saito and Toriwaki 1994).

    Parameters
    ----------
    voxels, starts : int (3, n), z, y and x of all sets, and where each begins, (sets + 1,).
    boxes : int64 (sets, 2, 3), first voxel and size of the box that each map covers; it holds the whole set.
    box_starts : int64 (sets + 1,), where each map begins in the result.
    mm : size of a voxel along z, y, x.

    Returns
    -------
    float32 (voxels of all boxes,), mm.
    """
    distances = np.empty(box_starts[-1], np.float32)
    for place in range(len(boxes)):
        low, (depth, height, width) = boxes[place, 0], boxes[place, 1]
        if depth == 0:
            continue
        squared = np.full((depth, height, width), FAR)
        for k in range(starts[place], starts[place + 1]):
            squared[voxels[0, k] - low[0], voxels[1, k] - low[1], voxels[2, k] - low[2]] = 0.0
        _along_rows(squared.reshape(-1, width), mm[2])
        squared = _across_rows(squared, mm[1])
        squared = _across_rows(squared.reshape(1, depth, height * width), mm[0])
        flat = squared.ravel()
        start = box_starts[place]
        for k in range(len(flat)):
            distances[start + k] = np.sqrt(flat[k])
    return distances


@njit(cache=True, nogil=True)
def _along_rows(squared: np.ndarray, mm: float) -> None:
    """Squared distances within each row of (rows, n), which holds 0 and `FAR`; in place."""
    n = squared.shape[1]
    for row in squared:
        for forward in (True, False):
            steps = -1
            for k in range(n):
                x = k if forward else n - 1 - k
                if row[x] == 0:
                    steps = 0
                elif steps >= 0:
                    steps += 1
                    row[x] = min(row[x], (steps * mm) ** 2)


@njit(cache=True, nogil=True)
def _across_rows(squared: np.ndarray, mm: float) -> np.ndarray:
    """The same along axis 1 of (a, b, c), with the squared distances so far as where each voxel starts from."""
    planes, rows, width = squared.shape
    nearest = squared.copy()
    for plane in range(planes):
        for left in range(0, width, SEGMENT):
            right = min(left + SEGMENT, width)
            if squared[plane, :, left:right].min() >= FAR:
                continue
            for row in range(rows):
                best = nearest[plane, row, left:right]
                for step in range(1, rows):
                    away = (step * mm) ** 2
                    farther = False
                    for k in range(len(best)):
                        farther |= best[k] > away
                    if not farther:
                        break
                    for neighbour in (row - step, row + step):
                        if 0 <= neighbour < rows:
                            source = squared[plane, neighbour, left:right]
                            for k in range(len(best)):
                                through = source[k] + away
                                best[k] = through if through < best[k] else best[k]
    return nearest
