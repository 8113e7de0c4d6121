"""Segmentation level: Dice per label and volume difference of many pairs, exactly, on packed bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Values of `label_difference`.
BOTH, ONLY_LEFT, ONLY_RIGHT, OTHER_LABEL = 1, 2, 3, 4


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


def pack_labels(maps: np.ndarray, labels: Sequence[int]) -> PackedLabels:
    """(n, z, y, x) label maps -> packed bits for the given labels (without 0)."""
    flat = maps.reshape(len(maps), -1)
    words = -(-flat.shape[1] // 64)
    bits = np.zeros((len(maps), len(labels), words * 8), np.uint8)
    for place, label in enumerate(labels):
        packed = np.packbits(flat == label, axis=1)
        bits[:, place, : packed.shape[1]] = packed
    whole = bits.view(np.uint64)
    return PackedLabels(whole, np.bitwise_count(whole).sum(-1, dtype=np.int64))


def overlaps(one: PackedLabels, other: PackedLabels) -> np.ndarray:
    """Voxels that share a label: int64 (len(one), len(other), labels)."""
    shared = np.empty((len(one.bits), len(other.bits), one.bits.shape[1]), np.int64)
    for i, a in enumerate(one.bits):
        for j, b in enumerate(other.bits):
            shared[i, j] = np.bitwise_count(a & b).sum(-1, dtype=np.int64)
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
    for place in range(len(one.bits)):
        for row in range(len(labels)):
            shared[row] += np.bitwise_count(one.bits[place, row] & mirrored.bits[place]).sum(-1, dtype=np.int64)
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
