"""Feature level: cosine of embeddings, mostly centred on the training mean."""

from __future__ import annotations

import numpy as np

# With fewer training volumes their mean is mostly one of them, and centring would remove what it should keep.
FEWEST_TO_CENTRE = 8


def centre_of(training: np.ndarray, centred: bool = True) -> np.ndarray:
    """What to subtract before the cosine: nothing where the encoder is not `centred`.

    All heads look alike to an ImageNet network: raw cosines crowd just below 1. Taking away what the training
    volumes share leaves what tells them apart.
    """
    if not centred or len(training) < FEWEST_TO_CENTRE:
        return np.zeros(training.shape[1], np.float32)
    return np.asarray(training.mean(0, dtype=np.float64), np.float32)


def cosine(one: np.ndarray, other: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """float64 (len(one), len(other)); 0 where a vector vanishes."""
    return np.clip(np.asarray(_unit(one - centre) @ _unit(other - centre).T, np.float64), -1, 1)


def _unit(rows: np.ndarray) -> np.ndarray:
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.zeros_like(rows)
    np.divide(rows, norm, out=unit, where=norm > 0)
    return unit
