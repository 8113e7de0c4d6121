"""How far a long job is, how long it still takes, and a button that stops it."""

from __future__ import annotations

import time

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from napari_relict.viewer.session.stopwatch import in_words


class JobBar(QWidget):
    """Hidden until `show_progress`; `finish` hides it again."""

    asked_to_stop = Signal()

    def __init__(self, named: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.bar = QProgressBar(self)
        self.bar.setAccessibleName(named)
        self.bar.setTextVisible(True)
        self.stop = QPushButton("Stop", self)
        self.stop.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.stop.setAccessibleName(f"Stop: {named}")
        self.stop.clicked.connect(self._on_stop)
        row.addWidget(self.bar, 1)
        row.addWidget(self.stop)
        self._stage, self._began, self._first = "", 0.0, 0
        self.hide()

    def show_progress(self, stage: str, done: int, total: int, left: float | None = None) -> None:
        """`left`: seconds; from the pace of this stage when None."""
        now = time.monotonic()
        if stage != self._stage:  # what was done of it before is not known to have taken any time
            self._stage, self._began, self._first = stage, now, done
        elif left is None and self._first < done < total:
            left = (now - self._began) / (done - self._first) * (total - done)
        self.bar.setMaximum(max(total, 1))
        self.bar.setValue(done)
        also = f", about {in_words(left)} left" if left is not None and left >= 1 else ""
        self.bar.setFormat(f"{stage}{also}")
        self.show()

    def begin(self, what: str) -> None:
        """Something runs that has not said yet how far it is."""
        self._stage = ""
        self.bar.setMaximum(0)
        self.bar.setFormat(what)
        self.stop.setEnabled(True)
        self.stop.setText("Stop")
        self.show()

    def finish(self) -> None:
        self.hide()

    def _on_stop(self) -> None:
        self.stop.setEnabled(False)
        self.stop.setText("Stopping …")
        self.asked_to_stop.emit()
