"""How near the cells are seen: framed on the anatomy, until the reader zooms."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from napari_relict.viewer.canvas.cells import Cells
from napari_relict.viewer.canvas.tool import Tool
from napari_relict.viewer.pair.framing import frame, share_of
from napari_relict.viewer.pair.pair import PairImages
from napari_relict.viewer.pair.planes import VIEWS


class Framing(Tool):
    """`frame` puts all cells back on the anatomy; another plane, pair or window does by itself."""

    listens_to: ClassVar[frozenset[str]] = frozenset({"images", "plane", "in_3d"})
    _zoom: float | None = None  # of the last framing
    _names: tuple[str, str] | None = None

    def bind(self, cells: Cells) -> None:
        super().bind(cells)
        self.viewer.canvas.events.size.connect(self._on_canvas_size)

    def unbind(self) -> None:
        self.viewer.canvas.events.size.disconnect(self._on_canvas_size)
        self._names = None
        super().unbind()

    @property
    def untouched(self) -> bool:
        """The reader has not zoomed since the last framing."""
        return self._zoom is not None and bool(np.isclose(self.viewer.scene.camera.zoom, self._zoom))

    def frame(self) -> None:
        """Centre all cells on the anatomy and fill them with it, leaving room for titles and marks."""
        images = self.state.images
        if images is None:
            return
        height, width = self.viewer.canvas.viewbox_size(self.viewer.layers)
        self.state.text_scale = share_of((height, width))
        view = None if self.state.in_3d else VIEWS[self.state.plane]
        camera = self.viewer.scene.camera
        camera.center, zoom = frame(images.bounds, images.spacing, (height, width), view)
        camera.zoom = self._zoom = zoom

    def update(self, cells: Cells, images: PairImages, names: frozenset[str]) -> None:
        # Registered or not, the same pair is seen from the same place.
        another = self._names != images.key.names
        first, self._names = self._names is None, images.key.names
        if first or names & {"plane", "in_3d"} or (another and self.untouched):
            self.frame()

    def _on_canvas_size(self) -> None:
        """Frame again when the window changes, unless the reader has zoomed."""
        if self.untouched:
            self.frame()
