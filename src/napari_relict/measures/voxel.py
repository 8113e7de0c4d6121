"""Voxel level: what follows from NCC and MSE, found for all pairs at once by `matching.pairwise_ncc`."""

from __future__ import annotations

import numpy as np


def psnr(mse: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB for values 0 to 1; 100 dB where `mse` is 1e-10 or less, so never infinite."""
    decibels: np.ndarray = 10 * np.log10(1 / np.maximum(mse, 1e-10))
    return decibels
