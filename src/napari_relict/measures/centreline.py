"""Centrelines of one aligned pair of vessel labels: clDice (Shit et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from skimage.morphology import skeletonize


@dataclass(frozen=True)
class Skeletons:
    """The centrelines of one label map.

    Attributes
    ----------
    labels : label values.
    grid : the label map (z, y, x) itself.
    voxels : for each label the flat indices of its centreline, int64 (n,).
    """

    labels: tuple[int, ...]
    grid: np.ndarray
    voxels: tuple[np.ndarray, ...]


def skeletons_of(labels_map: np.ndarray, labels: Sequence[int]) -> Skeletons:
    """Centrelines of one label map (z, y, x), by thinning (Lee et al. 1994; scikit-image)."""
    grid = np.ascontiguousarray(labels_map)
    return Skeletons(tuple(labels), grid, tuple(_centreline(grid == label) for label in labels))


def cl_dice(one: Skeletons, other: Skeletons) -> np.ndarray:
    """Harmonic mean of the shares of each centreline that lie in the other's label: float64 (labels,).

    NaN where neither map has the label; 0 where only one has it.
    """
    if one.labels != other.labels or one.grid.shape != other.grid.shape:
        raise ValueError("the two centrelines are of different labels or on different grids")
    scores = np.full(len(one.labels), np.nan)
    for place, label in enumerate(one.labels):
        a, b = one.voxels[place], other.voxels[place]
        if a.size and b.size:
            precision = float((other.grid.ravel()[a] == label).mean())
            sensitivity = float((one.grid.ravel()[b] == label).mean())
            both = precision + sensitivity
            scores[place] = 2 * precision * sensitivity / both if both else 0.0
        elif a.size or b.size:
            scores[place] = 0.0
    return scores


def _centreline(mask: np.ndarray) -> np.ndarray:
    """Flat indices of the centreline of a bool (z, y, x).

    Thinning takes the very smallest away altogether (2 x 2 x 2 voxels); those are their own centreline.
    """
    sides = [np.flatnonzero(mask.any(axis)) for axis in ((1, 2), (0, 2), (0, 1))]
    if not sides[0].size:
        return np.empty(0, np.int64)
    box = tuple(slice(side[0], side[-1] + 1) for side in sides)
    inside = mask[box]
    # Framed by background, because a mask of one slice would be thinned as a picture.
    thin = skeletonize(np.pad(inside, 1))[1:-1, 1:-1, 1:-1]
    found = np.nonzero(thin if thin.any() else inside)
    z, y, x = (k + side[0] for k, side in zip(found, sides, strict=True))
    voxels: np.ndarray = np.ravel_multi_index((z, y, x), mask.shape)
    return voxels
