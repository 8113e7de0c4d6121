"""The two volumes in their cells, left and right."""

from __future__ import annotations

from typing import ClassVar

from napari_relict.viewer.canvas.cells import Cells
from napari_relict.viewer.canvas.tool import Tool
from napari_relict.viewer.pair.pair import PairImages


class Sides(Tool):
    """Swaps the data of the image layers; adding and removing layers would grow memory."""

    listens_to: ClassVar[frozenset[str]] = frozenset({"images", "windowing", "rendering", "in_3d"})

    def update(self, cells: Cells, images: PairImages, names: frozenset[str]) -> None:
        state = self.state
        for layer, image in zip(cells.pictures[0:4:2], (images.left, images.right), strict=True):
            if "images" in names:
                layer.data = image
            layer.contrast_limits = state.window_of_volumes if state.in_3d else state.window
            if names & {"images", "rendering", "in_3d"}:
                layer.rendering = state.rendering
