"""Puts a pair into a napari viewer: three linked cells in a grid, framed, oriented and marked.

Works on a `ViewerModel`, so it is tested without a window. Layers are made once; going to another pair swaps
their `data`, which does not grow memory as adding and removing layers does.

The crosshair is napari's own place: the slices of all three axes. What the reader chose to see - plane, window,
way to compare - stays from pair to pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from psygnal import Signal, SignalInstance

from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.viewer.canvas.annotations import Annotations
from napari_relict.viewer.canvas.captions import Writing
from napari_relict.viewer.canvas.cells import Cells
from napari_relict.viewer.canvas.comparison import ThirdCell
from napari_relict.viewer.canvas.crosshair import Pointer
from napari_relict.viewer.canvas.marker import Marker
from napari_relict.viewer.canvas.mouse import Mouse
from napari_relict.viewer.canvas.outlines import Outlines
from napari_relict.viewer.canvas.stage import Stage
from napari_relict.viewer.canvas.window_control import Windows
from napari_relict.viewer.pair.framing import frame
from napari_relict.viewer.pair.pair import PairImages
from napari_relict.viewer.pair.planes import TRUE_IN_3D, VIEWS, Plane
from napari_relict.viewer.pair.rendering import Rendering
from napari_relict.viewer.pair.text import CellTexts

__all__ = ["CellTexts", "ReviewScene"]


class ReviewScene:
    """The reading room's canvas: `show` a pair, then `set_plane`, `set_3d`, `step`, `frame`.

    What takes more than a line has its own object: `windows` (window and level), `third` (ways to compare),
    `outlines` (segmentations), `pointer` (crosshair, largest differences), `marker` (regions that the reader marks).
    """

    changed = Signal()  # another pair, or another look at it; not every slice

    def __init__(self, viewer: ViewerModel) -> None:
        self.viewer = viewer
        self.plane = Plane.AXIAL
        self.rendering = Rendering.ATTENUATED
        self.images: PairImages | None = None
        self.texts: CellTexts | None = None
        self.cells: Cells | None = None
        self.annotations: Annotations | None = None
        self.windows, self.outlines, self.third = Windows(self), Outlines(self), ThirdCell(self)
        self.pointer, self.marker = Pointer(self), Marker(self)
        self.writing, self.mouse = Writing(self), Mouse(self)
        self._stage = Stage(viewer)
        self._framed_zoom: float | None = None

    @property
    def layers(self) -> list[Any]:
        """Images and segmentations in turn: left, right, difference."""
        return [] if self.cells is None else self.cells.pictures

    @property
    def region_marked(self) -> SignalInstance:
        """Emits a `MarkedRegion` when the reader has marked one."""
        return self.marker.marked

    @property
    def in_3d(self) -> bool:
        return bool(self.viewer.dims.ndisplay == 3)

    # A pair -----------------------------------------------------------------------------------------------
    def show(self, images: PairImages, texts: CellTexts) -> None:
        """Show this pair. Plane and slice stay; so does the zoom, if the reader has set one."""
        first = self.cells is None
        another = self.images is not None and self.images.key.names != images.key.names
        if another:
            self.marker.show([])  # they were of the pair before
        self.pointer.forget()
        self.images, self.texts = images, texts
        if first:
            self._build(images)
        left, _, right, _, _, _ = self.layers
        left.data, right.data = images.left, images.right
        self.windows.update()
        self.outlines.swap()
        self.apply_look()
        if first:
            self._go_to_centre()
            self.set_plane(self.plane)
        else:
            self.writing.marks()
            # Registered or not, the same pair is seen from the same place.
            if another and self.untouched():
                self.frame()
        self._on_place()
        self.forget_status()

    def close(self) -> None:
        """Leave the viewer as it was found."""
        if self.annotations is None or self.cells is None:
            return
        self.viewer.dims.events.point.disconnect(self._on_place)
        self.viewer.scene.camera.events.angles.disconnect(self.writing.marks)
        self.viewer.scene.camera.events.zoom.disconnect(self.redraw)
        self.viewer.canvas.events.size.disconnect(self._on_canvas_size)
        self.mouse.detach()
        self.annotations.close()
        layers = list(self.cells)
        self.cells, self.annotations, self.images = None, None, None
        self._stage.give_back(layers)
        self.viewer.status = ""

    # Looking ----------------------------------------------------------------------------------------------
    def set_plane(self, plane: Plane) -> None:
        """Show slices of this plane in all cells."""
        self.plane = plane
        view = VIEWS[plane]
        self.viewer.dims.ndisplay = 2
        self.viewer.dims.order = view.order
        self.viewer.scene.camera.orientation = (TRUE_IN_3D[0], view.vertical, "right")
        self.writing.marks()
        self.apply_look()
        self.frame()
        self._on_place()

    def set_3d(self, on: bool) -> None:
        """All cells as volumes, seen from the front, or back to the slices."""
        if not on:
            self.set_plane(self.plane)
            return
        for layer in self.layers[1::2]:
            layer.contour = 0  # before the switch: napari warns of outlines in 3D
        self.viewer.dims.order = (0, 1, 2)
        self.viewer.dims.ndisplay = 3
        camera = self.viewer.scene.camera
        camera.orientation = TRUE_IN_3D
        camera.set_view_direction(view_direction=(0, 1, 0), up_direction=(1, 0, 0))
        self.apply_look()
        self.frame()
        self.writing.marks()
        self._on_place()

    def toggle_3d(self) -> None:
        self.set_3d(not self.in_3d)

    def next_rendering(self) -> None:
        """Volumes as attenuated maximum, which shows what lies in front, or as plain maximum."""
        self.rendering = next(way for way in Rendering if way is not self.rendering)
        self.apply_look()
        self.writing.place()

    def step(self, by: int) -> None:
        """Go `by` slices towards head, back or left, whichever axis is sliced."""
        if not self.in_3d:
            axis = self.viewer.dims.order[0]
            self.viewer.dims.set_current_step(axis, self.viewer.dims.current_step[axis] + by)

    def set_window(self, name: str | None) -> None:
        """A window by its name (see `windowing.presets`); None is the default."""
        self.windows.choose(name)

    def show_regions(self, regions: Sequence[MarkedRegion]) -> None:
        """Show these marks of the open pair and no others; `region_marked` tells of new ones."""
        self.marker.show(regions)

    def frame(self) -> None:
        """Centre all cells on the anatomy and fill them with it, leaving room for titles and marks."""
        if self.images is None:
            return
        height, width = self.viewer.canvas.viewbox_size(self.viewer.layers)
        self.writing.fit((height, width))
        view = None if self.in_3d else VIEWS[self.plane]
        camera = self.viewer.scene.camera
        camera.center, zoom = frame(self.images.bounds, self.images.spacing, (height, width), view)
        camera.zoom = self._framed_zoom = zoom

    # What the tools call ------------------------------------------------------------------------------------
    def apply_look(self) -> None:
        """What differs between slices and volumes, and with what the reader chose to see."""
        images, in_3d = self.images, self.in_3d
        if images is None or self.cells is None:
            return
        self.outlines.update()
        for layer in (self.layers[0], self.layers[2]):
            layer.contrast_limits = self.windows.in_volumes if in_3d else self.windows.window
            layer.rendering = self.rendering
        self.third.update()
        self.changed.emit()

    def redraw(self) -> None:
        """Crosshair, regions and the line of the swipe, for the slice on screen."""
        if self.cells is None or self.images is None:
            return
        if self.in_3d:
            self.cells.drawing.clear()
            return
        dims = self.viewer.dims
        self.cells.drawing.draw(
            self.images,
            order=dims.order,
            at=dims.current_step,
            zoom=self.viewer.scene.camera.zoom,
            crosshair=self.pointer.visible,
            regions=self.marker.drawn,
            split=self.third.split_line(),
        )

    def forget_status(self) -> None:
        """The status bar would go on reading out what was there before until the mouse moves.

        It is worked out in a thread, which may still be at the pair before: it has to look again.
        """
        self.viewer.status = ""
        self.viewer.cursor.events.position(value=self.viewer.cursor.position)

    def untouched(self) -> bool:
        """The reader has not zoomed since the last framing."""
        return self._framed_zoom is not None and bool(np.isclose(self.viewer.scene.camera.zoom, self._framed_zoom))

    # Inside -----------------------------------------------------------------------------------------------
    def _build(self, images: PairImages) -> None:
        """Make the layers; their order in the list is the order of the cells."""
        self.cells = Cells(images)
        self._stage.take(self.cells)
        self.annotations = Annotations(self.viewer)
        self.viewer.dims.events.point.connect(self._on_place)
        self.viewer.scene.camera.events.angles.connect(self.writing.marks)
        self.viewer.scene.camera.events.zoom.connect(self.redraw)
        self.viewer.canvas.events.size.connect(self._on_canvas_size)
        self.mouse.attach()

    def _go_to_centre(self) -> None:
        assert self.images is not None
        first, last = self.images.bounds
        self.viewer.dims.set_current_step((0, 1, 2), [(a + b) // 2 for a, b in zip(first, last, strict=True)])

    def _on_place(self) -> None:
        """Another slice, or the crosshair is elsewhere."""
        self.writing.place()
        self.redraw()

    def _on_canvas_size(self) -> None:
        """Frame again when the window changes, unless the reader has zoomed."""
        if self.untouched():
            self.frame()
