"""Window and level of the scene: dragged, chosen by name, gone through by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_relict.viewer.pair.rendering import Rendering
from napari_relict.viewer.pair.window_level import HOUNSFIELD, Window, Windowing, maximum_window

if TYPE_CHECKING:
    from napari_relict.viewer.canvas.scene import ReviewScene


class Windows:
    """The window of both image cells, which the third cell follows; kept from pair to pair."""

    def __init__(self, scene: ReviewScene) -> None:
        self._scene = scene
        self.choice = Windowing()
        self.window: Window = (0.0, 1.0)

    @property
    def in_volumes(self) -> Window:
        """The window of volumes: the reader's is of slices, and would show air or nothing there."""
        images = self._scene.images
        assert images is not None
        if self._scene.rendering is not Rendering.MAXIMUM or images.unit == HOUNSFIELD:
            return images.volume_window
        return maximum_window((images.left, images.right), images.level)

    def choose(self, name: str | None) -> None:
        """A preset by its name (see `windowing.presets`); None is the default."""
        self.choice.choose(name)
        self._changed()

    def next(self) -> None:
        if self._scene.images is not None:
            self.choice.step(self._scene.images.unit)
            self._changed()

    def reset(self) -> None:
        self.choose(None)

    def drag(self, window: Window) -> None:
        """Show this window while the mouse moves; `end_drag` sees to what is too slow for that."""
        scene = self._scene
        self.choice.by_hand = self.window = window
        left, _, right, _, _, _ = scene.layers
        left.contrast_limits = right.contrast_limits = window
        scene.third.drag_window()
        scene.writing.place()

    def end_drag(self) -> None:
        self._changed()

    def update(self) -> None:
        """What the choice means for the pair that is shown."""
        images = self._scene.images
        if images is not None:
            self.window = self.choice.window(images.unit, (images.left, images.right), images.level)

    def _changed(self) -> None:
        self.update()
        self._scene.apply_look()
        self._scene.writing.place()
