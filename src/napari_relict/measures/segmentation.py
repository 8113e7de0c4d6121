"""Segmentation level: Dice per label and volume difference of many pairs, exactly, on packed bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

# Values of `label_difference`.
BOTH, ONLY_LEFT, ONLY_RIGHT, OTHER_LABEL = 1, 2, 3, 4

# Words compared at a time: 4 KB of each volume, so that a block of volumes stays in a core's cache.
WORDS = 512

# The bit of each of a word's 64 voxels, in the order of `np.packbits`.
BITS = np.uint64(1) << (np.arange(64, dtype=np.uint64) ^ np.uint64(7))


def _count_bits(_typing: Any, _word: Any) -> Any:
    return types.uint64(types.uint64), lambda _context, builder, _signature, words: builder.ctpop(words[0])


# Bits set in a uint64: the processor's own instruction, on whole vectors where it has one.
_popcount: Any = intrinsic(_count_bits)


@dataclass(frozen=True)
class PackedLabels:
    """Label maps with one bit a voxel and label.

    Attributes
    ----------
    bits : uint64 (n, labels, words).
    counts : int64 (n, labels), voxels of each label.
    """

    bits: np.ndarray
    counts: np.ndarray


def label_places(labels: Sequence[int]) -> np.ndarray:
    """int32 (largest label + 1,): label value -> its place in `labels`, -1 for values that are not in it."""
    places = np.full(max(labels, default=0) + 1, -1, np.int32)
    places[list(labels)] = np.arange(len(labels))
    return places


def pack_labels(maps: np.ndarray, labels: Sequence[int]) -> PackedLabels:
    """(n, z, y, x) label maps -> packed bits for the given labels (without 0)."""
    flat = maps.reshape(len(maps), -1)
    bits = np.zeros((len(maps), len(labels), -(-flat.shape[1] // 64)), np.uint64)
    counts = np.zeros(bits.shape[:2], np.int64)
    _pack(flat, label_places(labels), bits, counts)
    return PackedLabels(bits, counts)


@njit(cache=True, nogil=True)
def _pack(flat: np.ndarray, places: np.ndarray, bits: np.ndarray, counts: np.ndarray) -> None:
    """Set the bits of `flat` (n, voxels) and count them: a pass for each label that a word has, mostly one or two."""
    for i in range(len(flat)):
        for start in range(0, flat.shape[1], 64):
            row = flat[i, start : start + 64]
            left = np.uint64(0)  # voxels of the word whose label has not been seen to
            for k in range(len(row)):
                left |= BITS[k]
            while left:
                lowest = left & (~left + np.uint64(1))
                value = row[_popcount(lowest - np.uint64(1)) ^ np.uint64(7)]
                same = np.uint64(0)
                for k in range(len(row)):
                    same |= BITS[k] if row[k] == value else np.uint64(0)
                left &= ~same
                if 0 <= value < len(places) and places[value] >= 0:
                    bits[i, places[value], start >> 6] = same
                    counts[i, places[value]] += np.int64(_popcount(same))


def overlaps(one: PackedLabels, other: PackedLabels) -> np.ndarray:
    """Voxels that share a label: int64 (len(one), len(other), labels)."""
    shared: np.ndarray = _overlaps(one.bits, other.bits)
    return shared


@njit(cache=True, nogil=True)
def _overlaps(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    n, labels, words = one.shape
    shared = np.zeros((n, len(other), labels), np.int64)
    for label in range(labels):
        for start in range(0, words, WORDS):
            for i in range(n):
                a = one[i, label, start : start + WORDS]
                for j in range(len(other)):
                    b = other[j, label, start : start + WORDS]
                    count = np.uint64(0)
                    for k in range(len(a)):
                        count += _popcount(a[k] & b[k])
                    shared[i, j, label] += np.int64(count)
    return shared


def dice_per_label(one: PackedLabels, other: PackedLabels) -> np.ndarray:
    """Dice of every pair and label: float64 (len(one), len(other), labels).

    NaN where neither volume has the label; 0 where only one has it.
    """
    total = (one.counts[:, None] + other.counts[None]).astype(np.float64)
    dice = np.full(total.shape, np.nan)
    np.divide(2.0 * overlaps(one, other), total, out=dice, where=total > 0)
    return dice


def mean_dice(per_label: np.ndarray) -> np.ndarray:
    """Mean over the labels that either volume has; NaN where neither has any."""
    present = np.isfinite(per_label)
    count = present.sum(-1)
    total = np.where(present, per_label, 0.0).sum(-1)
    mean = np.full(count.shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def volume_difference(one: PackedLabels, other: PackedLabels) -> np.ndarray:
    """Mean over labels of |Va - Vb| / ((Va + Vb) / 2) for every pair; labels neither has do not count.

    Returns
    -------
    float64 (len(one), len(other)), 0 (equal volumes) to 2 (each has what the other lacks); NaN without labels.
    """
    a, b = one.counts[:, None].astype(np.float64), other.counts[None].astype(np.float64)
    total = a + b
    relative = np.divide(2 * np.abs(a - b), total, out=np.full(total.shape, np.nan), where=total > 0)
    return mean_dice(relative)


def paired_sides(one: PackedLabels, mirrored: PackedLabels, labels: Sequence[int]) -> dict[int, int]:
    """Which labels exchange their places when left and right do (left and right kidney), found from overlaps.

    Parameters
    ----------
    one, mirrored : the same posed label maps, as they are and flipped left-right without renaming.

    Returns
    -------
    Label -> label of the other side, in both directions; labels on their own mirror image are left out.
    """
    shared = np.zeros((len(labels), len(labels)))
    for bits, flipped in zip(one.bits, mirrored.bits, strict=True):
        shared += _overlaps(bits[:, None], flipped[:, None])[..., 0]  # every label with every other, as if volumes
    total = one.counts.sum(0)[:, None] + mirrored.counts.sum(0)[None]
    overlap = np.divide(2 * shared, total, out=np.zeros_like(shared), where=total > 0)
    best = overlap.argmax(1)
    return {
        int(labels[row]): int(labels[other])
        for row, other in enumerate(best)
        if other != row and best[other] == row and overlap[row, other] > 2 * overlap[row, row]
    }


def label_difference(left: np.ndarray, right: np.ndarray, label: int | None = None) -> np.ndarray:
    """Where two segmentations agree and where they do not.

    Parameters
    ----------
    left, right : integer labels on one grid, 0 is background.
    label : compare this label alone; without it, all labels at once.

    Returns
    -------
    uint8 array: `BOTH`, `ONLY_LEFT`, `ONLY_RIGHT`, 0 elsewhere. With several labels at once there are voxels
    that both sides label, but differently; neither side has them alone, so they are `OTHER_LABEL`.
    """
    if left.shape != right.shape:
        raise ValueError(f"the two segmentations are on different grids: {left.shape} and {right.shape}")
    in_left = left != 0 if label is None else left == label
    in_right = right != 0 if label is None else right == label
    out = np.zeros(left.shape, np.uint8)
    out[in_left & in_right] = BOTH
    out[in_left & ~in_right] = ONLY_LEFT
    out[in_right & ~in_left] = ONLY_RIGHT
    if label is None:
        out[in_left & in_right & (left != right)] = OTHER_LABEL
    return out
