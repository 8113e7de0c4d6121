"""Where the reader says what a pair is: grade, confidence, criteria, comment, lock; keys on the buttons."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_relict.viewer.session.draft import CONFIDENCES, GRADES, Draft
from napari_relict.viewer.session.keys import shown

STYLE = """
QPushButton[relict="grade"] {
    text-align: left; padding: 7px 10px; font-size: 13pt; border: 1px solid #6a7079; }
QPushButton[relict="grade"]:checked, QPushButton[relict="choice"]:checked {
    background: #e8eaed; color: #101216; border: 2px solid #ff9e29; }
QPushButton[relict="choice"] { padding: 4px 2px; border: 1px solid #6a7079; }
QPushButton[relict="lock"] { padding: 8px; font-size: 12pt; font-weight: bold; border: 1px solid #ff9e29; }
QPushButton[relict="lock"]:disabled { border: 1px solid #6a7079; }
"""


class RatingBar(QWidget):
    """Emits what is asked for as the name of an action (see `keys`); shows what the session says."""

    asked = Signal(str)  # an action
    criterion_toggled = Signal(str)
    comment_changed = Signal(str)
    comment_left = Signal()

    def __init__(self, criteria: list[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setStyleSheet(STYLE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        self.grades = self._choices(QGridLayout(), layout, "grade", GRADES)
        row = QHBoxLayout()
        row.addWidget(QLabel("Confidence", self))
        self.confidences = self._choices(row, layout, "confidence", CONFIDENCES)
        self.criteria: dict[str, QCheckBox] = {}
        grid = QGridLayout()
        grid.setContentsMargins(0, 2, 0, 2)
        for number, name in enumerate(criteria):
            key = f"   {shown(f'criterion_{number + 1}')}" if number < 5 else ""
            box = QCheckBox(f"{name}{key}", self)
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            box.clicked.connect(partial(self._on_criterion, name))
            grid.addWidget(box, number // 2, number % 2)
            self.criteria[name] = box
        layout.addLayout(grid)
        self.comment = QLineEdit(self)
        self.comment.setPlaceholderText(f"Comment   {shown('comment')}")
        self.comment.setAccessibleName("Comment")
        self.comment.textEdited.connect(self.comment_changed)
        self.comment.returnPressed.connect(self.comment_left)
        self.comment.installEventFilter(self)
        layout.addWidget(self.comment)
        self.lock = self._button("proceed", "Lock rating", "lock")
        layout.addWidget(self.lock)
        last = QHBoxLayout()
        self.others: dict[str, QPushButton] = {}
        labels = {"back": "◀ Back", "next": "Next ▶", "later": "Later", "undo": "Undo", "amend": "Change"}
        for action, label in labels.items():
            self.others[action] = self._button(action, f"{label}\n{shown(action)}", "choice")
            last.addWidget(self.others[action])
        layout.addLayout(last)

    def show_state(
        self, draft: Draft, *, rateable: bool, locked: bool, later: bool, all_done: bool, paused: bool = False
    ) -> None:
        """Draw the session's state. Never emits."""
        for number, button in self.grades.items():
            _check(button, draft.grade == number)
        for number, button in self.confidences.items():
            _check(button, draft.confidence == number)
        for name, box in self.criteria.items():
            box.setChecked(name in draft.criteria)
        if self.comment.text() != draft.comment:
            self.comment.setText(draft.comment)
        free = rateable and not locked
        for widgets in (self.grades, self.confidences, self.criteria):
            for widget in widgets.values():
                widget.setEnabled(free)
        self.comment.setEnabled(free)
        self.others["later"].setEnabled(free)
        self.others["later"].setText(("Put off ⚑" if later else "Later") + f"\n{shown('later')}")
        self.others["amend"].setEnabled(rateable and locked)
        self.lock.setEnabled(rateable and ((locked and not all_done) or (free and draft.grade is not None)))
        if paused:
            text = f"Paused    go on   {shown('pause')}"
        elif not rateable:
            text = "Only looking: this pair is not rated"
        elif locked:
            text = "Locked and saved ✓" if all_done else f"Locked ✓    next pair   {shown('proceed')}"
        else:
            text = f"Lock rating   {shown('proceed')}"
        self.lock.setText(text)

    def focus_comment(self) -> None:
        self.comment.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Escape leaves the comment."""
        pressed = watched is self.comment and event.type() == QEvent.Type.KeyPress
        if pressed and event.key() == Qt.Key.Key_Escape:
            self.comment_left.emit()
            return True
        return super().eventFilter(watched, event)

    # Inside ---------------------------------------------------------------------------------------------
    def _choices(
        self, inner: QGridLayout | QHBoxLayout, layout: QVBoxLayout, kind: str, names: dict[int, str]
    ) -> dict[int, QPushButton]:
        """Buttons of which one can be down."""
        group = QButtonGroup(self)
        group.setExclusive(False)  # the session decides which one is down, also none
        buttons = {}
        for number, name in names.items():
            action = f"{kind}_{number}"
            if kind == "grade":
                text = f"{shown(action)}   {name.capitalize()}"
            else:
                text = f"{name}   {shown(action)}"
            button = self._button(action, text, "grade" if kind == "grade" else "choice")
            button.setCheckable(True)
            group.addButton(button, number)
            if isinstance(inner, QGridLayout):
                inner.addWidget(button, (number - 1) // 2, (number - 1) % 2)
            else:
                inner.addWidget(button)
            buttons[number] = button
        layout.addLayout(inner)
        return buttons

    def _button(self, action: str, text: str, kind: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setProperty("relict", kind)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the focus where it was
        button.clicked.connect(partial(self._on_button, action))
        return button

    def _on_button(self, action: str, _checked: bool = False) -> None:
        self.asked.emit(action)

    def _on_criterion(self, name: str, _checked: bool = False) -> None:
        self.criterion_toggled.emit(name)


def _check(button: QPushButton, on: bool) -> None:
    """Set the down state and say it in words to screen readers."""
    button.setChecked(on)
    button.setAccessibleDescription("chosen" if on else "")
