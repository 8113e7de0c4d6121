"""One button for each candidate of the open synthetic volume."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from napari_relict.viewer.data_models.candidates import MOST
from napari_relict.viewer.session.keys import shown


class CandidatesBar(QWidget):
    """Emits the action that opens a candidate."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Candidates", self))
        self.buttons: list[QPushButton] = []
        for number in range(1, MOST + 1):
            button = QPushButton(str(number), self)
            button.setProperty("relict", "choice")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setToolTip(f"Candidate {number}   {shown(f'candidate_{number}')}")
            button.setAccessibleName(f"Candidate {number}")
            button.clicked.connect(partial(self._on_button, f"candidate_{number}"))
            row.addWidget(button)
            self.buttons.append(button)

    def show_candidates(self, count: int, opened: int | None, listed: int | None) -> None:
        """`count` of them; `opened` is on screen, `listed` is the one to be rated (from 0)."""
        self.setVisible(count > 1)
        for number, button in enumerate(self.buttons):
            button.setVisible(number < count)
            button.setChecked(number == opened)
            button.setText(f"{number + 1}{' ★' if number == listed else ''}")
            state = ["open"] * (number == opened) + ["the pair to rate"] * (number == listed)
            button.setAccessibleDescription(", ".join(state))

    def _on_button(self, action: str, _checked: bool = False) -> None:
        self.asked.emit(action)
