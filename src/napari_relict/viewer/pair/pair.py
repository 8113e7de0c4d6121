"""A pair made ready for the screen, and a small store that has the next one ready before it is asked for.

Nothing here touches napari or Qt: `load_pair` runs in a worker, what it returns is shown on the main thread.
"""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_relict.measures.segmentation import label_difference
from napari_relict.viewer.pair.difference import (
    anatomy_bounds,
    anatomy_level,
    difference_limit,
    signed_difference,
    windowed,
)
from napari_relict.viewer.pair.window_level import HOUNSFIELD
from napari_relict.viewer.source import VolumeSource
from napari_relict.volumes.registering import right_volume

#: HU: where soft tissues are told apart; what volumes show (bone, and vessels with contrast); body against air.
SOFT_TISSUE, DENSE, BODY = (-160.0, 240.0), (100.0, 700.0), -300.0


@dataclass(frozen=True)
class PairKey:
    """What is on screen: two names, is it a match of mirror images, are the sides swapped, is one registered.

    Of mirror images the right-hand volume is shown mirrored, whichever it is: exchanged letters on the training
    volume would tell a blinded reader which side that is. For the same reason it is the right-hand volume that is
    registered onto the left one, where `registered` asks for it and the study knows how they lie.
    """

    synthetic: str
    training: str
    mirrored: bool = False
    swapped: bool = False
    registered: bool = False
    blinded: bool = False

    @property
    def names(self) -> tuple[str, str]:
        return self.synthetic, self.training


@dataclass(frozen=True, eq=False)  # two are the same when they are one: arrays are not compared
class PairImages:
    """Two volumes, side by side, and their differences; arrays are (z, y, x).

    CT images are in HU, so that the status bar reads them out; others are as prepared, 0 to 1. The difference
    is that of the images as displayed: 1 is the whole width of the window.
    """

    key: PairKey
    left: npt.NDArray[np.float32]
    right: npt.NDArray[np.float32]
    left_labels: npt.NDArray[np.uint16] | None
    right_labels: npt.NDArray[np.uint16] | None
    difference: npt.NDArray[np.float32]
    label_difference: npt.NDArray[np.uint8] | None
    difference_limit: float
    level: float  # brightness at which the anatomy begins
    window: tuple[float, float]  # what slices show as black and white
    volume_window: tuple[float, float]  # the same for volumes
    bounds: tuple[tuple[int, int, int], tuple[int, int, int]]
    spacing: tuple[float, float, float]
    unit: str = ""  # of the images: HU, or none
    alignable: bool = False  # the study knows how the two volumes lie to each other

    @property
    def registered(self) -> bool:
        """The right-hand volume lies on the left one: asked for, and known how."""
        return self.key.registered and self.alignable


def load_pair(study: VolumeSource, key: PairKey) -> PairImages:
    """Read both volumes of `key` from the study and compare them. Slow (disk): call it in a worker."""
    synthetic = study.volume("synthetic", key.synthetic)
    training = study.volume("training", key.training)
    alignment = alignment_of(study, key)
    left = training if key.swapped else synthetic
    right = right_volume(
        synthetic,
        training,
        mirrored=key.mirrored,
        swapped=key.swapped,
        alignment=alignment if key.registered else None,
    )
    return compare(key, left, right, alignable=alignment is not None)


def compare(key: PairKey, left: Any, right: Any, *, alignable: bool = False) -> PairImages:
    """Two volumes on one grid, ready for the screen. `key` says which they are."""
    images = [_stored_values(volume) for volume in (left, right)]
    if left.unit == HOUNSFIELD:
        level, window, volume_window = BODY, SOFT_TISSUE, DENSE
    else:
        level = min(anatomy_level(image) for image in images)
        window, volume_window = (0.0, 1.0), (level, level + 0.55)
    difference = signed_difference(*(windowed(image, window) for image in images))
    foreground = (images[0] > level) | (images[1] > level)
    left_labels, right_labels = (
        None if volume.labels is None else np.ascontiguousarray(volume.labels) for volume in (left, right)
    )
    compared = None
    if left_labels is not None and right_labels is not None:
        compared = label_difference(left_labels, right_labels)
    elif key.blinded:  # outlines on one side alone would tell which cohort has segmentations
        left_labels = right_labels = None
    return PairImages(
        key=key,
        left=images[0],
        right=images[1],
        left_labels=left_labels,
        right_labels=right_labels,
        difference=difference,
        label_difference=compared,
        difference_limit=difference_limit(difference, foreground),
        level=level,
        window=window,
        volume_window=volume_window,
        bounds=anatomy_bounds(*images, level=level),
        spacing=tuple(float(s) for s in left.spacing),  # type: ignore[arg-type]
        unit=left.unit,
        alignable=alignable,
    )


def alignment_of(study: VolumeSource, key: PairKey) -> npt.NDArray[np.float64] | None:
    """How the two volumes lie to each other, see `right_volume`; None where the study does not say."""
    known = getattr(study, "alignment", None)
    return None if known is None else known(key.synthetic, key.training)


def _stored_values(volume: Any) -> npt.NDArray[np.float32]:
    """CT in HU; other modalities have no unit that compares between volumes and stay 0 to 1."""
    if volume.unit != HOUNSFIELD:
        return np.ascontiguousarray(volume.image, np.float32)
    low, high = volume.value_range
    return np.ascontiguousarray(volume.image * np.float32(high - low) + np.float32(low), np.float32)


class PairStore:
    """The last few pairs in memory: the one on screen, the one before, the one to come."""

    def __init__(self, study: VolumeSource, keep: int = 4) -> None:
        self._study = study
        self._keep = keep
        self._lock = Lock()
        self._pairs: OrderedDict[PairKey, PairImages] = OrderedDict()
        self._loading: dict[PairKey, Future[PairImages]] = {}

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
        with self._lock:
            loading, mine = self._loading.get(key), Future[PairImages]()
            if loading is None:
                self._loading[key] = mine
        if loading is not None:  # somebody reads it already: the pair that was prefetched, say
            return loading.result()
        try:
            images = load_pair(self._study, key)
        except BaseException as error:
            mine.set_exception(error)
            raise
        else:
            with self._lock:
                self._pairs[key] = images
                while len(self._pairs) > self._keep:
                    self._pairs.popitem(last=False)
            mine.set_result(images)
        finally:
            with self._lock:
                del self._loading[key]
        return images
