"""The second widget of the Plugins menu: train a detector on a study's own volumes, and match again with it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_relict.errors import DataError, RelictError
from napari_relict.study.pipeline.training import TrainedEncoder
from napari_relict.viewer.data_models.scores import number
from napari_relict.viewer.jobs.long_job import LongJob
from napari_relict.viewer.jobs.worker import Jobs
from napari_relict.viewer.plugin import WIDGET_NAME as REVIEW
from napari_relict.viewer.training.docks import bring_forward, review_of, share_the_place
from napari_relict.viewer.training.progress_clock import TrainingClock
from napari_relict.viewer.training.tasks import Ready, look, match, train
from napari_relict.viewer.widgets.ink import ink_for
from napari_relict.viewer.widgets.job_bar import JobBar
from napari_relict.viewer.widgets.loss_curve import LossCurve
from napari_relict.viewer.widgets.training_form import TrainingForm

WIDGET_NAME = "Train a detector"
CHOOSE = "Choose a study, or open one under 'Review copies'."
ALONE = (
    "Without a holdout, p-values compare training volumes, which this detector knows, with synthetic ones, which it "
    "does not: do not rest a verdict on them alone."
)


class TrainWidget(QWidget):
    """Form, progress, loss curve, and what came of it.

    Parameters
    ----------
    napari_viewer : injected by napari by this very name.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self._ready: Ready | None = None
        self._trained, self._said = "", ""  # the measure that a match is to make, and what came of its training
        self._placed = False
        self._jobs = Jobs(self)
        self._job = LongJob(self._jobs, self)
        self._clock = TrainingClock()
        self._lay_out()
        self._job.progressed.connect(self._on_progress)
        self._job.told.connect(self.curve.add)
        self._job.stopped.connect(self._on_stopped)
        self.bar.asked_to_stop.connect(self.stop)
        self.form.changed.connect(self._on_form)
        self.viewer.events.theme.connect(self._on_theme)
        self._on_theme()
        self._set_running(False)
        self._take_over()

    def open_folder(self, folder: str | Path) -> None:
        """Look at a study in the background, and offer to train on it."""
        if not self._job.running:
            self.say(f"Opening {folder} …")
            self._jobs.start(look, Path(folder).resolve(), done=self._on_ready, failed=self._on_failed)

    def start(self) -> None:
        """Train what the form says, then match again."""
        if self._ready is None or self._job.running:
            return
        wanted = self.form.wanted()
        going_on = [one for one in self._ready.stopped if wanted.goes_on_with(one)]
        self.curve.show_epochs(going_on[0].history if going_on else [])
        self._clock, self._trained = TrainingClock(), ""
        self._begin("Preparing …")
        work = partial(train, self._ready.folder, wanted)
        self._job.start(work, done=self._on_trained, failed=self._on_failed)

    def match(self) -> None:
        """Match again with the measures of the study."""
        if self._ready is not None and not self._job.running:
            self._begin("Matching again …")
            work = partial(match, self._ready.folder, self.form.wanted().device)
            self._job.start(work, done=self._on_matched, failed=self._on_failed)

    def stop(self) -> None:
        """Stop what runs, at its next step; whole epochs are kept."""
        self._job.stop()

    def say(self, text: str) -> None:
        self.note.setText(text)

    def event(self, event: QEvent) -> bool:
        """napari takes the widget out of its dock when the dock is closed: that stops what runs."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.stop()
            self.viewer.events.theme.disconnect(self._on_theme)
        if event.type() == QEvent.Type.Show:
            QTimer.singleShot(0, self._on_shown)
        return super().event(event)

    # Inside -----------------------------------------------------------------------------------------------
    def _lay_out(self) -> None:
        # In a scroll area it asks for no height: below the review, before they share a place, the window would grow.
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)
        content = QWidget()
        area.setWidget(content)
        layout = QVBoxLayout(content)
        layout.setContentsMargins(8, 6, 8, 6)
        self.study = QLabel("<b>No study</b>", self)
        choose = QPushButton("Choose study …", self)
        choose.clicked.connect(self._choose)
        head = QHBoxLayout()
        head.addWidget(self.study, 1)
        head.addWidget(choose)
        self._choose_button = choose
        layout.addLayout(head)
        self.form = TrainingForm(self)
        layout.addWidget(self.form)
        self.train_button = QPushButton("Train", self)
        self.train_button.clicked.connect(self.start)
        layout.addWidget(self.train_button)
        self.bar = JobBar("Training", self)
        layout.addWidget(self.bar)
        self.note = QLabel(CHOOSE, self)
        self.note.setWordWrap(True)
        self.note.setMinimumWidth(1)  # a long name of a folder must not push everything else out of sight
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        layout.addWidget(self.note)
        self.match_button, self.show_button = (QPushButton(self) for _ in range(2))
        self.match_button.setText("Match again")
        self.match_button.clicked.connect(self.match)
        self.show_button.setText("Show it in the review")
        self.show_button.clicked.connect(self._show)
        for button in (self.match_button, self.show_button):
            button.hide()
            layout.addWidget(button)
        self.curve = LossCurve(self)
        layout.addWidget(self.curve)
        layout.addStretch(1)
        self.setMinimumWidth(390)

    def _begin(self, what: str) -> None:
        self.match_button.hide()
        self.show_button.hide()
        self._set_running(True)
        self.bar.begin(what)
        self.say("The review can go on meanwhile. Stopping keeps whole epochs.")

    def _set_running(self, running: bool) -> None:
        self.form.setEnabled(not running and self._ready is not None)
        self.train_button.setEnabled(not running and self._ready is not None)
        self._choose_button.setEnabled(not running)
        if not running:
            self.bar.finish()

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Open study")
        if folder:
            self.open_folder(folder)

    def _on_ready(self, ready: Ready) -> None:
        self._ready = ready
        self.study.setText(f"<b>{ready.name}</b>")
        self.study.setToolTip(str(ready.folder))
        self.form.allow(holdout=ready.holdout, cuda=ready.cuda)
        self._set_running(False)
        if ready.stopped:
            self.form.show_stopped(ready.stopped[0])
        self._on_form()

    def _on_form(self) -> None:
        """Say whether this goes on with a training that was stopped, or would take its place."""
        if self._ready is None or self._job.running:
            return
        wanted = self.form.wanted()
        same = [one for one in self._ready.stopped if one.name == wanted.name]
        going_on = [one for one in same if wanted.goes_on_with(one)]
        self.train_button.setText("Go on" if going_on else "Train")
        self.curve.show_epochs(going_on[0].history if going_on else [])
        if going_on:
            also = "" if wanted.asked.weights is None else " It goes on from them, not from the file of weights."
            self.say(f"{len(going_on[0].history)} of at most {wanted.asked.epochs} epochs are done and kept.{also}")
        elif same:
            self.say(f"The stopped training of {wanted.name} had other settings: this one would take its place.")
        else:
            self.say("" if self._ready.holdout else ALONE)

    def _on_progress(self, stage: str, done: int, total: int) -> None:
        self.bar.show_progress(*self._clock(stage, done, total))

    def _on_trained(self, found: TrainedEncoder) -> None:
        best = self.curve.best
        told = "" if best is None else f", the best was epoch {best.number} ({number(best.checking_loss)})"
        self._trained = found.name
        self._said = f"{found.name}: trained on {found.volumes} volumes, {len(self.curve.epochs)} epochs{told}."
        self.match()
        self.say(f"{self._said} Now every volume is embedded and matched again.")

    def _on_matched(self, problems: list[DataError]) -> None:
        self._set_running(False)
        left_out = f" {problems[0]}" if problems else ""
        measure = f"{self._trained} is a measure of this study now: in the tables, strips and calibration."
        self.say(" ".join(part for part in (self._said, measure) if part) + left_out)
        self.show_button.show()
        self._look_again()

    def _on_stopped(self) -> None:
        self._set_running(False)
        if self._trained:
            self.say(f"{self._said} Matching was stopped; it goes on where it was.")
            self.match_button.show()
        else:
            self._look_again()

    def _on_failed(self, error: Exception) -> None:
        self._set_running(False)
        if self._trained:
            self.match_button.show()
        if not isinstance(error, RelictError | OSError):
            raise error
        self.say(str(error))

    def _look_again(self) -> None:
        """What has changed in the study: trainings that can go on. The form and what was said stay."""
        assert self._ready is not None
        said = self.note.text()
        self._jobs.start(look, self._ready.folder, done=partial(self._on_looked_again, said), failed=self._on_failed)

    def _on_looked_again(self, said: str, ready: Ready) -> None:
        self._ready = ready
        if not self._trained:
            self._on_form()
            if not self.curve.epochs:
                self.say("Stopped before an epoch was finished: there is nothing to go on with.")
        elif not self._job.running:
            self.say(said)

    # What is beside it ------------------------------------------------------------------------------------
    def _show(self) -> None:
        """Open the study in the review, or read it anew there: the reader goes on with the same pair."""
        assert self._ready is not None
        review = review_of(self.viewer)
        if review is None:
            _, review = self.viewer.window.add_plugin_dock_widget("napari-relict", REVIEW)
        if review.study_folder == self._ready.folder:
            review.reload()
        else:
            review.open_folder(self._ready.folder)
        bring_forward(review)

    def _take_over(self) -> None:
        """The study that is open in the review, where none was chosen here."""
        review = review_of(self.viewer)
        if self._ready is None and review is not None and review.study_folder is not None:
            self.open_folder(review.study_folder)

    def _on_shown(self) -> None:
        self._take_over()
        review = review_of(self.viewer)
        if not self._placed and review is not None:
            share_the_place(self, review)
        self._placed = True

    def _on_theme(self) -> None:
        """What is painted does not follow napari's style sheet by itself; the form does."""
        self.curve.set_ink(ink_for(str(self.viewer.theme)))
