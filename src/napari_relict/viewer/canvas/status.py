"""The status bar would go on reading out what was there before until the mouse moves."""

from __future__ import annotations

from typing import ClassVar

from napari_relict.viewer.canvas.cells import Cells
from napari_relict.viewer.canvas.tool import Tool
from napari_relict.viewer.pair.pair import PairImages


class Status(Tool):
    """Bound last. The line is worked out in a thread, which may still be at the pair before: it has to look again."""

    listens_to: ClassVar[frozenset[str]] = frozenset({"images", "texts", "mode", "on_right"})

    def update(self, cells: Cells, images: PairImages, names: frozenset[str]) -> None:
        self.viewer.status = ""
        self.viewer.cursor.events.position(value=self.viewer.cursor.position)

    def unbind(self) -> None:
        self.viewer.status = ""
        super().unbind()
