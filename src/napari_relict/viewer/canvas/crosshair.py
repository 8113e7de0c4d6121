"""The crosshair: one place in all cells and all planes; and the way to the largest differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from napari.components import ViewerModel

from napari_relict.measures.places import largest_differences
from napari_relict.measures.segmentation import ONLY_LEFT, ONLY_RIGHT, label_difference
from napari_relict.viewer.canvas.camera import Framing
from napari_relict.viewer.canvas.cells import Cells
from napari_relict.viewer.canvas.state import CanvasState
from napari_relict.viewer.canvas.tool import Tool
from napari_relict.viewer.pair.composites import Difference
from napari_relict.viewer.pair.lines import Vector
from napari_relict.viewer.pair.pair import PairImages
from napari_relict.viewer.pair.planes import VIEWS


@dataclass(frozen=True, eq=False)
class Found:
    """Places (voxels z, y, x) where a pair differs most, in a window, or in one label."""

    images: PairImages
    label: int | None
    window: tuple[float, float]
    places: list[tuple[int, int, int]]

    def is_of(self, images: PairImages, label: int | None, window: tuple[float, float]) -> bool:
        return self.images is images and (self.label, self.window) == (label, window)


def _search(images: PairImages, label: int | None, window: tuple[float, float]) -> Found:
    inside = (images.left > images.level) | (images.right > images.level)
    left, right = images.left_labels, images.right_labels
    if label is not None and left is not None and right is not None:
        compared = label_difference(left, right, label)
        differs = (compared == ONLY_LEFT).astype(np.float32) - (compared == ONLY_RIGHT)
        inside = np.ones_like(inside)  # a segmentation may well reach where the image is dark
    else:
        differs = np.asarray(Difference(images.left, images.right, window))
    return Found(images, label, window, largest_differences(differs, inside, images.spacing))


class Pointer(Tool):
    """Its place is that of napari's sliders, so another plane shows the same place. Hidden until it is used."""

    listens_to: ClassVar[frozenset[str]] = frozenset({"images"})

    def __init__(self, state: CanvasState, viewer: ViewerModel, framing: Framing) -> None:
        super().__init__(state, viewer)
        self._framing = framing
        self._found: Found | None = None
        self._next = 0

    def toggle(self) -> None:
        self.state.crosshair = not self.state.crosshair

    def go_to(self, position: Vector) -> None:
        """Move the crosshair, and with it the slices of all planes, to this place in mm (z, y, x)."""
        images = self.state.images
        if images is None:
            return
        top = np.asarray(images.left.shape) - 1
        steps = np.clip(np.rint(np.asarray(position[-3:]) / images.spacing), 0, top).astype(int)
        self.viewer.dims.set_current_step((0, 1, 2), [int(step) for step in steps])
        self.state.crosshair = True

    def inspect(self, label: int) -> None:
        """Outline this label alone and go where it differs most."""
        with self.state.together():
            self.state.outlined, self.state.label = True, label
        self.jump()

    def jump(self) -> bool:
        """Go to the largest difference as displayed, then to the next largest one; False when there is none."""
        search = self.search()
        if search is not None:
            self.keep(search())
        images, places = self.state.images, [] if self._found is None else self._found.places
        if images is None or not places:
            return False
        at = np.asarray(places[self._next % len(places)]) * images.spacing
        self._next += 1
        self.go_to(at)
        self._bring_into_view(at)
        return True

    def search(self) -> Callable[[], Found] | None:
        """What is worked out before `jump` can go anywhere, slowly, in a worker; None when it is known, or nothing is
        shown."""
        wanted = self._wanted()
        known = self._found is not None and wanted is not None and self._found.is_of(*wanted)
        return None if wanted is None or known else partial(_search, *wanted)

    def keep(self, found: Found) -> bool:
        """What `search` found; False when something else is shown by now."""
        wanted = self._wanted()
        if wanted is None or not found.is_of(*wanted):
            return False
        self._found, self._next = found, 0
        return True

    def forget(self) -> None:
        """Differences of another pair are elsewhere."""
        self._found = None

    def update(self, cells: Cells, images: PairImages, names: frozenset[str]) -> None:
        self.forget()

    def unbind(self) -> None:
        self.forget()
        super().unbind()

    def _wanted(self) -> tuple[PairImages, int | None, tuple[float, float]] | None:
        state = self.state
        return None if state.images is None else (state.images, state.label, state.window)

    def _bring_into_view(self, at: Vector) -> None:
        """Zoomed in, the place may lie beyond the edge of the cells."""
        if self.state.in_3d or self._framing.untouched:
            return
        rows, columns = VIEWS[self.state.plane].order[1:]
        self.viewer.scene.camera.center = (0.0, float(at[rows]), float(at[columns]))
