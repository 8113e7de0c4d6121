"""Draws line art and numbers into the three cells: one Vectors and one Points layer a cell.

Widths and radii are given in pixels of the screen and follow the zoom; napari's are in voxels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.viewer.canvas.cells import Cells
from napari_relict.viewer.canvas.comparison import split_line
from napari_relict.viewer.canvas.tool import Tool
from napari_relict.viewer.pair import colours, lines
from napari_relict.viewer.pair.modes import Mode
from napari_relict.viewer.pair.pair import PairImages

#: Pixels: half the gap in the crosshair, radius of a marked point, width of lines.
GAP, RADIUS, WIDTH = 9.0, 9.0, 1.3


class Drawing(Tool):
    """Crosshair, regions and the line of the swipe, for the slice on screen."""

    listens_to: ClassVar[frozenset[str]] = frozenset(
        {"images", "plane", "in_3d", "crosshair", "regions", "preview", "mode", "split"}
    )
    _drawn = False
    _of: object = None

    def bind(self, cells: Cells) -> None:
        super().bind(cells)
        self.viewer.dims.events.point.connect(self._on_view)
        self.viewer.scene.camera.events.zoom.connect(self._on_view)

    def unbind(self) -> None:
        self.viewer.dims.events.point.disconnect(self._on_view)
        self.viewer.scene.camera.events.zoom.disconnect(self._on_view)
        self._of = None
        super().unbind()

    def update(self, cells: Cells, images: PairImages, names: frozenset[str]) -> None:
        """Draw anew, if what is drawn, or where it is seen from, is another."""
        state, dims = self.state, self.viewer.dims
        order, at, zoom = tuple(dims.order), tuple(dims.current_step), self.viewer.scene.camera.zoom
        regions = state.regions if state.preview is None else (*state.regions, state.preview)
        split = split_line(images, state.split, order[2]) if state.mode is Mode.SWIPE else None
        of = (images, state.in_3d, order, at, zoom, state.crosshair, regions, split)
        if of == self._of:
            return
        self._of = of
        if state.in_3d:
            self._clear(cells)
        else:
            self._draw(cells, images, order, at, zoom, regions, split)

    def _on_view(self) -> None:
        if self._cells is not None and self.state.images is not None:
            self.update(self._cells, self.state.images, frozenset())

    def _draw(
        self,
        cells: Cells,
        images: PairImages,
        order: Sequence[int],
        at: Sequence[float],
        zoom: float,
        regions: Sequence[MarkedRegion],
        split: float | None,
    ) -> None:
        """Parameters
        ----------
        order : the sliced axis, that of the rows and that of the columns.
        at : voxel (z, y, x) of the crosshair; its first in `order` is the slice on screen.
        zoom : pixels a mm.
        split : voxel index along the columns at which swipe changes sides; None: no swipe.
        """
        shape, pixel = images.left.shape, 1 / (zoom * np.asarray(images.spacing))
        drawn = [(lines.crosshair(at, order, shape, GAP * pixel), colours.CROSSHAIR)] if self.state.crosshair else []
        places, names = [], []
        for number, region in enumerate(regions, start=1):
            strokes = region_lines(region, images.spacing, order, at[order[0]], shape, RADIUS * pixel)
            if len(strokes):
                drawn.append((strokes, colours.REGION))
                places.append(number_place(strokes, order, shape))
                names.append(str(number))
        third = [] if split is None else [(lines.split(split, at[order[0]], order, shape), colours.SPLIT)]
        anything = bool(drawn or third)
        if anything or self._drawn:
            for cell in range(3):
                self._put(cells.strokes[cell], drawn + (third if cell == 2 else []), WIDTH * float(pixel.mean()))
                self._write(cells.numbers[cell], places, names)
        self._drawn = anything

    def _clear(self, cells: Cells) -> None:
        """Nothing is drawn, as in volumes."""
        for cell in range(3):
            self._put(cells.strokes[cell], [], 1.0)
            self._write(cells.numbers[cell], [], [])
        self._drawn = False

    def _put(self, layer: Any, drawn: Sequence[tuple[lines.Lines, Any]], width: float) -> None:
        data = lines.joined([strokes for strokes, _ in drawn])
        if len(data) or len(layer.data):
            layer.data = data
        if len(data):
            layer.edge_width = width
            layer.edge_color = np.concatenate([np.tile(colour, (len(strokes), 1)) for strokes, colour in drawn])

    def _write(self, layer: Any, places: Sequence[Any], names: Sequence[str]) -> None:
        if not places and not len(layer.data):
            return
        layer.data = np.reshape(places, (-1, 3))
        layer.features = pd.DataFrame({"number": pd.Series(names, dtype=str)})


def region_lines(
    region: MarkedRegion,
    spacing: Sequence[float],
    order: Sequence[int],
    at: float,
    shape: Sequence[int],
    radius: lines.Vector,
) -> lines.Lines:
    """A box as a box, a point as a ring, where slice `at` meets it."""
    centre = np.asarray(region.centre) / spacing
    if region.kind == "box":
        return lines.box(centre, np.asarray(region.size) / spacing, at, order, shape)
    return lines.ring(centre, radius, at, order, shape)


def number_place(strokes: lines.Lines, order: Sequence[int], shape: Sequence[int]) -> Any:
    """Where a region's number is written: at the outline's end towards the right of the screen, in its middle."""
    starts = strokes[:, 0]
    place = (starts.min(0) + starts.max(0)) / 2
    place[order[2]] = min(starts[:, order[2]].max(), shape[order[2]] - 1)
    return place
