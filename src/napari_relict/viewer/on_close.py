"""Does something before a window closes, whoever closes it."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget


class OnClose(QObject):
    """Calls `do` when `window` is asked to close, until `stop`."""

    def __init__(self, window: QWidget, do: Callable[[], None]) -> None:
        super().__init__(window)
        self._window, self._do = window, do
        window.installEventFilter(self)

    def stop(self) -> None:
        self._window.removeEventFilter(self)
        self.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Close:
            self._do()
        return False
