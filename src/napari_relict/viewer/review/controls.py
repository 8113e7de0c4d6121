"""What keys and buttons reach of a review: its parts, and what takes more than one of them."""

from __future__ import annotations

from typing import Protocol

from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.review.flicker import Flicker
from napari_relict.viewer.session.session import ReadingSession
from napari_relict.viewer.widgets.reading_panel import ReadingPanel


class Controls(Protocol):
    """A `Review`, as `actions_of` sees it."""

    session: ReadingSession
    scene: ReviewScene
    panel: ReadingPanel
    flicker: Flicker

    def jump(self) -> None:
        """To the next largest difference."""

    def help(self) -> None:
        """All keys in a window."""

    def toggle_registered(self) -> None:
        """The right-hand volume registered onto the left one, or as it lies."""

    def toggle_volumes(self) -> None:
        """Volumes in 3D below the slices, and away again."""

    def toggle_criterion(self, number: int) -> None:
        """The study's criterion of this number, from 1."""

    def open_candidate(self, number: int) -> None:
        """The candidate of this number, from 1, of the open synthetic volume."""
