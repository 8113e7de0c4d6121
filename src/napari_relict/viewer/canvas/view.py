"""Slices of a plane, or volumes: what napari's sliders and camera are told."""

from __future__ import annotations

from typing import ClassVar

from napari_relict.viewer.canvas.cells import Cells
from napari_relict.viewer.canvas.tool import Tool
from napari_relict.viewer.pair.pair import PairImages
from napari_relict.viewer.pair.planes import TRUE_IN_3D, VIEWS


class View(Tool):
    """Bound first: what napari shows is turned before anything is drawn into it."""

    listens_to: ClassVar[frozenset[str]] = frozenset({"plane", "in_3d"})

    def bind(self, cells: Cells) -> None:
        super().bind(cells)
        self.viewer.dims.events.ndisplay.connect(self._on_ndisplay)

    def unbind(self) -> None:
        self.viewer.dims.events.ndisplay.disconnect(self._on_ndisplay)
        super().unbind()

    def step(self, by: int) -> None:
        """Go `by` slices towards head, back or left, whichever axis is sliced."""
        if not self.state.in_3d:
            axis = self.viewer.dims.order[0]
            self.viewer.dims.set_current_step(axis, self.viewer.dims.current_step[axis] + by)

    def go_to_centre(self, images: PairImages) -> None:
        """All planes through the middle of the anatomy."""
        first, last = images.bounds
        self.viewer.dims.set_current_step((0, 1, 2), [(a + b) // 2 for a, b in zip(first, last, strict=True)])

    def update(self, cells: Cells, images: PairImages, names: frozenset[str]) -> None:
        if self.state.in_3d:
            self._show_volumes(cells)
        else:
            self.show_slices()

    def show_slices(self) -> None:
        view, dims = VIEWS[self.state.plane], self.viewer.dims
        dims.ndisplay = 2
        dims.order = view.order
        self.viewer.scene.camera.orientation = (TRUE_IN_3D[0], view.vertical, "right")

    def _show_volumes(self, cells: Cells) -> None:
        """Seen from the front."""
        for layer in cells.pictures[1::2]:
            layer.contour = 0  # before the switch: napari warns of outlines in 3D
        dims, camera = self.viewer.dims, self.viewer.scene.camera
        dims.order = (0, 1, 2)
        dims.ndisplay = 3
        camera.orientation = TRUE_IN_3D
        camera.set_view_direction(view_direction=(0, 1, 0), up_direction=(1, 0, 0))

    def _on_ndisplay(self) -> None:
        """napari has a button for it, too."""
        self.state.in_3d = bool(self.viewer.dims.ndisplay == 3)
