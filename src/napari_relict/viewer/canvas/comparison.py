"""The third cell: difference, checkerboard, swipe, overlay or one of the two volumes, in two image layers.

Arrays of the pair are shown as they are or composed slice by slice; nothing is copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_relict.viewer.canvas.cells import set_visible
from napari_relict.viewer.pair import colours
from napari_relict.viewer.pair.composites import Checkerboard, Difference, Swipe
from napari_relict.viewer.pair.difference import difference_limit
from napari_relict.viewer.pair.modes import Mode, drawn, next_mode
from napari_relict.viewer.pair.pair import PairImages

if TYPE_CHECKING:
    from napari_relict.viewer.canvas.scene import ReviewScene

#: Sides of the squares of the checkerboard.
SQUARE_MM = 24.0


class ThirdCell:
    """`mode`, `on_right` and `split` say what is shown; `update` shows it."""

    def __init__(self, scene: ReviewScene) -> None:
        self._scene = scene
        self.mode = Mode.DIFFERENCE
        self.on_right = False  # A/B shows the right-hand volume
        self.split = 0.5  # where swipe changes sides, as a share of the anatomy
        self._limit: tuple[Any, float] | None = None

    # What keys do -------------------------------------------------------------------------------------------
    def set_mode(self, mode: Mode) -> None:
        self.mode = mode
        self.update()
        self._scene.redraw()
        self._scene.forget_status()
        self._scene.changed.emit()

    def next_mode(self) -> None:
        self.set_mode(next_mode(self.mode))

    def swap(self) -> None:
        """A/B: from the left-hand volume to the right-hand one and back; first of all, begin with it."""
        if self.mode is Mode.AB:
            self.on_right = not self.on_right
        else:
            self.on_right = False
        self.set_mode(Mode.AB)

    def move_split(self, by: float) -> None:
        """Move the line of the swipe by this share of the anatomy, to the right where it is positive."""
        if self.mode is Mode.SWIPE:
            self.split = float(np.clip(self.split + by, 0.0, 1.0))
            self.update()
            self._scene.redraw()

    def put_split(self, position: Sequence[float]) -> None:
        """Change sides at this place in mm (z, y, x), inside the anatomy."""
        images = self._scene.images
        if images is None:
            return
        first, last = images.bounds[0][self._columns], images.bounds[1][self._columns]
        at = position[self._columns] / images.spacing[self._columns] + 0.5
        self.split = float(np.clip((at - first) / (last + 1 - first), 0.0, 1.0))
        self.update()
        self._scene.redraw()

    # What the scene asks --------------------------------------------------------------------------------------
    def split_line(self) -> float | None:
        """The voxel index along the columns at which swipe changes sides; None in other modes."""
        images = self._scene.images
        if self.mode is not Mode.SWIPE or images is None:
            return None
        first, last = images.bounds[0][self._columns], images.bounds[1][self._columns]
        return first + self.split * (last + 1 - first)

    def drag_window(self) -> None:
        """Another window while it is being dragged: only what depends on it is done again."""
        images, window = self._scene.images, self._scene.windows.window
        assert images is not None and self._scene.cells is not None
        if self.mode is Mode.DIFFERENCE:
            self._image.data = Difference(images.left, images.right, window)
        else:
            self._image.contrast_limits = self._scene.cells.second.contrast_limits = window

    def update(self) -> None:
        """Show what the mode asks for, and say so."""
        if self._scene.cells is None or self._scene.images is None:
            return
        mode = drawn(self.mode, self._scene.in_3d)
        # First: what is seen of an overlay alone must not be seen over anything else.
        if mode is not Mode.OVERLAY:
            set_visible(self._scene.cells.second, False)
        if mode is Mode.DIFFERENCE:
            self._show_difference(self._scene.images)
        else:
            self._show_volumes(self._scene.images, mode)
        self._scene.writing.titles()
        self._scene.writing.marks()

    # Inside -------------------------------------------------------------------------------------------------
    @property
    def _image(self) -> Any:
        return self._scene.layers[4]

    @property
    def _columns(self) -> int:
        """The axis that grows to the right of the screen, along which swipe changes sides."""
        return int(self._scene.viewer.dims.order[2])

    def _show_difference(self, images: PairImages) -> None:
        image, in_3d, window = self._image, self._scene.in_3d, self._scene.windows.window
        image.data = Difference(images.left, images.right, images.window if in_3d else window)
        limit = self._limit_of(images, images.window if in_3d else window)
        # In volumes noise adds up along the view: air is cut off, and small differences are thinned out.
        limit = max(2.5 * limit, 0.5) if in_3d else limit
        image.contrast_limits = (-limit, limit)
        image.colormap = colours.diverging(2.0 if in_3d else 1.0)
        # Translucent volumes write depth, which would hide the surfaces inside them.
        image.blending = "additive" if in_3d else "translucent"
        image.rendering = "translucent"

    def _show_volumes(self, images: PairImages, mode: Mode) -> None:
        image, in_3d, window = self._image, self._scene.in_3d, self._scene.windows.window
        assert self._scene.cells is not None
        second = self._scene.cells.second
        image.blending, image.rendering = "translucent", self._scene.rendering
        image.contrast_limits = self._scene.windows.in_volumes if in_3d else window
        image.colormap = "gray"
        if mode is Mode.OVERLAY:
            image.data, image.colormap = images.left, colours.ramp(colours.LEFT)
            second.data, second.colormap = images.right, colours.ramp(colours.complement(colours.LEFT))
            second.contrast_limits = window
            set_visible(second, True)
        elif mode is Mode.CHECKERBOARD:
            z, y, x = (max(2, round(SQUARE_MM / step)) for step in images.spacing)
            image.data = Checkerboard(images.left, images.right, (z, y, x))
        elif mode is Mode.SWIPE:
            image.data = Swipe(images.left, images.right, self._columns, self.split_line() or 0.0)
        else:
            image.data = images.right if self.on_right else images.left

    def _limit_of(self, images: PairImages, window: tuple[float, float]) -> float:
        """The display limit of the difference in this window, from every eighth voxel; kept until another is asked."""
        if window == images.window:
            return images.difference_limit
        key = (images.key, window)
        if self._limit is None or self._limit[0] != key:
            left, right = (image[::2, ::2, ::2] for image in (images.left, images.right))
            some = np.asarray(Difference(left, right, window))
            self._limit = key, difference_limit(some, (left > images.level) | (right > images.level))
        return self._limit[1]
