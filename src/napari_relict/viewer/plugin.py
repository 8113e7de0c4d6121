"""Where napari and the command line come in: the review widget of the Plugins menu, and `open_review`.

napari's viewer is imported only when a window is opened; the core package imports nothing of this.
"""

from __future__ import annotations

import getpass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from napari_relict.errors import RelictError
from napari_relict.viewer.data_models.scores import Scores
from napari_relict.viewer.jobs.worker import Jobs
from napari_relict.viewer.review.review import Review
from napari_relict.viewer.review.tasks import prepare
from napari_relict.viewer.session.session import ReadingSession
from napari_relict.viewer.source import ReviewSource, made_for

if TYPE_CHECKING:
    import napari

WIDGET_NAME = "Review copies"
ROUND_TITLES = {
    "first": "First reading",
    "second": "Second reading of the same pairs",
    "consensus": "Consensus on what readers disagree about",
}


class ReviewWidget(QWidget):
    """The plugin's dock: a start page with 'Open study…', then the reading panel.

    Parameters
    ----------
    napari_viewer : injected by napari by this very name.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.review: Review | None = None
        self._study: ReviewSource | None = None
        self._jobs = Jobs(self)
        self._jobs.failed.connect(self._on_error)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._start_page())
        self.setMinimumWidth(390)

    def open_folder(self, folder: str | Path) -> None:
        """Open a study or a reader kit in the background and start reading it."""
        from napari_relict.study import open_reading

        self.message.setText(f"Opening {folder} …")
        self._jobs.start(open_reading, folder, done=self.start)

    def start(
        self, study: ReviewSource, reader: str | None = None, blinded: bool | None = None, round: str | None = None
    ) -> None:
        """Read an open study; the widget closes it in the end. A kit knows its reader and round itself."""
        self.stop()
        self._study = study
        reader = reader if reader is not None else self.reader.text()
        blinded = self.blinded.isChecked() if blinded is None else blinded
        round = self.round.currentData() if round is None else round
        maker = made_for(study)
        if maker is not None:
            (reader, round), blinded = maker, True
        self.message.setText("Reading matches …")
        self._jobs.start(prepare, study, reader, blinded, round, done=partial(self._begin, study))

    @property
    def study_folder(self) -> Path | None:
        """Of the study that is read; None of a reading kit, and where nothing is open."""
        return None if self._study is None or made_for(self._study) is not None else self._study.folder

    def reload(self) -> None:
        """Read the study anew, once it was matched again; the reader goes on with the same pair."""
        from napari_relict.study import open_reading

        if self.review is not None and self.study_folder is not None:
            session = self.review.session
            again = partial(self.start, reader=session.reader, blinded=session.blinded, round=session.round)
            self._jobs.start(open_reading, self.study_folder, done=again)

    def stop(self) -> None:
        """End the reading session and give the viewer back."""
        if self.review is not None:
            self._stack.removeWidget(self.review.panel)
            self.review.close()
            self.review = None
        if self._study is not None:
            self._study.close()
            self._study = None
        self._stack.setCurrentIndex(0)

    def event(self, event: QEvent) -> bool:
        """napari takes the widget out of its dock when the dock is closed: that ends the session."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None and self._study is not None:
            self.stop()
        return super().event(event)

    # Inside -----------------------------------------------------------------------------------------------
    def _start_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        title = QLabel("<h2>Is any of these a copy of a patient?</h2>", page)
        title.setWordWrap(True)
        layout.addWidget(title)
        form = QFormLayout()
        self.reader = QLineEdit(_user(), page)
        self.reader.setAccessibleName("Reader")
        self.blinded = QCheckBox("Blinded: hide names and scores until a rating is locked", page)
        self.blinded.setChecked(True)
        form.addRow("Reader", self.reader)
        self.round = QComboBox(page)
        self.round.setAccessibleName("Round")
        for name, told in ROUND_TITLES.items():
            self.round.addItem(told, name)
        form.addRow("Round", self.round)
        layout.addLayout(form)
        layout.addWidget(self.blinded)
        button = QPushButton("Open study or kit …", page)
        button.clicked.connect(self._choose)
        layout.addWidget(button)
        self.message = QLabel(
            "A study is a folder made by 'napari-relict new' or 'napari-relict demo', a reader kit one made by "
            "'napari-relict kit'."
        )
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        layout.addWidget(self.message)
        layout.addStretch(1)
        return page

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Open study or kit")
        if folder:
            self.open_folder(folder)

    def _begin(self, study: ReviewSource, prepared: tuple[ReadingSession, Scores]) -> None:
        if study is not self._study:  # another one was opened meanwhile, or the dock was closed
            return
        session, scores = prepared
        self.review = Review(self.viewer, study, session, scores)
        self._stack.addWidget(self.review.panel)
        self._stack.setCurrentWidget(self.review.panel)
        self.review.start(self.window())

    def _on_error(self, error: Exception) -> None:
        if not isinstance(error, RelictError | OSError):
            raise error
        self.message.setText(str(error))


def open_review(
    folder: str | Path, reader: str | None = None, blinded: bool = True, round: str = "first", show: bool = True
) -> napari.Viewer:
    """Open a napari window on a study or reader kit and start reading.

    Raises `RelictError` when the folder is neither. Does not run the event loop: see `run_review`.
    """
    from napari_relict.study import open_reading

    return review_study(open_reading(folder), reader=reader, blinded=blinded, round=round, show=show)


def review_study(
    study: ReviewSource, reader: str | None = None, blinded: bool = True, round: str = "first", show: bool = True
) -> napari.Viewer:
    """`open_review` for a study that is open already; the window closes it."""
    import napari

    viewer = napari.Viewer(title=f"{study.settings.name} – napari-relict", show=show)
    widget = ReviewWidget(viewer)
    viewer.window.add_dock_widget(widget, name=WIDGET_NAME, area="right", add_vertical_stretch=False)
    if show:
        viewer.window.resize(1600, 1000)
    widget.start(study, reader=reader or _user(), blinded=blinded, round=round)
    return viewer


def run_review(folder: str | Path, reader: str | None = None, blinded: bool = True, round: str = "first") -> None:
    """`open_review`, then napari's event loop until the window is closed. What the command line calls."""
    import napari

    open_review(folder, reader=reader, blinded=blinded, round=round)
    napari.run()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "reader"
