"""The crosshair: one place in all cells and all planes; and the way to the largest differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_relict.measures.places import largest_differences
from napari_relict.measures.segmentation import ONLY_LEFT, ONLY_RIGHT
from napari_relict.viewer.composites import Difference
from napari_relict.viewer.planes import VIEWS

if TYPE_CHECKING:
    from napari_relict.viewer.scene import ReviewScene


class Pointer:
    """Its place is that of napari's sliders, so another plane shows the same place. Hidden until it is used."""

    def __init__(self, scene: ReviewScene) -> None:
        self._scene = scene
        self.visible = False
        self._found: tuple[Any, list[tuple[int, int, int]]] | None = None
        self._next = 0

    def toggle(self) -> None:
        self.visible = not self.visible
        self._scene.redraw()
        self._scene.writing.place()

    def forget(self) -> None:
        """Another pair is shown: its differences are elsewhere."""
        self._found = None

    def go_to(self, position: Sequence[float]) -> None:
        """Move the crosshair, and with it the slices of all planes, to this place in mm (z, y, x)."""
        images, dims = self._scene.images, self._scene.viewer.dims
        if images is None:
            return
        top = np.asarray(images.left.shape) - 1
        steps = np.clip(np.rint(np.asarray(position[-3:]) / images.spacing), 0, top).astype(int)
        self.visible = True
        dims.set_current_step((0, 1, 2), [int(step) for step in steps])
        self._scene.redraw()
        self._scene.writing.place()

    def jump(self) -> bool:
        """Go to the largest difference as displayed, then to the next largest one; False when there is none."""
        scene = self._scene
        if scene.images is None:
            return False
        key = (scene.outlines.label, scene.windows.window)
        if self._found is None or self._found[0] != key:
            self._found, self._next = (key, self._largest()), 0
        places = self._found[1]
        if not places:
            return False
        at = np.asarray(places[self._next % len(places)]) * scene.images.spacing
        self._next += 1
        self.go_to(at)
        self._bring_into_view(at)
        return True

    def _largest(self) -> list[tuple[int, int, int]]:
        scene, images = self._scene, self._scene.images
        assert images is not None
        inside = (images.left > images.level) | (images.right > images.level)
        if scene.outlines.label is not None and images.label_difference is not None:
            compared = scene.outlines.compared()
            differs = (compared == ONLY_LEFT).astype(np.float32) - (compared == ONLY_RIGHT)
            inside = np.ones_like(inside)  # a segmentation may well reach where the image is dark
        else:
            differs = np.asarray(Difference(images.left, images.right, scene.windows.window))
        return largest_differences(differs, inside, images.spacing)

    def _bring_into_view(self, at: Sequence[float]) -> None:
        """Zoomed in, the place may lie beyond the edge of the cells."""
        scene = self._scene
        if scene.in_3d or scene.untouched():
            return
        rows, columns = VIEWS[scene.plane].order[1:]
        scene.viewer.scene.camera.center = (0.0, float(at[rows]), float(at[columns]))
