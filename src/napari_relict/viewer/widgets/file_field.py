"""A file that may be given: typed, or chosen with a button; empty where there is none."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget


class FileField(QWidget):
    """Emits `changed` with every edit.

    Parameters
    ----------
    named : what file it is; title of the dialogue, and what screen readers say.
    kinds : of files that the dialogue shows, as Qt writes them.
    """

    changed = Signal()

    def __init__(self, named: str, kinds: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._named, self._kinds = named, kinds
        self.line = QLineEdit(self)
        self.line.setAccessibleName(named)
        self.line.setClearButtonEnabled(True)
        self.browse = QPushButton("Browse …", self)
        self.browse.setAccessibleName(f"Browse: {named}")
        self.browse.clicked.connect(self._browse)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.browse)
        self.line.textChanged.connect(self.changed)

    @property
    def path(self) -> Path | None:
        text = self.line.text().strip()
        return Path(text) if text else None

    def _browse(self) -> None:
        start = "" if self.path is None else str(self.path.parent)
        file, _ = QFileDialog.getOpenFileName(self, self._named, start, self._kinds)
        if file:
            self.line.setText(file)
