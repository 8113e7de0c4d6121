"""Regions that the reader marks: asked for here, kept by whoever keeps ratings, shown as the state says."""

from __future__ import annotations

from collections.abc import Sequence

from napari.components import ViewerModel
from psygnal import Signal

from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.viewer.canvas.state import CanvasState
from napari_relict.viewer.pair.pair import PairImages
from napari_relict.viewer.pair.region_geometry import box_region, point_region, side_of


class Marker:
    """Makes regions of gestures and offers them; it adds none by itself, for not everything may be marked."""

    marked = Signal(object)  # a MarkedRegion

    def __init__(self, state: CanvasState, viewer: ViewerModel) -> None:
        self._state, self._viewer = state, viewer

    @property
    def regions(self) -> list[MarkedRegion]:
        return list(self._state.regions)

    def show(self, regions: Sequence[MarkedRegion]) -> None:
        """Show these regions and no others."""
        with self._state.together():
            self._state.regions, self._state.preview = tuple(regions), None

    def mark_point(self) -> None:
        """Mark where the mouse points; where the crosshair stands when the mouse is elsewhere."""
        images, viewer = self._state.images, self._viewer
        if images is None or self._state.in_3d:
            return
        cell = 2
        at = [step * mm for step, mm in zip(viewer.dims.current_step, images.spacing, strict=True)]
        if viewer.mouse_over_canvas and viewer.cursor.viewbox is not None and _inside(images, viewer.cursor.position):
            at, cell = list(viewer.cursor.position), int(viewer.cursor.viewbox[1])
        self.marked.emit(point_region(at, side_of(images.key, cell)))

    def preview_box(self, corner: Sequence[float], opposite: Sequence[float], cell: int) -> None:
        self._state.preview = self._box(corner, opposite, cell)

    def mark_box(self, corner: Sequence[float], opposite: Sequence[float], cell: int) -> None:
        """Mark the box between two corners, mm (z, y, x), drawn in the slice on screen."""
        with self._state.together():
            self._state.preview = None
            self.marked.emit(self._box(corner, opposite, cell))

    def _box(self, corner: Sequence[float], opposite: Sequence[float], cell: int) -> MarkedRegion:
        images = self._state.images
        assert images is not None
        return box_region(corner, opposite, self._viewer.dims.order, images.spacing, side_of(images.key, cell))


def _inside(images: PairImages, position: Sequence[float]) -> bool:
    return len(position) == 3 and all(
        -mm / 2 <= at <= (n - 0.5) * mm for at, n, mm in zip(position, images.left.shape, images.spacing, strict=True)
    )
