"""Mutual information of one pair of volumes: high where intensities of one tell those of the other, in any contrast."""

from __future__ import annotations

import numpy as np
from numba import njit


def mutual_information(one: np.ndarray, other: np.ndarray, bins: int = 32, mask: np.ndarray | None = None) -> float:
    """Mutual information of two volumes in nats: 0 where they are independent or one of them is constant.

    Parameters
    ----------
    one, other : (z, y, x), one shape; intensities 0 to 1 fall into `bins` bins of one width, others into the nearest.
    mask : bool (z, y, x), which voxels count.

    Returns
    -------
    NaN when no voxel counts.
    """
    first, second, joint = _entropies(one, other, bins, mask)
    return max(first + second - joint, 0.0) if np.isfinite(joint) else float("nan")


def normalised_mutual_information(
    one: np.ndarray, other: np.ndarray, bins: int = 32, mask: np.ndarray | None = None
) -> float:
    """(H(A) + H(B)) / H(A, B) of two volumes (Studholme et al. 1999), 1 to 2; parameters of `mutual_information`.

    1 where they are independent or one of them is constant (both too), 2 where each determines the other. NaN when
    no voxel counts.
    """
    first, second, joint = _entropies(one, other, bins, mask)
    return (first + second) / joint if joint != 0 else 1.0


def _entropies(one: np.ndarray, other: np.ndarray, bins: int, mask: np.ndarray | None) -> tuple[float, float, float]:
    """Of the bins of one, of the other and of both together, in nats."""
    if len({image.shape for image in (one, other, mask) if image is not None}) > 1:
        raise ValueError(f"volumes and mask are on different grids: {one.shape}, {other.shape}")
    if mask is not None:
        one, other = one[mask], other[mask]
    first, second = (np.require(image, np.float32, ["C", "W"]).reshape(-1) for image in (one, other))
    joint = np.zeros((bins, bins), np.int64)
    _count(first, second, joint)
    return _entropy(joint.sum(1)), _entropy(joint.sum(0)), _entropy(joint.ravel())


def _entropy(counts: np.ndarray) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum()) if share.size else float("nan")


@njit(cache=True, nogil=True)
def _count(one: np.ndarray, other: np.ndarray, joint: np.ndarray) -> None:
    """Adds the voxels of each pair of bins to `joint` (bins, bins)."""
    bins = len(joint)
    for voxel in range(one.size):
        # In float64, where the product is exact.
        first = min(max(int(np.float64(one[voxel]) * bins), 0), bins - 1)
        second = min(max(int(np.float64(other[voxel]) * bins), 0), bins - 1)
        joint[first, second] += 1
