"""The right-hand dock of a reading session: who reads what, how far, the rating and the score strips."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_relict.viewer.session.keys import shown
from napari_relict.viewer.session.session import ReadingSession
from napari_relict.viewer.session.stopwatch import in_words
from napari_relict.viewer.widgets.candidates_bar import CandidatesBar
from napari_relict.viewer.widgets.rating_bar import RatingBar
from napari_relict.viewer.widgets.score_strips import ScoreStrips

_LOOKS = {
    "axial": "Axial",
    "coronal": "Coronal",
    "sagittal": "Sagittal",
    "volume": "3D",
    "overlay": "Outlines",
}


class ReadingPanel(QWidget):
    """Shows a session; buttons speak through `asked` and the signals of `rating`."""

    asked = Signal(str)

    def __init__(self, study_name: str, criteria: list[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # a place for the focus where keys are actions
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(6)
        head = QHBoxLayout()
        self.study = QLabel(f"<b>{study_name}</b>", self)
        help_button = QPushButton(f"Keys   {shown('help')}", self)
        help_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        help_button.clicked.connect(self._on_help)
        self.pause = QPushButton("Pause", self)
        self.pause.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.pause.setProperty("action", "pause")
        self.pause.clicked.connect(self._on_look)
        head.addWidget(self.study, 1)
        head.addWidget(self.pause)
        head.addWidget(help_button)
        layout.addLayout(head)
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(True)
        layout.addWidget(self.progress)
        self.pair = QLabel(self)
        self.pair.setTextFormat(Qt.TextFormat.PlainText)
        self.pair.setStyleSheet("font-size: 13pt; font-weight: bold;")
        layout.addWidget(self.pair)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        layout.addWidget(self.note)
        self.others = QLabel(self)
        self.others.setWordWrap(True)
        self.others.setTextFormat(Qt.TextFormat.PlainText)
        self.others.hide()
        layout.addWidget(self.others)
        self.candidates = CandidatesBar(self)
        self.candidates.asked.connect(self.asked)
        layout.addWidget(self.candidates)
        looks = QHBoxLayout()
        for action, label in _LOOKS.items():
            button = QPushButton(f"{label}\n{shown(action)}", self)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setProperty("action", action)
            button.clicked.connect(self._on_look)
            looks.addWidget(button)
        layout.addLayout(looks)
        self.rating = RatingBar(criteria, self)
        self.rating.asked.connect(self.asked)
        layout.addWidget(self.rating)
        rule = QFrame(self)
        rule.setFrameShape(QFrame.Shape.HLine)
        layout.addWidget(rule)
        self.strips = ScoreStrips()
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setAccessibleName("Scores")
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self.strips)
        layout.addWidget(area, 1)
        self.setMinimumWidth(380)

    def show_session(self, session: ReadingSession, *, looked_at: str, loading: bool) -> None:
        """Write down where the session stands. `looked_at` names the pair as far as it may be known."""
        done, total = session.progress()
        self.progress.setMaximum(max(total, 1))
        self.progress.setValue(done)
        left = session.seconds_left()
        also = f", about {in_words(left)} left" if left else ""
        self.progress.setFormat(f"{session.reader}: {done} of {total} rated{also}")
        self.pause.setText(f"{'Go on' if session.paused else 'Pause'}   {shown('pause')}")
        self.pair.setText("Loading …" if loading else looked_at)
        draft = session.draft
        self.rating.show_state(
            draft,
            rateable=session.rateable and not loading,
            locked=session.locked,
            later=session.pair in session.later,
            all_done=total > 0 and done == total,
            paused=session.paused,
        )

    def show_others(self, told: list[str]) -> None:
        """What the other readers said, in a consensus round; empty hides it."""
        self.others.setText("\n".join(told))
        self.others.setVisible(bool(told))

    def say(self, text: str) -> None:
        """One line for the reader, under the pair's name."""
        self.note.setText(text)

    def _on_help(self) -> None:
        self.asked.emit("help")

    def _on_look(self) -> None:
        self.asked.emit(self.sender().property("action"))
