"""Regions that the reader marks in the scene: shown in all cells, told to whoever keeps ratings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.viewer.pair.region_geometry import box_region, point_region, side_of

if TYPE_CHECKING:
    from napari_relict.viewer.canvas.scene import ReviewScene


class Marker:
    """The regions of the open pair. `show` replaces them; marking adds one and emits it."""

    marked = Signal(object)  # a MarkedRegion
    unmarked = Signal(object)  # the one that was taken away

    def __init__(self, scene: ReviewScene) -> None:
        self._scene = scene
        self.regions: list[MarkedRegion] = []
        self._preview: MarkedRegion | None = None

    @property
    def drawn(self) -> list[MarkedRegion]:
        """The regions, and the one that is being drawn."""
        return self.regions if self._preview is None else [*self.regions, self._preview]

    def show(self, regions: Sequence[MarkedRegion]) -> None:
        """Show these regions and no others."""
        self.regions, self._preview = list(regions), None
        self._scene.redraw()

    def mark_point(self) -> None:
        """Mark where the mouse points; where the crosshair stands when the mouse is elsewhere."""
        scene, images = self._scene, self._scene.images
        if images is None or scene.in_3d:
            return
        viewer, cell = scene.viewer, 2
        at = [step * mm for step, mm in zip(viewer.dims.current_step, images.spacing, strict=True)]
        if viewer.mouse_over_canvas and viewer.cursor.viewbox is not None and self._inside(viewer.cursor.position):
            at, cell = list(viewer.cursor.position), int(viewer.cursor.viewbox[1])
        self._mark(point_region(at, side_of(images.key, cell)))

    def preview_box(self, one: Sequence[float], other: Sequence[float], cell: int) -> None:
        self._preview = self._box(one, other, cell)
        self._scene.redraw()

    def mark_box(self, one: Sequence[float], other: Sequence[float], cell: int) -> None:
        """Mark the box between two corners, mm (z, y, x), drawn in the slice on screen."""
        self._preview = None
        self._mark(self._box(one, other, cell))

    def unmark(self) -> None:
        """Take the last region away."""
        if self.regions:
            region = self.regions.pop()
            self._scene.redraw()
            self.unmarked.emit(region)

    def _mark(self, region: MarkedRegion) -> None:
        self.regions = [*self.regions, region]
        self._scene.redraw()
        self.marked.emit(region)

    def _box(self, one: Sequence[float], other: Sequence[float], cell: int) -> MarkedRegion:
        images = self._scene.images
        assert images is not None
        return box_region(one, other, self._scene.viewer.dims.order, images.spacing, side_of(images.key, cell))

    def _inside(self, position: Sequence[float]) -> bool:
        images = self._scene.images
        assert images is not None
        return len(position) == 3 and all(
            -mm / 2 <= at <= (n - 0.5) * mm
            for at, n, mm in zip(position, images.left.shape, images.spacing, strict=True)
        )
