"""Window-level shortcuts that live as long as a reading session and keep out of text fields.

napari's own key bindings do not reach a plugin's docks, and keys of a manifest are not registered at all, so
these are Qt shortcuts of the main window.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QShortcut,
    QTextEdit,
    QWidget,
)

from napari_relict.viewer.session.keys import KEYS


class Shortcuts(QObject):
    """All keys of `KEYS` on one window.

    Parameters
    ----------
    window : the main window; keys work wherever the focus is inside it.
    run : called with the name of the action.
    """

    def __init__(self, window: QWidget, run: Callable[[str], None]) -> None:
        super().__init__(window)
        self._window = window
        self._shortcuts: list[tuple[QShortcut, bool]] = []
        for key in KEYS:
            sequences = [key.key, "Enter"] if key.key == "Return" else [key.key]
            for sequence in sequences:
                shortcut = QShortcut(QKeySequence(sequence), window)
                shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
                shortcut.setAutoRepeat(key.action.startswith(("slice_", "swipe_")))
                shortcut.activated.connect(partial(run, key.action))
                self._shortcuts.append((shortcut, key.in_tables))
        QApplication.instance().focusChanged.connect(self._on_focus)

    def close(self) -> None:
        """Take all keys off the window again; a second time, nothing is left to take."""
        if not self._shortcuts:
            return
        QApplication.instance().focusChanged.disconnect(self._on_focus)
        for shortcut, _ in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts.clear()

    def _on_focus(self, _old: QWidget | None, now: QWidget | None) -> None:
        """Typing must stay typing: a line edit lets Enter through to shortcuts, so they are off there."""
        typing = is_text_field(now)
        table = isinstance(now, QAbstractItemView)
        for shortcut, in_tables in self._shortcuts:
            shortcut.setEnabled(not typing and (in_tables or not table))


def is_text_field(widget: QWidget | None) -> bool:
    if isinstance(widget, QComboBox):
        return widget.isEditable()
    return isinstance(widget, QLineEdit | QPlainTextEdit | QTextEdit | QAbstractSpinBox)
