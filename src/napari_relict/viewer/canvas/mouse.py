"""What the mouse does in the cells. Each gesture is one generator, as napari's mouse callbacks are.

wheel: slices; left click: crosshair; left drag: napari's own (moves the picture), in a swipe the split line;
right drag: window and level; double right click: the default window; Shift and left drag: a box.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.components import ViewerModel

from napari_relict.viewer.canvas.cells import Cells
from napari_relict.viewer.canvas.comparison import ThirdCell
from napari_relict.viewer.canvas.crosshair import Pointer
from napari_relict.viewer.canvas.marker import Marker
from napari_relict.viewer.canvas.state import CanvasState
from napari_relict.viewer.canvas.tool import Tool
from napari_relict.viewer.canvas.view import View
from napari_relict.viewer.canvas.window_control import Windows
from napari_relict.viewer.pair.modes import Mode
from napari_relict.viewer.pair.window_level import dragged

LEFT, RIGHT = 1, 2
#: Pixels that a hand trembles in a click.
_STILL = 4.0


class Mouse(Tool):
    """Listens to the mouse while it is bound; what a gesture means is another tool's."""

    def __init__(
        self,
        state: CanvasState,
        viewer: ViewerModel,
        view: View,
        windows: Windows,
        third: ThirdCell,
        pointer: Pointer,
        marker: Marker,
    ) -> None:
        super().__init__(state, viewer)
        self._view, self._windows, self._third = view, windows, third
        self._pointer, self._marker = pointer, marker

    def bind(self, cells: Cells) -> None:
        super().bind(cells)
        viewer = self.viewer
        viewer.mouse_wheel_callbacks.append(self.on_wheel)
        viewer.mouse_drag_callbacks.append(self.on_press)
        # napari zooms in on any double click; with the right button it is ours.
        self._double_clicks = list(viewer.mouse_double_click_callbacks)
        viewer.mouse_double_click_callbacks[:] = [self.on_double_click]

    def unbind(self) -> None:
        viewer = self.viewer
        viewer.mouse_wheel_callbacks.remove(self.on_wheel)
        viewer.mouse_drag_callbacks.remove(self.on_press)
        viewer.mouse_double_click_callbacks[:] = self._double_clicks
        super().unbind()

    def on_wheel(self, viewer: ViewerModel, event: Any) -> None:
        """The wheel goes through slices, as radiologists expect; with a modifier it stays napari's."""
        if not event.modifiers and not self.state.in_3d:
            self._view.step(1 if event.delta[1] > 0 else -1)
            event.handled = True

    def on_double_click(self, viewer: ViewerModel, event: Any) -> None:
        if event.button == RIGHT:
            if not self.state.in_3d:
                self._windows.reset()
            event.handled = True
            return
        for callback in self._double_clicks:
            callback(viewer, event)

    def on_press(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        """Which gesture begins. What is handled here, napari's camera does not get to see."""
        if self.state.in_3d or self.state.images is None:
            return
        shift = "Shift" in event.modifiers
        if event.button == RIGHT and not event.modifiers:
            event.handled = True
            yield from self._window(event)
        elif event.button == LEFT and shift and len(event.modifiers) == 1:
            event.handled = True
            yield from self._box(event)
        elif event.button == LEFT and not event.modifiers:
            swipe = self.state.mode is Mode.SWIPE and _cell(event) == 2
            event.handled = event.handled or swipe
            yield from self._click(event, swipe)

    def _window(self, event: Any) -> Iterator[None]:
        start, pressed, images = self.state.window, _pixel(event), self.state.images
        assert images is not None
        moved = False
        yield
        while event.type == "mouse_move":
            down, right = _pixel(event) - pressed
            moved = moved or _far(event, pressed)
            if moved:
                self._windows.drag(dragged(start, right, -down, images.unit))
            event.handled = True
            yield
        if moved:
            self._windows.end_drag()

    def _click(self, event: Any, swipe: bool) -> Iterator[None]:
        pressed, moved = _pixel(event), False
        yield
        while event.type == "mouse_move":
            moved = moved or _far(event, pressed)
            if swipe and moved:
                self._third.put_split(event.position)
                event.handled = True
            yield
        if not moved and not _far(event, pressed):
            self._pointer.go_to(event.position)

    def _box(self, event: Any) -> Iterator[None]:
        pressed, first, cell = _pixel(event), tuple(event.position), _cell(event)
        moved = False
        yield
        while event.type == "mouse_move":
            moved = moved or _far(event, pressed)
            if moved:
                self._marker.preview_box(first, event.position, cell)
            event.handled = True
            yield
        if moved:
            self._marker.mark_box(first, event.position, cell)


def _pixel(event: Any) -> Any:
    """Where the mouse is on the canvas: (down, right) in pixels."""
    return np.asarray(event.pos, float)[::-1]


def _far(event: Any, pressed: Any) -> bool:
    return bool(np.abs(_pixel(event) - pressed).max() > _STILL)


def _cell(event: Any) -> int:
    return 0 if event.viewbox is None else int(event.viewbox[1])
