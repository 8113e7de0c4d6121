"""What is done to a prepared volume before a network sees it."""

from __future__ import annotations

import numpy as np

BACKGROUND = 0.02  # of the 0..1 intensities; below is air


def standardised(image: np.ndarray) -> np.ndarray:
    """float32, mean 0 and SD 1 within what is not background: scale and offset of the intensities are gone."""
    tissue = image[image > BACKGROUND]
    mean, std = (float(tissue.mean()), float(tissue.std())) if tissue.size > 1 else (0.0, 1.0)
    return np.asarray((np.ascontiguousarray(image) - mean) / max(std, 1e-3), np.float32)
