"""Puts a pair into a napari viewer: three linked cells in a grid, framed, oriented and marked.

Works on a `ViewerModel`, so it is tested without a window. Layers are made once; going to another pair swaps
their `data`, which does not grow memory as adding and removing layers does. Layers that were in the viewer before
are put aside until `close`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer

from napari_relict.measures.segmentation import OTHER_LABEL, label_difference
from napari_relict.viewer.annotations import Annotations
from napari_relict.viewer.cells import STRIDE, Cells, nothing
from napari_relict.viewer.colours import diverging
from napari_relict.viewer.difference import surfaces
from napari_relict.viewer.framing import frame
from napari_relict.viewer.pairs import PairImages
from napari_relict.viewer.planes import TRUE_IN_3D, VIEWS, Plane, marks_in_3d


@dataclass(frozen=True)
class CellTexts:
    """What is written over the cells, and what the two sides are called in the legend."""

    left: str
    right: str
    difference: str
    left_side: str
    right_side: str


class ReviewScene:
    """The reading room's canvas: `show` a pair, then `set_plane`, `set_3d`, `step`, `toggle_overlay`."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.viewer = viewer
        self.plane = Plane.AXIAL
        self.overlay = True
        self.label: int | None = None  # the one label that is outlined; None: all
        self.images: PairImages | None = None
        self.cells: Cells | None = None
        self.annotations: Annotations | None = None
        self._aside: list[Layer] = []
        self._framed_zoom: float | None = None
        self._was_synced = True

    @property
    def layers(self) -> list[Any]:
        """Images and segmentations in turn: left, right, difference."""
        return [] if self.cells is None else self.cells.pictures

    @property
    def in_3d(self) -> bool:
        return bool(self.viewer.dims.ndisplay == 3)

    # A pair -----------------------------------------------------------------------------------------------
    def show(self, images: PairImages, texts: CellTexts) -> None:
        """Show this pair. Plane and slice stay; so does the zoom, if the reader has set one."""
        first = self.cells is None
        self.images = images
        if first:
            self._build(images)
        self._swap_data(images)
        assert self.cells is not None
        assert self.annotations is not None
        self.cells.set_titles((texts.left, texts.right, texts.difference))
        outlines = images.label_difference is not None
        self.annotations.set_legend(texts.left_side, texts.right_side, outlines=outlines)
        if first:
            self._go_to_centre()
            self.set_plane(self.plane)
        else:
            self._update_marks()
            if self._untouched():
                self.frame()
        self._update_slice_text()

    def close(self) -> None:
        """Leave the viewer as it was found."""
        if self.annotations is None or self.cells is None:
            return
        self.viewer.dims.events.point.disconnect(self._update_slice_text)
        self.viewer.scene.camera.events.angles.disconnect(self._update_marks)
        self.viewer.canvas.events.size.disconnect(self._on_canvas_size)
        self.viewer.mouse_wheel_callbacks.remove(self._on_wheel)
        self.annotations.close()
        for layer in self.cells:
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)
        self.cells, self.annotations, self.images = None, None, None
        canvas, camera = self.viewer.canvas, self.viewer.scene.camera
        canvas.grid.enabled = False
        canvas.grid.stride, canvas.grid.shape, canvas.grid.spacing = self._grid
        canvas.background_color_override = None
        self.viewer.dims.ndisplay = 2
        self.viewer.dims.order = tuple(range(self.viewer.dims.ndim))
        camera.orientation, camera.synced = self._orientation, self._was_synced
        if self._aside:
            self.viewer.layers.extend(self._aside)
            self._aside = []
            self.viewer.reset_view()

    # Looking ----------------------------------------------------------------------------------------------
    def set_plane(self, plane: Plane) -> None:
        """Show slices of this plane in all cells."""
        self.plane = plane
        view = VIEWS[plane]
        self.viewer.dims.ndisplay = 2
        self.viewer.dims.order = view.order
        self.viewer.scene.camera.orientation = (TRUE_IN_3D[0], view.vertical, "right")
        self._update_marks()
        self._apply_look()
        self.frame()
        self._update_slice_text()

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
        self._apply_look()
        self.frame()
        self._update_marks()
        self._update_slice_text()

    def toggle_3d(self) -> None:
        self.set_3d(not self.in_3d)

    def step(self, by: int) -> None:
        """Go `by` slices towards head, back or left, whichever axis is sliced."""
        if not self.in_3d:
            axis = self.viewer.dims.order[0]
            self.viewer.dims.set_current_step(axis, self.viewer.dims.current_step[axis] + by)

    def toggle_overlay(self) -> None:
        """Outlines of the segmentations on or off."""
        self.overlay = not self.overlay
        self._apply_look()

    def next_label(self) -> None:
        """Outline one label alone, the next one each time, then all again."""
        if self.images is None or self.images.label_difference is None:
            return
        present = [int(v) for v in np.union1d(self.images.left_labels, self.images.right_labels) if v]
        later = [value for value in present if value > (self.label or 0)]
        self.label = later[0] if later else None
        self._swap_labels()

    def frame(self) -> None:
        """Centre all cells on the anatomy and fill them with it, leaving room for titles and marks."""
        if self.images is None:
            return
        height, width = self.viewer.canvas.viewbox_size(self.viewer.layers)
        self._fit_texts(width)
        view = None if self.in_3d else VIEWS[self.plane]
        camera = self.viewer.scene.camera
        camera.center, zoom = frame(self.images.bounds, self.images.spacing, (height, width), view)
        camera.zoom = self._framed_zoom = zoom

    # Inside -----------------------------------------------------------------------------------------------
    def _build(self, images: PairImages) -> None:
        """Make the layers; their order in the list is the order of the cells."""
        viewer, canvas = self.viewer, self.viewer.canvas
        self._aside = list(viewer.layers)
        viewer.layers.clear()
        self.cells = Cells(images)
        viewer.layers.extend(self.cells)
        viewer.layers.selection.clear()
        self._grid = (canvas.grid.stride, canvas.grid.shape, canvas.grid.spacing)
        self._orientation = viewer.scene.camera.orientation
        canvas.background_color_override = "black"
        canvas.grid.stride, canvas.grid.shape, canvas.grid.spacing = STRIDE, (1, 3), 4
        canvas.grid.enabled = True
        viewer.dims.axis_labels = ("z", "y", "x")
        # A synced camera moves the slice to its centre on the way back from 3D, and the place is lost.
        self._was_synced = viewer.scene.camera.synced
        viewer.scene.camera.synced = False
        self.annotations = Annotations(self.viewer)
        self.viewer.dims.events.point.connect(self._update_slice_text)
        self.viewer.scene.camera.events.angles.connect(self._update_marks)
        canvas.events.size.connect(self._on_canvas_size)
        self.viewer.mouse_wheel_callbacks.append(self._on_wheel)

    def _swap_data(self, images: PairImages) -> None:
        left, _, right, _, difference, _ = self.layers
        left.data, right.data = images.left, images.right
        difference.data = images.difference
        self._swap_labels()

    def _swap_labels(self) -> None:
        """Segmentations of the pair, or what the one chosen label leaves of them."""
        images = self.images
        assert images is not None and self.annotations is not None
        for layer, labels in ((self.layers[1], images.left_labels), (self.layers[3], images.right_labels)):
            if labels is None:
                layer.data = nothing(images)
            else:
                layer.data = labels if self.label is None else np.where(labels == self.label, labels, 0)
        self.annotations.set_label(self.label)
        self._apply_look()

    def _apply_look(self) -> None:
        """What differs between slices and volumes.

        In 3D only what one side clearly has alone is drawn as surfaces: all else would hide it, or hide the images.
        """
        if self.images is None:
            return
        images, in_3d = self.images, self.in_3d
        grey_left, left, grey_right, right, difference, outlines = self.layers
        compared = images.label_difference
        if compared is not None and self.label is not None:
            compared = label_difference(images.left_labels, images.right_labels, self.label)
        if compared is None:
            outlines.data = nothing(images)
        elif in_3d:
            outlines.data = surfaces(compared)
        else:
            outlines.data = compared
        left.visible = right.visible = self.overlay and not in_3d
        outlines.visible = self.overlay
        in_slices = compared is not None and not in_3d
        assert self.annotations is not None
        self.annotations.show_kinds(both=in_slices, other=in_slices and bool((compared == OTHER_LABEL).any()))
        # In volumes noise adds up along the view: air is cut off, and small differences are thinned out.
        limit = max(2.5 * images.difference_limit, 0.5) if in_3d else images.difference_limit
        difference.contrast_limits = (-limit, limit)
        difference.colormap = diverging(2.0 if in_3d else 1.0)
        # Translucent volumes write depth, which would hide the surfaces inside them.
        difference.blending = "additive" if in_3d else "translucent"
        for layer in (grey_left, grey_right):
            layer.contrast_limits = images.volume_window if in_3d else images.window
        if not in_3d:
            for layer in (left, right, outlines):
                layer.contour = 1

    def _fit_texts(self, cell_width: float) -> None:
        """Smaller letters in narrow cells, so that titles and legend stay inside their own."""
        share = float(np.clip(cell_width / 380, 0.75, 1.0))
        if self.cells is not None and self.annotations is not None:
            self.cells.scale_texts(share)
            self.annotations.scale(share)

    def _go_to_centre(self) -> None:
        assert self.images is not None
        first, last = self.images.bounds
        for axis in range(3):
            self.viewer.dims.set_current_step(axis, (first[axis] + last[axis]) // 2)

    def _update_marks(self) -> None:
        if self.cells is None or self.images is None:
            return
        marks = VIEWS[self.plane].marks
        if self.in_3d:
            camera = self.viewer.scene.camera
            marks = marks_in_3d(camera.view_direction, camera.up_direction)
        self.cells.set_marks(marks, right_mirrored=self.images.key.mirrored)

    def _update_slice_text(self) -> None:
        if self.annotations is None or self.images is None:
            return
        if self.in_3d:
            self.annotations.set_slice("3D")
            return
        axis = self.viewer.dims.order[0]
        step, n = self.viewer.dims.current_step[axis], self.images.left.shape[axis]
        mm = step * self.images.spacing[axis]
        self.annotations.set_slice(f"{self.plane.capitalize()}  {step + 1} / {n}   {mm:.0f} mm")

    def _on_canvas_size(self) -> None:
        """Frame again when the window changes, unless the reader has zoomed."""
        if self._untouched():
            self.frame()

    def _untouched(self) -> bool:
        """The reader has not zoomed since the last framing."""
        return self._framed_zoom is not None and bool(np.isclose(self.viewer.scene.camera.zoom, self._framed_zoom))

    def _on_wheel(self, viewer: ViewerModel, event: Any) -> None:
        """The wheel goes through slices, as radiologists expect; with a modifier it stays napari's."""
        if not event.modifiers and not self.in_3d:
            self.step(1 if event.delta[1] > 0 else -1)
            event.handled = True
