"""Where widgets of ours lie in napari's window, and how two of them share a place."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from napari_relict.viewer.plugin import ReviewWidget


def review_of(viewer: Any) -> ReviewWidget | None:
    """The review widget of a viewer; a viewer without a window has none."""
    window = getattr(viewer, "window", None)
    docked = [] if window is None else list(window.dock_widgets.values())
    return next((one for one in docked if isinstance(one, ReviewWidget)), None)


def bring_forward(widget: QWidget) -> None:
    """In front of what shares its place."""
    dock = _dock_of(widget)
    if dock is not None:
        dock.raise_()


def share_the_place(widget: QWidget, other: QWidget) -> None:
    """Both as tabs, `widget` in front: below each other neither would have room."""
    mine, its, window = _dock_of(widget), _dock_of(other), widget.window()
    if mine is None or its is None or not isinstance(window, QMainWindow):
        return
    if mine not in window.tabifiedDockWidgets(its):
        window.tabifyDockWidget(its, mine)
        mine.raise_()


def _dock_of(widget: QWidget) -> QDockWidget | None:
    above = widget.parentWidget()
    while above is not None and not isinstance(above, QDockWidget):
        above = above.parentWidget()
    return above
