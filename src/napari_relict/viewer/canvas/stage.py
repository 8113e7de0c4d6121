"""Takes a napari viewer for reading - grid of three cells, black background, true orientation - and gives it back.

Layers that were in the viewer before are put aside until then.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer

from napari_relict.viewer.canvas.cells import STRIDE


class Stage:
    """`take` once, `give_back` once."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.viewer = viewer
        self._aside: list[Layer] = []

    def take(self, layers: Iterable[Layer]) -> None:
        """Show these layers, in the order of the cells."""
        viewer, canvas, camera = self.viewer, self.viewer.canvas, self.viewer.scene.camera
        self._aside = list(viewer.layers)
        viewer.layers.clear()
        # One by one, every layer would have napari lay out the whole grid anew, and collect garbage when it goes.
        with viewer.layers.batched_update():
            viewer.layers.extend(layers)
        viewer.layers.selection.clear()
        self._before: Any = (canvas.grid.stride, canvas.grid.shape, canvas.grid.spacing, camera.orientation,
                             camera.synced)  # fmt: skip
        canvas.background_color_override = "black"
        canvas.grid.stride, canvas.grid.shape, canvas.grid.spacing = STRIDE, (1, 3), 4
        canvas.grid.enabled = True
        viewer.dims.axis_labels = ("z", "y", "x")
        # A synced camera moves the slice to its centre on the way back from 3D, and the place is lost.
        camera.synced = False

    def give_back(self, layers: Iterable[Layer]) -> None:
        """Take the layers off again and leave the viewer as it was found."""
        viewer, canvas, camera = self.viewer, self.viewer.canvas, self.viewer.scene.camera
        with viewer.layers.batched_update():
            for layer in layers:
                if layer in viewer.layers:
                    viewer.layers.remove(layer)
        canvas.grid.enabled = False
        canvas.grid.stride, canvas.grid.shape, canvas.grid.spacing = self._before[:3]
        canvas.background_color_override = None
        viewer.dims.ndisplay = 2
        viewer.dims.order = tuple(range(viewer.dims.ndim))
        camera.orientation, camera.synced = self._before[3:]
        if self._aside:
            viewer.layers.extend(self._aside)
            self._aside = []
            viewer.reset_view()
