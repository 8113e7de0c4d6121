"""Where and how large the labels of one aligned pair are: centroid distance in mm and volume difference in ml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from napari_relict.measures.segmentation import label_places


@dataclass(frozen=True)
class Shapes:
    """Volume and centroid of every label of one label map.

    Attributes
    ----------
    labels, shape, spacing : label values, grid (z, y, x) and size of its voxels in mm.
    volumes_ml : float64 (labels,).
    centroids_mm : float64 (labels, 3), from the first voxel of the grid along z, y, x; NaN for an absent label.
    """

    labels: tuple[int, ...]
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    volumes_ml: np.ndarray
    centroids_mm: np.ndarray


def shapes_of(labels_map: np.ndarray, labels: Sequence[int], spacing: Sequence[float]) -> Shapes:
    """Volumes and centroids of one label map (z, y, x), for the given labels (without 0)."""
    counts, sums = _sums(np.ascontiguousarray(labels_map), label_places(labels), len(labels))
    centroids = np.full((len(labels), 3), np.nan)
    np.divide(sums, counts[:, None], out=centroids, where=counts[:, None] > 0)
    mm = tuple(float(side) for side in spacing)
    return Shapes(tuple(labels), labels_map.shape, mm, counts * np.prod(mm) / 1000, centroids * mm)


def centroid_distance(one: Shapes, other: Shapes) -> np.ndarray:
    """Distance of the centroids in mm: float64 (labels,).

    NaN where neither map has the label; the diagonal of the grid where only one has it.
    """
    _same_grid(one, other)
    distance: np.ndarray = np.linalg.norm(one.centroids_mm - other.centroids_mm, axis=1)
    distance[(one.volumes_ml > 0) != (other.volumes_ml > 0)] = diagonal_mm(one.shape, one.spacing)
    return distance


def volume_difference_ml(one: Shapes, other: Shapes) -> np.ndarray:
    """|Va - Vb| in ml: float64 (labels,), NaN where neither map has the label."""
    _same_grid(one, other)
    absent = (one.volumes_ml == 0) & (other.volumes_ml == 0)
    return np.where(absent, np.nan, np.abs(one.volumes_ml - other.volumes_ml))


def diagonal_mm(shape: Sequence[int], spacing: Sequence[float]) -> float:
    """From corner to corner of a grid; no two of its voxels are that far apart."""
    return float(np.linalg.norm(np.multiply(shape, spacing)))


def _same_grid(one: Shapes, other: Shapes) -> None:
    if (one.labels, one.shape, one.spacing) != (other.labels, other.shape, other.spacing):
        raise ValueError("the two shapes are of different labels or on different grids")


@njit(cache=True, nogil=True)
def _sums(grid: np.ndarray, places: np.ndarray, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Voxels of each label, int64 (labels,), and the sums of their indices, int64 (labels, 3)."""
    counts, sums = np.zeros(labels, np.int64), np.zeros((labels, 3), np.int64)
    for z in range(grid.shape[0]):
        for y in range(grid.shape[1]):
            for x in range(grid.shape[2]):
                label = grid[z, y, x]
                if 0 <= label < len(places) and places[label] >= 0:
                    place = places[label]
                    counts[place] += 1
                    sums[place, 0] += z
                    sums[place, 1] += y
                    sums[place, 2] += x
    return counts, sums
