"""Covers the canvas while a reader pauses: nobody walking past sees patients, and nobody reads on unclocked."""

from __future__ import annotations

from napari.components import ViewerModel
from napari.components.overlays import TextOverlay
from napari.layers import Layer

KEY = "relict_curtain"


class Curtain:
    """`draw(True)` hides every layer behind a word, `draw(False)` brings back those that were shown."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._hidden: list[Layer] = []
        self.drawn = False

    def draw(self, on: bool, text: str = "") -> None:
        if on == self.drawn:
            return
        self.drawn = on
        overlays = self._viewer.canvas.overlays
        if on:
            self._hidden = [layer for layer in self._viewer.layers if layer.visible]
            for layer in self._hidden:
                layer.visible = False
            overlays[KEY] = TextOverlay(position="top_center", color="white", font_size=18, box=False, text=text)
            overlays[KEY].visible = True
        else:
            overlays.pop(KEY, None)
            for layer in self._hidden:
                layer.visible = True
            self._hidden = []
