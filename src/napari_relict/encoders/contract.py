"""What an encoder is to the rest of the package."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Encoder(Protocol):
    """Turns a prepared volume into a vector whose cosine says how alike two volumes are.

    Attributes
    ----------
    name : column name of its measure.
    title : what people read.
    weights : SHA-256 of the weights and of what is done to a volume before them; part of the cache key.
    """

    name: str
    title: str
    weights: str

    def encode(self, image: np.ndarray) -> np.ndarray:
        """float32 (z, y, x), 0 to 1 -> float32 (features,)."""
