"""Puts a pair into a napari viewer: three linked cells in a grid, framed, oriented and marked.

Works on a `ViewerModel`, so it is tested without a window. The scene makes a state and the tools that listen to it;
what it shows is changed by setting the state. Layers are made once; going to another pair swaps their `data`, which
does not grow memory as adding and removing layers does.

The crosshair is napari's own place: the slices of all three axes. What the reader chose to see - plane, window,
way to compare - stays from pair to pair.
"""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel

from napari_relict.viewer.canvas.annotations import Annotations
from napari_relict.viewer.canvas.camera import Framing
from napari_relict.viewer.canvas.captions import Captions
from napari_relict.viewer.canvas.cells import Cells
from napari_relict.viewer.canvas.comparison import ThirdCell
from napari_relict.viewer.canvas.crosshair import Pointer
from napari_relict.viewer.canvas.drawing import Drawing
from napari_relict.viewer.canvas.marker import Marker
from napari_relict.viewer.canvas.mouse import Mouse
from napari_relict.viewer.canvas.outlines import Outlines
from napari_relict.viewer.canvas.sides import Sides
from napari_relict.viewer.canvas.stage import Stage
from napari_relict.viewer.canvas.state import CanvasState
from napari_relict.viewer.canvas.status import Status
from napari_relict.viewer.canvas.tool import Tool
from napari_relict.viewer.canvas.view import View
from napari_relict.viewer.canvas.window_control import Windows
from napari_relict.viewer.pair.pair import PairImages
from napari_relict.viewer.pair.planes import Plane
from napari_relict.viewer.pair.rendering import Rendering
from napari_relict.viewer.pair.text import CellTexts


class ReviewScene:
    """The reading room's canvas: `show` a pair, then `set_plane`, `set_3d`, `step`, `frame`.

    What takes more than a line has its own object: `windows` (window and level), `third` (ways to compare),
    `outlines` (segmentations), `pointer` (crosshair, largest differences), `marker` (regions that the reader marks).
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self.viewer = viewer
        self.state = state = CanvasState()
        self.cells: Cells | None = None
        self.windows, self.marker = Windows(state), Marker(state, viewer)
        self.outlines, self.third = Outlines(state, viewer), ThirdCell(state, viewer)
        self._view, self._framing = View(state, viewer), Framing(state, viewer)
        self._captions = Captions(state, viewer)
        self.pointer = Pointer(state, viewer, self._framing)
        self.mouse = Mouse(state, viewer, self._view, self.windows, self.third, self.pointer, self.marker)
        self._stage = Stage(viewer)
        #: In the order in which they draw: each builds on those before it.
        self._tools: tuple[Tool, ...] = (
            self._view, Sides(state, viewer), self.outlines, self.third, self._captions, self._framing,
            Drawing(state, viewer), self.pointer, self.mouse, Status(state, viewer),
        )  # fmt: skip

    @property
    def layers(self) -> list[Any]:
        """Images and segmentations in turn: left, right, difference."""
        return [] if self.cells is None else self.cells.pictures

    @property
    def annotations(self) -> Annotations | None:
        return self._captions.annotations

    @property
    def images(self) -> PairImages | None:
        return self.state.images

    # A pair -----------------------------------------------------------------------------------------------
    def show(self, images: PairImages, texts: CellTexts) -> None:
        """Show this pair. Plane and slice stay; so does the zoom, if the reader has set one."""
        state = self.state
        if self.cells is None:
            self._build(images)
        with state.together():
            if state.images is not None and state.images.key.names != images.key.names:
                state.regions, state.preview = (), None  # they were of the pair before
            state.images, state.texts = images, texts

    def close(self) -> None:
        """Leave the viewer as it was found."""
        if self.cells is None:
            return
        for tool in self._tools:
            tool.unbind()
        layers = list(self.cells)
        self.cells, self.state.images, self.state.in_3d = None, None, False
        self._stage.give_back(layers)

    # Looking ----------------------------------------------------------------------------------------------
    def set_plane(self, plane: Plane) -> None:
        """Show slices of this plane in all cells, framed."""
        state = self.state
        if (state.plane, state.in_3d) == (plane, False):
            self._view.show_slices()
            self.frame()
        with state.together():
            state.plane, state.in_3d = plane, False

    def set_3d(self, on: bool) -> None:
        """All cells as volumes, seen from the front, or back to the slices."""
        self.state.in_3d = on

    def toggle_3d(self) -> None:
        self.state.in_3d = not self.state.in_3d

    def next_rendering(self) -> None:
        """Volumes as attenuated maximum, which shows what lies in front, or as plain maximum."""
        self.state.rendering = next(way for way in Rendering if way is not self.state.rendering)

    def step(self, by: int) -> None:
        """Go `by` slices towards head, back or left, whichever axis is sliced."""
        self._view.step(by)

    def frame(self) -> None:
        """Centre all cells on the anatomy and fill them with it, leaving room for titles and marks."""
        self._framing.frame()

    # Inside -----------------------------------------------------------------------------------------------
    def _build(self, images: PairImages) -> None:
        """Make the layers; their order in the list is the order of the cells."""
        self.cells = Cells(images)
        self._stage.take(self.cells)
        for tool in self._tools:
            tool.bind(self.cells)
        self._view.go_to_centre(images)
        self._view.show_slices()
