"""The third cell: difference, checkerboard, swipe, overlay or one of the two volumes, in two image layers.

Arrays of the pair are shown as they are or composed slice by slice; nothing is copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from napari_relict.viewer.canvas.cells import Cells, set_visible
from napari_relict.viewer.canvas.tool import Tool
from napari_relict.viewer.pair import colours
from napari_relict.viewer.pair.composites import Checkerboard, Difference, Swipe
from napari_relict.viewer.pair.difference import difference_limit
from napari_relict.viewer.pair.modes import Mode, next_mode
from napari_relict.viewer.pair.pair import PairImages

#: Sides of the squares of the checkerboard.
SQUARE_MM = 24.0


class ThirdCell(Tool):
    """Shows what the mode asks for; in volumes only what can be shown there."""

    listens_to: ClassVar[frozenset[str]] = frozenset(
        {"images", "windowing", "window_dragged", "rendering", "plane", "in_3d", "mode", "on_right", "split"}
    )
    _limit: tuple[Any, float] | None = None

    # What keys do -------------------------------------------------------------------------------------------
    def set_mode(self, mode: Mode) -> None:
        self.state.mode = mode

    def next_mode(self) -> None:
        self.state.mode = next_mode(self.state.mode)

    def swap(self) -> None:
        """A/B: from the left-hand volume to the right-hand one and back; first of all, begin with it."""
        state = self.state
        with state.together():
            state.on_right = state.mode is Mode.AB and not state.on_right
            state.mode = Mode.AB

    def move_split(self, by: float) -> None:
        """Move the line of the swipe by this share of the anatomy, to the right where it is positive."""
        if self.state.mode is Mode.SWIPE:
            self.state.split = float(np.clip(self.state.split + by, 0.0, 1.0))

    def put_split(self, position: Sequence[float]) -> None:
        """Change sides at this place in mm (z, y, x), inside the anatomy."""
        images = self.state.images
        if images is None:
            return
        columns = self.viewer.dims.order[2]
        first, last = images.bounds[0][columns], images.bounds[1][columns]
        at = position[columns] / images.spacing[columns] + 0.5
        self.state.split = float(np.clip((at - first) / (last + 1 - first), 0.0, 1.0))

    # Drawing ------------------------------------------------------------------------------------------------
    def update(self, cells: Cells, images: PairImages, names: frozenset[str]) -> None:
        mode = self.state.drawn_mode
        if self.state.window_dragged and names <= {"windowing", "window_dragged"}:
            self._follow_window(cells, images)
            return
        # First: what is seen of an overlay alone must not be seen over anything else.
        if mode is not Mode.OVERLAY:
            set_visible(cells.second, False)
        if mode is Mode.DIFFERENCE:
            self._show_difference(cells, images)
        else:
            self._show_volumes(cells, images, mode)

    def _follow_window(self, cells: Cells, images: PairImages) -> None:
        """Another window while it is being dragged: only what depends on it is done again."""
        image, window = cells.pictures[4], self.state.window
        if self.state.mode is Mode.DIFFERENCE:
            image.data = Difference(images.left, images.right, window)
        else:
            image.contrast_limits = cells.second.contrast_limits = window

    def _show_difference(self, cells: Cells, images: PairImages) -> None:
        image, in_3d = cells.pictures[4], self.state.in_3d
        window = images.window if in_3d else self.state.window
        image.data = Difference(images.left, images.right, window)
        limit = self._limit_of(images, window)
        # In volumes noise adds up along the view: air is cut off, and small differences are thinned out.
        limit = max(2.5 * limit, 0.5) if in_3d else limit
        image.contrast_limits = (-limit, limit)
        image.colormap = colours.diverging(2.0 if in_3d else 1.0)
        # Translucent volumes write depth, which would hide the surfaces inside them.
        image.blending = "additive" if in_3d else "translucent"
        image.rendering = "translucent"

    def _show_volumes(self, cells: Cells, images: PairImages, mode: Mode) -> None:
        image, second, state = cells.pictures[4], cells.second, self.state
        image.blending, image.rendering = "translucent", state.rendering
        image.contrast_limits = state.window_of_volumes if state.in_3d else state.window
        image.colormap = "gray"
        if mode is Mode.OVERLAY:
            image.data, image.colormap = images.left, colours.ramp(colours.LEFT)
            second.data, second.colormap = images.right, colours.ramp(colours.complement(colours.LEFT))
            second.contrast_limits = state.window
            set_visible(second, True)
        elif mode is Mode.CHECKERBOARD:
            z, y, x = (max(2, round(SQUARE_MM / step)) for step in images.spacing)
            image.data = Checkerboard(images.left, images.right, (z, y, x))
        elif mode is Mode.SWIPE:
            columns = int(self.viewer.dims.order[2])
            image.data = Swipe(images.left, images.right, columns, split_line(images, state.split, columns))
        else:
            image.data = images.right if state.on_right else images.left

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


def split_line(images: PairImages, split: float, columns: int) -> float:
    """The voxel index along the axis `columns`, which grows to the right of the screen, at which swipe changes sides.

    Parameters
    ----------
    split : share of the anatomy to the left of it.
    """
    first, last = images.bounds[0][columns], images.bounds[1][columns]
    return first + split * (last + 1 - first)
