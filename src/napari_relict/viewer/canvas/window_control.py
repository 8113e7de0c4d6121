"""Window and level: dragged, chosen by name, gone through by key."""

from __future__ import annotations

from napari_relict.viewer.canvas.state import CanvasState
from napari_relict.viewer.pair.window_level import Window, Windowing


class Windows:
    """The window of both image cells, which the third cell follows; kept from pair to pair."""

    def __init__(self, state: CanvasState) -> None:
        self._state = state

    def choose(self, name: str | None) -> None:
        """A preset by its name (see `window_level.presets`); None is the default."""
        self._state.windowing = Windowing(name)

    def next(self) -> None:
        if self._state.images is not None:
            self._state.windowing = self._state.windowing.next(self._state.images.unit)

    def reset(self) -> None:
        self.choose(None)

    def drag(self, window: Window) -> None:
        """Show this window while the mouse moves; `end_drag` sees to what is too slow for that."""
        with self._state.together():
            self._state.window_dragged, self._state.windowing = True, Windowing(by_hand=window)

    def end_drag(self) -> None:
        self._state.window_dragged = False
