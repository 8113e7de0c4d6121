"""Volumes in 3D below the slices: a second scene on a viewer of its own, in a dock.

Both scenes show the same arrays. The dock cannot float: floating a second napari canvas ends napari. It is a dock of
Qt's own, for napari's have buttons that float and close it.
"""

from __future__ import annotations

from napari.components import ViewerModel
from napari.qt import QtViewer
from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from napari_relict.viewer.canvas.scene import ReviewScene

TITLE = "Volumes in 3D"
#: What the volumes have in common with the slices, beside the pair: label, outlines, rendering, A/B.
FOLLOWED = frozenset({"outlined", "label", "rendering", "mode", "on_right"})


class VolumesBeside:
    """`toggle` shows and hides the volumes, `close` takes them away for good.

    Parameters
    ----------
    scene : the slices, which the volumes follow.
    """

    def __init__(self, scene: ReviewScene) -> None:
        self._main = scene
        self.scene: ReviewScene | None = None
        self._dock: QDockWidget | None = None
        self._qt_viewer: QtViewer | None = None
        self._below: tuple[QDockWidget, int] | None = None  # the dock under the volumes, and its height without them

    @property
    def visible(self) -> bool:
        return self._dock is not None

    def toggle(self, window: QWidget) -> None:
        """Show the volumes in this main window, or take them away."""
        if self.visible:
            self.close()
        elif isinstance(window, QMainWindow) and self._main.images is not None:
            self._open(window)

    def close(self) -> None:
        if self._dock is None or self._qt_viewer is None or self.scene is None:
            return
        self._main.state.changed.disconnect(self._follow)
        dock, self._dock = self._dock, None
        window = dock.parentWidget()
        self.scene.close()
        self.scene = None
        self._qt_viewer.close()
        self._qt_viewer = None
        if isinstance(window, QMainWindow):
            window.removeDockWidget(dock)
            if self._below is not None and isalive(self._below[0]):
                # Or it would take the room that the volumes leave.
                window.resizeDocks([self._below[0]], [self._below[1]], Qt.Orientation.Vertical)
        self._below = None
        dock.setParent(None)
        dock.deleteLater()

    # Inside -----------------------------------------------------------------------------------------------
    def _open(self, window: QMainWindow) -> None:
        viewer = ViewerModel(title=TITLE)
        self.scene = ReviewScene(viewer)
        self._qt_viewer = QtViewer(viewer)
        self._dock = QDockWidget(TITLE, window)
        self._dock.setObjectName(TITLE)
        self._dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        self._dock.setTitleBarWidget(QWidget(self._dock))  # no title bar: the cells have titles
        self._dock.setWidget(self._qt_viewer)
        self._qt_viewer.setMinimumHeight(160)
        height = window.centralWidget().height()
        below = [
            dock
            for dock in window.findChildren(QDockWidget)
            if window.dockWidgetArea(dock) == Qt.DockWidgetArea.BottomDockWidgetArea and not dock.isHidden()
        ]
        window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self._dock)
        if below:  # what is docked there already stays at the bottom
            self._below = below[0], below[0].height()
            window.splitDockWidget(self._dock, below[0], Qt.Orientation.Vertical)
        self._dock.show()
        window.resizeDocks([self._dock], [height // 2], Qt.Orientation.Vertical)
        self._main.state.changed.connect(self._follow)
        self._follow()

    def _follow(self, names: frozenset[str] = FOLLOWED) -> None:
        """Show what the slices show."""
        if self.scene is None or self._main.images is None or self._main.state.texts is None:
            return
        first = self.scene.images is None
        if first or names & {"images", "texts"}:
            self.scene.show(self._main.images, self._main.state.texts)
        with self.scene.state.together():
            for name in names & FOLLOWED:
                setattr(self.scene.state, name, getattr(self._main.state, name))
            if first:
                self.scene.state.in_3d = True
