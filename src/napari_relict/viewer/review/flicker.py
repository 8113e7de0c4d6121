"""Swaps the two volumes of A/B by itself, twice a second: what differs seems to move."""

from __future__ import annotations

from qtpy.QtCore import QObject, QTimer

from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.pair.modes import Mode

#: Each volume is shown for half a second. Flicker of less than 3 Hz is safe for readers prone to seizures.
INTERVAL_MS = 500


class Flicker(QObject):
    """`toggle` starts and stops it; it stops by itself when the scene goes to another way to compare.

    Parameters
    ----------
    parent : it ends with this one.
    """

    def __init__(self, scene: ReviewScene, parent: QObject) -> None:
        super().__init__(parent)
        self._scene = scene
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._swap)

    @property
    def running(self) -> bool:
        return self._timer.isActive()

    def toggle(self) -> None:
        if self.running:
            self.stop()
        else:
            self._scene.third.swap()
            self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def swap(self) -> None:
        """The reader swaps by hand: that ends the flicker."""
        self.stop()
        self._scene.third.swap()

    def _swap(self) -> None:
        if self._scene.state.mode is not Mode.AB or self._scene.images is None:
            self.stop()
        else:
            self._scene.third.swap()
