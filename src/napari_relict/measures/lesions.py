"""Lesions of one aligned pair of label maps: which connected parts of a label have a counterpart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage


@dataclass(frozen=True)
class Lesions:
    """The connected parts of one label; voxels that share a face, an edge or a corner are connected.

    Attributes
    ----------
    shape : grid (z, y, x).
    voxels : int64 (n,), flat indices of the label's voxels, ascending.
    lesion : int64 (n,), the lesion that each belongs to, from 0.
    sizes : int64 (lesions,), voxels of each.
    """

    shape: tuple[int, ...]
    voxels: np.ndarray
    lesion: np.ndarray
    sizes: np.ndarray


@dataclass(frozen=True)
class LesionMatch:
    """Lesions with and without a counterpart, counted on either side: one may overlap several of the other.

    Attributes
    ----------
    matched_one, matched_other : lesions of each map that have a counterpart in the other.
    only_one, only_other : those that have none.
    """

    matched_one: int
    matched_other: int
    only_one: int
    only_other: int

    @property
    def f1(self) -> float:
        """Share of the lesions of both maps that have a counterpart; NaN without lesions."""
        matched = self.matched_one + self.matched_other
        total = matched + self.only_one + self.only_other
        return matched / total if total else float("nan")


def lesions_of(labels_map: np.ndarray, label: int) -> Lesions:
    """The connected parts of one label of a label map (z, y, x)."""
    mask = labels_map == label
    voxels = np.flatnonzero(mask)
    if not voxels.size:
        return Lesions(mask.shape, voxels, np.empty(0, np.int64), np.empty(0, np.int64))
    box = ndimage.find_objects(mask.view(np.uint8))[0]
    parts, _ = ndimage.label(mask[box], np.ones((3, 3, 3), bool))
    lesion = parts[mask[box]].astype(np.int64) - 1
    return Lesions(mask.shape, voxels, lesion, np.bincount(lesion))


def match_lesions(one: Lesions, other: Lesions, min_iou: float = 0.0) -> LesionMatch:
    """Which lesions have a counterpart: one that they overlap, by at least `min_iou` of what the two cover."""
    if one.shape != other.shape:
        raise ValueError(f"the two segmentations are on different grids: {one.shape} and {other.shape}")
    _, in_one, in_other = np.intersect1d(one.voxels, other.voxels, assume_unique=True, return_indices=True)
    pairs, shared = np.unique(one.lesion[in_one] * len(other.sizes) + other.lesion[in_other], return_counts=True)
    a, b = np.divmod(pairs, max(len(other.sizes), 1))
    enough = shared / (one.sizes[a] + other.sizes[b] - shared) >= min_iou
    matched_one, matched_other = len(np.unique(a[enough])), len(np.unique(b[enough]))
    return LesionMatch(matched_one, matched_other, len(one.sizes) - matched_one, len(other.sizes) - matched_other)
