"""One measure close up: scores by rated grade, the ROC, and a threshold that can be dragged."""

from __future__ import annotations

import numpy as np
from matplotlib.backend_bases import MouseEvent
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_relict.viewer.data_models.confusion import confusion, roc
from napari_relict.viewer.data_models.scores import Calibrated, number
from napari_relict.viewer.session.draft import GRADES
from napari_relict.viewer.widgets.ink import DARK, Ink

MOST_NAMED = 8
MARKERS = {1: "o", 2: "o", 3: "s", 4: "^"}


class ThresholdView(QWidget):
    """Shows a `Calibrated` row. What is dragged is only tried out: the study keeps its own threshold.

    Ticks below the grades are volumes that nobody rated, which the threshold calls or not.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ink: Ink = DARK
        self.cut: float | None = None
        self.unrated_visible = True  # blinded readers are not told what scores call
        self._row: Calibrated | None = None
        self._dragging = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.told = QLabel(self)
        self.told.setWordWrap(True)
        self.told.setTextFormat(Qt.TextFormat.PlainText)
        layout.addWidget(self.told)
        self.figure = Figure(layout="constrained")
        self.canvas = FigureCanvasQTAgg(self.figure)
        self.canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys are for rating
        self.canvas.mpl_connect("button_press_event", self._on_press)
        self.canvas.mpl_connect("motion_notify_event", self._on_move)
        self.canvas.mpl_connect("button_release_event", self._on_release)
        layout.addWidget(self.canvas, 1)

    def show_row(self, row: Calibrated) -> None:
        """Another measure, or the same one with more ratings; a cut tried by hand stays with its measure."""
        if self._row is None or self._row.title != row.title:
            self.cut = None
        self._row = row
        self._draw()

    def try_cut(self, cut: float) -> None:
        """Say what this cut would call."""
        self.cut = cut
        self._draw()

    def _draw(self) -> None:
        row, ink = self._row, self.ink
        self.figure.clear()
        self.figure.set_facecolor(ink.field)
        if row is None or not np.isfinite(row.scores).any():
            self.told.setText("no rated pair has a score yet")
            self.canvas.draw_idle()
            return
        cut = self.cut if self.cut is not None else None if row.threshold is None else row.threshold.value
        scores, curve = self.figure.subplots(1, 2, width_ratios=(3, 1))
        for axes in (scores, curve):
            ink.paint(axes, size=7)
        for grade in GRADES:
            # A median between two grades is drawn where it counts: 2.5 is a replica.
            mine = row.scores[np.floor(row.grades + 0.5) == grade]
            colour = ink.replica if grade >= 3 else ink.other
            scores.scatter(
                mine, np.full(len(mine), grade), marker=MARKERS[grade], s=30, edgecolors=colour,
                facecolors=colour if grade >= 3 else "none",
            )  # fmt: skip
        scores.set_yticks(list(GRADES), [f"{grade} {name}" for grade, name in GRADES.items()], color=ink.text)
        scores.set_ylim(0.5, 4.5)
        scores.set_xlabel(f"{row.title} →", color=ink.text, fontsize=8)
        if not row.higher_is_closer:
            scores.invert_xaxis()
        if row.threshold is not None:
            scores.axvspan(
                row.threshold.low,
                row.threshold.high,
                facecolor="none",
                edgecolor=ink.threshold,
                hatch="///",
                alpha=0.35,
            )
        if self.unrated_visible:
            unrated = np.array([score for _, score in row.unrated], float)
            scores.plot(unrated, np.full(len(unrated), 0.62), "|", color=ink.muted, markersize=7)
        others, replicas = roc(row.scores, row.replica, row.higher_is_closer)
        curve.plot(others, replicas, color=ink.text, linewidth=1.2)
        curve.plot([0, 1], [0, 1], color=ink.line, linestyle=":", linewidth=1)
        curve.set_xlabel("others called", color=ink.text, fontsize=8)
        curve.set_ylabel("replicas called", color=ink.text, fontsize=8)
        if cut is not None:
            scores.axvline(cut, color=ink.threshold, linestyle="--", linewidth=1.6)
            found = confusion(row.scores, row.replica, cut, row.higher_is_closer)
            curve.plot([1 - found.specificity], [found.sensitivity], marker="D", color=ink.threshold, markersize=7)
            kind = "tried" if self.cut is not None else "threshold"
            self.told.setText(
                f"{row.title}, {kind} {number(cut)}: {found.sentence()}. {self._sides(row, cut)}"
                "Drag the line to try another."
            )
        else:
            self.told.setText(f"{row.title}: click to try a threshold")
        self.canvas.setAccessibleName(self.told.text())
        self.canvas.draw_idle()

    def _sides(self, row: Calibrated, cut: float) -> str:
        """Which unrated volumes lie past the cut, and which of them change sides by it."""
        if not row.unrated or not self.unrated_visible:
            return ""
        called = row.calls(cut)
        text = f"Unrated past it: {len(called)} of {len(row.unrated)}. "
        if self.cut is None or row.threshold is None:
            return text
        before = row.calls(row.threshold.value)
        changes = (("now past it", called - before), ("no longer past it", before - called))
        return text + "".join(f"{what.capitalize()}: {_listed(names)}. " for what, names in changes if names)

    def _on_press(self, event: MouseEvent) -> None:
        if event.inaxes is not None and event.inaxes is self.figure.axes[0] and event.xdata is not None:
            self._dragging = True
            self.try_cut(float(event.xdata))

    def _on_move(self, event: MouseEvent) -> None:
        if self._dragging and event.xdata is not None and event.inaxes is self.figure.axes[0]:
            self.try_cut(float(event.xdata))

    def _on_release(self, event: MouseEvent) -> None:
        self._dragging = False


def _listed(names: set[str]) -> str:
    shown = sorted(names)[:MOST_NAMED]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")
