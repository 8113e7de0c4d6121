"""Window and level: which brightness is shown as black and which as white. Pure functions, no napari.

A window is (low, high) in the values of the images: HU for CT, 0 to 1 for everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

HOUNSFIELD = "HU"
Window = tuple[float, float]

#: Width and level in HU, in the order in which one key goes through them; the first is what CT opens with.
CT_PRESETS = {
    "soft tissue": (400, 40),
    "brain": (80, 40),
    "subdural": (215, 75),
    "bone": (2000, 500),
    "lung": (1500, -600),
}
FULL, ROBUST = "full", "robust 1–99 %"
#: Dragging this many pixels doubles the width, or moves the level by a whole width.
_PIXELS = 250.0


def presets(unit: str) -> list[str]:
    """Names of the windows of a modality; the first is the default."""
    return list(CT_PRESETS) if unit == HOUNSFIELD else [FULL, ROBUST]


def next_preset(unit: str, name: str | None) -> str:
    """The one after `name`, around the end; the default's successor when the window was set by hand."""
    names = presets(unit)
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0]


def preset(name: str, unit: str, images: Sequence[npt.NDArray[np.float32]], level: float) -> Window:
    """The window of this name for these images.

    Parameters
    ----------
    images, level : for the robust window, which leaves out the darkest and brightest hundredth of what is brighter
        than `level`, the anatomy.
    """
    if unit == HOUNSFIELD:
        width, centre = CT_PRESETS[name]
        return centre - width / 2, centre + width / 2
    if name == FULL:
        return 0.0, 1.0
    if name != ROBUST:
        raise KeyError(name)
    some = np.concatenate([image[::2, ::2, ::2].ravel() for image in images])
    inside = some[some > level]
    if inside.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(inside, (1, 99)))
    return (low, high) if high > low else (0.0, 1.0)


def maximum_window(images: Sequence[npt.NDArray[np.float32]], level: float) -> Window:
    """A window for maximum projections seen from the front. Almost every ray meets something bright: what tells them
    apart lies between the brightest voxels, and would all be white in the window of the volumes."""
    seen = np.concatenate([image[::2, ::2, ::2].max(axis=1).ravel() for image in images])
    seen = seen[seen > level]
    if seen.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(seen, (2, 99.5)))
    return (low, high) if high > low else (0.0, 1.0)


def dragged(start: Window, right: float, up: float, unit: str) -> Window:
    """The window after a drag by so many pixels: to the right it gets wider, upwards its level rises."""
    narrowest = 1.0 if unit == HOUNSFIELD else 0.01
    width, level = start[1] - start[0], (start[0] + start[1]) / 2
    new = float(max(width * 2 ** (right / _PIXELS), narrowest))
    level += up / _PIXELS * width
    return level - new / 2, level + new / 2


def window_text(window: Window, unit: str) -> str:
    """Width and level as they are written on the canvas: HU, or per cent of the prepared range."""
    width, level = window[1] - window[0], (window[0] + window[1]) / 2
    if unit == HOUNSFIELD:
        return f"W {width:.0f}  L {level:.0f} HU"
    return f"W {100 * width:.0f}  L {100 * level:.0f} %"


@dataclass(frozen=True)
class Windowing:
    """The reader's choice, kept from pair to pair: a preset by name, or a window set by hand."""

    name: str | None = None  # None and no `by_hand`: the default
    by_hand: Window | None = None

    def window(self, unit: str, images: Sequence[npt.NDArray[np.float32]], level: float) -> Window:
        """What the choice means for these images. A preset of another modality means the default."""
        if self.by_hand is not None:
            return self.by_hand
        names = presets(unit)
        return preset(self.name if self.name in names else names[0], unit, images, level)

    def next(self, unit: str) -> Windowing:
        """The next preset; after a window set by hand, the default."""
        current = None if self.by_hand is not None else (self.name or presets(unit)[0])
        return Windowing(next_preset(unit, current))
