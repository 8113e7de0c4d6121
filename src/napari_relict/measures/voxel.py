"""Voxel level: NCC and MSE of many pairs as one matrix product, SSIM of one pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage.metrics import structural_similarity

SSIM_WINDOW = 7


@dataclass(frozen=True)
class Standardised:
    """Volumes as rows of zero mean and unit norm, with what is needed to undo it.

    Attributes
    ----------
    rows : float32 (n, voxels); all zero for a constant volume.
    mean, std : float64 (n,).
    """

    rows: np.ndarray
    mean: np.ndarray
    std: np.ndarray


def standardise(images: np.ndarray) -> Standardised:
    """(n, z, y, x) -> rows ready for `ncc_and_mse`."""
    rows = images.reshape(len(images), -1).astype(np.float32)
    mean = rows.mean(1, dtype=np.float64)
    rows -= mean[:, None].astype(np.float32)
    norm = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    rows *= np.where(norm > 0, 1 / np.maximum(norm, 1e-30), 0)[:, None].astype(np.float32)
    return Standardised(rows, mean, norm / np.sqrt(rows.shape[1]))


def ncc_and_mse(one: Standardised, other: Standardised) -> tuple[np.ndarray, np.ndarray]:
    """NCC and MSE of every pair, from one matrix product.

    NCC of a constant volume with anything is 0.

    Returns
    -------
    Two float64 arrays (len(one), len(other)).
    """
    ncc = np.clip((one.rows @ other.rows.T).astype(np.float64), -1, 1)
    apart = (one.mean[:, None] - other.mean[None]) ** 2
    spread = one.std[:, None] ** 2 + other.std[None] ** 2 - 2 * ncc * one.std[:, None] * other.std[None]
    return ncc, apart + np.maximum(spread, 0)


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Mean structural similarity of two volumes with values 0 to 1 (Wang et al. 2004; scikit-image).

    Uniform window of 7 voxels a side, or the largest odd one that fits.
    """
    window = min(SSIM_WINDOW, *[side - 1 + side % 2 for side in one.shape])
    if window < 3:
        return float("nan")
    return float(structural_similarity(one, other, win_size=window, data_range=1.0))
