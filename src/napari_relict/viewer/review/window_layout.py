"""Makes room in napari's window for reading, through public Qt alone, and gives it back."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

SIDE_WIDTH, BOTTOM_HEIGHT = 400, 270


class Room:
    """Hides the docks on the left (layer list and controls) while a session runs."""

    def __init__(self) -> None:
        self._hidden: list[QDockWidget] = []

    def make(self, window: QWidget, *, side: QWidget, bottom: QWidget) -> None:
        """Give the dock of `side` the full height on the right, that of `bottom` what is under the canvas."""
        if not isinstance(window, QMainWindow):
            return
        window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        for dock in window.findChildren(QDockWidget):
            on_left = window.dockWidgetArea(dock) == Qt.DockWidgetArea.LeftDockWidgetArea
            if on_left and not dock.isHidden():
                dock.hide()
                self._hidden.append(dock)
            elif dock.isAncestorOf(bottom):
                window.resizeDocks([dock], [BOTTOM_HEIGHT], Qt.Orientation.Vertical)
            elif dock.isAncestorOf(side):
                window.resizeDocks([dock], [SIDE_WIDTH], Qt.Orientation.Horizontal)

    def give_back(self) -> None:
        for dock in self._hidden:
            dock.show()
        self._hidden.clear()
