"""An alteration with a slider for its strength, and what measures see of it: a table, and curves over strengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_relict.quality.alterations import Alteration
from napari_relict.viewer.data_models.scores import number
from napari_relict.viewer.data_models.table_model import FrameModel
from napari_relict.viewer.pair.alteration_preview import Seen, strength_in_words, strongest
from napari_relict.viewer.widgets.ink import DARK, Ink

STEPS = 20
WAIT = 120  # ms the slider has to rest
NOTE = "The altered volume is shown beside itself; the third cell shows what changed."
MARKERS = ("o", "s", "^", "D", "v")
TITLES = {"seen": "What sees it", "before": "Unaltered", "after": "Altered", "strangers": "Strangers [95%]"}


class AlterationsPanel(QWidget):
    """Emits what is to be played; knows no study and no volume."""

    chosen = Signal()  # another volume or alteration
    moved = Signal()  # the slider rests at another strength
    left = Signal()  # back to the pair

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ink: Ink = DARK
        self.alteration: Alteration | None = None
        self._points: dict[str, dict[float, float]] = {}
        self._titles: dict[str, str] = {}
        self.volume, self.what = QComboBox(self), QComboBox(self)
        self.volume.setAccessibleName("Volume that is altered")
        self.what.setAccessibleName("Alteration")
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setAccessibleName("Strength")
        self.strength = QLabel(self)
        self.strength.setStyleSheet("font-weight: bold;")
        self.note = QLabel(NOTE, self)
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.back = QPushButton("Back to the pair", self)
        self.back.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.back.setEnabled(False)
        form = QFormLayout()
        form.addRow("Volume", self.volume)
        form.addRow("Alteration", self.what)
        form.addRow("Strength", self.slider)
        form.addRow("", self.strength)
        controls = QWidget(self)
        column = QVBoxLayout(controls)
        column.setContentsMargins(0, 0, 6, 0)
        column.addLayout(form)
        column.addWidget(self.note)
        column.addStretch(1)
        column.addWidget(self.back)
        controls.setMinimumWidth(300)
        self.model = FrameModel(self)
        self.table = QTableView(self)
        self.table.setModel(self.model)
        self.table.setAccessibleName("What measures see of the alteration")
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setStretchLastSection(True)
        self.figure = Figure(layout="constrained")
        self.canvas = FigureCanvasQTAgg(self.figure)
        self.canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys are for looking
        both = QSplitter(Qt.Orientation.Horizontal, self)
        for part, width in ((controls, 330), (self.table, 450), (self.canvas, 410)):
            both.addWidget(part)
            both.setStretchFactor(both.count() - 1, width)
        both.setSizes([330, 450, 410])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addWidget(both)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(WAIT)
        self._soon.timeout.connect(self._on_rest)
        self.slider.valueChanged.connect(self._on_slider)
        self.volume.activated.connect(self._on_choice)
        self.what.activated.connect(self._on_choice)
        self.back.clicked.connect(self.left)

    def set_volumes(self, synthetic: str, training: str) -> None:
        """Names of the volumes of the open pair; the cohort of the one to be altered is the data of `volume`."""
        kept = max(self.volume.currentIndex(), 0)
        self.volume.clear()
        for cohort, name in (("synthetic", synthetic), ("training", training)):
            self.volume.addItem(f"{cohort.capitalize()} {name}", cohort)
        self.volume.setCurrentIndex(kept)

    def set_alterations(self, alterations: Sequence[Alteration]) -> None:
        """What can be done to the volume; the choice stays where it is possible."""
        kept = self.what.currentData()
        self.what.clear()
        for one in alterations:
            self.what.addItem(one.title, one)
        places = [i for i, one in enumerate(alterations) if kept is not None and one.name == kept.name]
        self.what.setCurrentIndex(places[0] if places else 0)
        self._forget()

    def show_seen(
        self, strength: float, seen: Sequence[Seen], strangers: Mapping[str, tuple[float, float]], note: str = NOTE
    ) -> None:
        """What measures see at a strength.

        Parameters
        ----------
        strangers : name of a measure -> range of unrelated patients with their nearest training volume.
        """
        rows = []
        for one in seen:
            digits = 4 if one.pair and one.name != "mse" else 0
            low, high = strangers.get(one.name, (np.nan, np.nan)) if one.pair else (np.nan, np.nan)
            rows.append(
                {
                    "seen": one.title,
                    "before": _said(one.before, digits),
                    "after": _said(one.after, digits),
                    "strangers": "" if np.isnan(low) else f"{number(low)} to {number(high)}",
                }
            )
            if one.pair and one.name != "mse":
                self._titles[one.name] = one.title
                self._points.setdefault(one.name, {})[strength] = one.after
        self.model.set_frame(pd.DataFrame(rows), TITLES)
        self.table.resizeColumnsToContents()
        self.note.setText(note)
        self.back.setEnabled(True)
        self._draw(strength)

    def set_ink(self, ink: Ink) -> None:
        self.ink = ink
        self._draw(self.value())

    def say(self, text: str) -> None:
        self.note.setText(text)

    def rest(self) -> None:
        """Nothing is played any more: the slider goes back, nobody is told."""
        self._soon.stop()
        self._set_slider(0)
        self.back.setEnabled(False)
        self.note.setText(NOTE)

    def set_strength(self, strength: float) -> None:
        """Move the slider there, as a hand would."""
        if self.alteration is not None:
            self.slider.setValue(round(strength / strongest(self.alteration) * self.slider.maximum()))

    @property
    def waiting(self) -> bool:
        """The slider was moved, and nobody was told yet."""
        return self._soon.isActive()

    # Inside -----------------------------------------------------------------------------------------------
    def _forget(self) -> None:
        """Another volume or alteration: what was seen is of something else."""
        self.alteration = self.what.currentData()
        self._points, self._titles = {}, {}
        one = self.alteration
        self.slider.blockSignals(True)
        self.slider.setMaximum(1 if one is not None and one.by_share else STEPS)
        self.slider.blockSignals(False)
        self._set_slider(0)
        self.model.set_frame(pd.DataFrame())
        self._draw(None)

    def _set_slider(self, value: int) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(value)
        self.slider.blockSignals(False)
        self._say_strength()

    def value(self) -> float:
        one = self.alteration
        return 0.0 if one is None else strongest(one) * self.slider.value() / self.slider.maximum()

    def _say_strength(self) -> None:
        if self.alteration is not None:
            self.strength.setText(strength_in_words(self.alteration, self.value()))

    def _on_slider(self) -> None:
        self._say_strength()
        self._soon.start()

    def _on_rest(self) -> None:
        self.moved.emit()

    def _on_choice(self) -> None:
        self._forget()
        if self.alteration is not None:
            self.chosen.emit()

    def _draw(self, strength: float | None) -> None:
        ink, one = self.ink, self.alteration
        self.figure.clear()
        self.figure.set_facecolor(ink.field)
        axes = self.figure.add_subplot()
        ink.paint(axes)
        axes.set_ylim(-0.03, 1.03)
        if one is not None:
            axes.set_xlim(-0.02 * strongest(one), 1.02 * strongest(one))
            unit = f", {one.unit}" if one.unit and not one.by_share else ""
            axes.set_xlabel(f"{one.title}{unit}", color=ink.text, fontsize=8)
        for (name, points), marker in zip(self._points.items(), MARKERS, strict=False):
            at = sorted(points)
            axes.plot(at, [points[x] for x in at], marker=marker, markersize=5, linewidth=1.2, label=self._titles[name])
        if strength is not None:
            axes.axvline(strength, color=ink.threshold, linestyle="--", linewidth=1)
        if self._points:
            legend = axes.legend(loc="lower left", fontsize=8, frameon=True, labelcolor=ink.text, facecolor=ink.field)
            legend.get_frame().set_edgecolor(ink.line)
        axes.set_ylabel("1: sees no change", color=ink.text, fontsize=8)
        self.canvas.draw_idle()


def _said(value: float, digits: int) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:.{digits}f}" if digits else number(value)
