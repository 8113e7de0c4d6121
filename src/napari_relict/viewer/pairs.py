"""A pair made ready for the screen, and a small store that has the next one ready before it is asked for.

Nothing here touches napari or Qt: `load_pair` runs in a worker, what it returns is shown on the main thread.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_relict.viewer.difference import (
    anatomy_bounds,
    anatomy_level,
    difference_limit,
    label_difference,
    signed_difference,
)


@dataclass(frozen=True)
class PairKey:
    """What is on screen: two names, is the training volume mirrored, are the sides swapped."""

    synthetic: str
    training: str
    mirrored: bool = False
    swapped: bool = False


@dataclass(frozen=True)
class PairImages:
    """Two volumes, side by side, and their differences; arrays are (z, y, x)."""

    key: PairKey
    left: npt.NDArray[np.float32]
    right: npt.NDArray[np.float32]
    left_labels: npt.NDArray[np.uint16] | None
    right_labels: npt.NDArray[np.uint16] | None
    difference: npt.NDArray[np.float32]
    label_difference: npt.NDArray[np.uint8] | None
    difference_limit: float
    level: float  # brightness at which the anatomy begins
    bounds: tuple[tuple[int, int, int], tuple[int, int, int]]
    spacing: tuple[float, float, float]


def load_pair(study: Any, key: PairKey) -> PairImages:
    """Read both volumes of `key` from the study and compare them. Slow (disk): call it in a worker."""
    synthetic = study.volume("synthetic", key.synthetic)
    training = study.volume("training", key.training)
    if key.mirrored:
        training = training.mirrored()
    left, right = (training, synthetic) if key.swapped else (synthetic, training)
    difference = signed_difference(left.image, right.image)
    level = min(anatomy_level(left.image), anatomy_level(right.image))
    foreground = (left.image > level) | (right.image > level)
    compared = None
    if left.labels is not None and right.labels is not None:
        compared = label_difference(left.labels, right.labels)
    return PairImages(
        key=key,
        left=left.image,
        right=right.image,
        left_labels=left.labels,
        right_labels=right.labels,
        difference=difference,
        label_difference=compared,
        difference_limit=difference_limit(difference, foreground),
        level=level,
        bounds=anatomy_bounds(left.image, right.image, level=level),
        spacing=tuple(float(s) for s in synthetic.spacing),  # type: ignore[arg-type]
    )


class PairStore:
    """The last few pairs in memory: the one on screen, the one before, the one to come."""

    def __init__(self, study: Any, keep: int = 4) -> None:
        self._study = study
        self._keep = keep
        self._lock = Lock()
        self._pairs: OrderedDict[PairKey, PairImages] = OrderedDict()

    def get(self, key: PairKey) -> PairImages | None:
        """The pair if it is in memory; never waits for the disk."""
        with self._lock:
            if key in self._pairs:
                self._pairs.move_to_end(key)
            return self._pairs.get(key)

    def load(self, key: PairKey) -> PairImages:
        """The pair, read if need be. Call it in a worker."""
        found = self.get(key)
        if found is not None:
            return found
        images = load_pair(self._study, key)
        with self._lock:
            self._pairs[key] = images
            while len(self._pairs) > self._keep:
                self._pairs.popitem(last=False)
        return images
