"""The map of the study: every synthetic volume in the plane of two measures; a click opens its pair."""

from __future__ import annotations

import numpy as np
from matplotlib.backend_bases import MouseEvent
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_relict.calibration.verdicts import UNDECIDED
from napari_relict.viewer.data_models.map_points import FILLED, MARKERS, MapPoints, default_axes, map_points
from napari_relict.viewer.data_models.scores import Scores, Threshold, number
from napari_relict.viewer.widgets.ink import DARK, Ink

NOTE = "closer is right and up; click a point to open its pair"
NEAR = 14  # pixels from a point that still mean it


class StudyMap(QWidget):
    """Emits synthetic and training of the point that was clicked."""

    opened = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ink: Ink = DARK
        self._scores: Scores | None = None
        self._points: MapPoints | None = None
        self._here: str | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        head = QHBoxLayout()
        self.x, self.y = QComboBox(self), QComboBox(self)
        for box, name in ((self.x, "across"), (self.y, "up")):
            box.setAccessibleName(f"Measure {name}")
            box.currentIndexChanged.connect(self._redraw)
            head.addWidget(QLabel(f"{name.capitalize()}", self))
            head.addWidget(box)
        self.told = QLabel(NOTE, self)
        self.told.setTextFormat(Qt.TextFormat.PlainText)
        head.addWidget(self.told, 1)
        layout.addLayout(head)
        self.figure = Figure(layout="constrained")
        self.canvas = FigureCanvasQTAgg(self.figure)
        self.canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys are for rating
        self.canvas.mpl_connect("button_press_event", self._on_click)
        self.canvas.mpl_connect("motion_notify_event", self._on_move)
        layout.addWidget(self.canvas, 1)

    def show_scores(self, scores: Scores) -> None:
        """Fill both lists of measures and draw."""
        self._scores = scores
        names = [m for m in scores.measures if scores.matches[m.name].notna().any()]
        if not names:
            return
        for box, chosen in zip((self.x, self.y), default_axes(scores), strict=True):
            kept = box.currentData()
            box.blockSignals(True)
            box.clear()
            for measure in names:
                box.addItem(measure.title, measure.name)
            box.setCurrentIndex(max(box.findData(kept if kept is not None else chosen), 0))
            box.blockSignals(False)
        self._redraw()

    def mark(self, synthetic: str | None) -> None:
        """Ring the point of the open pair."""
        if synthetic != self._here:
            self._here = synthetic
            self._redraw()

    def nearest(self, x: float, y: float) -> int | None:
        """Index of the point within reach of a place in pixels of the canvas."""
        if self._points is None or not len(self._points.x):
            return None
        places = self.figure.axes[0].transData.transform(np.column_stack([self._points.x, self._points.y]))
        away = np.hypot(places[:, 0] - x, places[:, 1] - y)
        best = int(np.argmin(away))
        return best if away[best] <= NEAR else None

    def _redraw(self, _index: int = 0) -> None:
        if self._scores is None or self.x.currentData() is None or self.y.currentData() is None:
            return
        points = self._points = map_points(self._scores, self.x.currentData(), self.y.currentData())
        ink = self.ink
        self.figure.clear()
        self.figure.set_facecolor(ink.field)
        axes = self.figure.add_subplot(facecolor=ink.field)
        axes.scatter(
            points.null_x, points.null_y, marker="x", s=26, c=ink.muted, linewidths=1, label="known to be no copies"
        )
        for verdict, marker in MARKERS.items():
            chosen = [i for i, one in enumerate(points.verdict) if one == verdict]
            if chosen:
                filled = verdict in FILLED
                colour = ink.replica if filled or verdict == UNDECIDED else ink.other
                axes.scatter(
                    points.x[chosen], points.y[chosen], marker=marker, s=46,
                    facecolors=colour if filled else "none", edgecolors=colour, linewidths=1.4,
                    label=verdict or "not judged",
                )  # fmt: skip
        if self._here in points.synthetic:
            here = points.synthetic.index(self._here)
            axes.scatter(
                points.x[[here]], points.y[[here]], marker="o", s=190, facecolors="none", edgecolors=ink.pair,
                linewidths=2, label="open now",
            )  # fmt: skip
        _limits(axes, points.x_threshold, points.y_threshold, ink)
        axes.set_xlabel(f"{points.x_title} →", color=ink.text)
        axes.set_ylabel(f"{points.y_title} →", color=ink.text)
        if points.x_flipped:
            axes.invert_xaxis()
        if points.y_flipped:
            axes.invert_yaxis()
        axes.tick_params(colors=ink.muted)
        for spine in axes.spines.values():
            spine.set_color(ink.line)
        legend = axes.legend(
            loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, labelcolor=ink.text, fontsize=8
        )
        legend.set_in_layout(True)
        self.canvas.setAccessibleName(f"{len(points.x)} synthetic volumes by {points.x_title} and {points.y_title}")
        self.canvas.draw_idle()

    def _on_move(self, event: MouseEvent) -> None:
        found = self.nearest(event.x, event.y)
        if found is None or self._points is None:
            self.told.setText(NOTE)
            return
        p = self._points
        self.told.setText(
            f"{p.synthetic[found]} – {p.training[found]}: {p.x_title} {number(p.x[found])}, "
            f"{p.y_title} {number(p.y[found])}, {p.verdict[found] or 'not judged'}"
        )

    def _on_click(self, event: MouseEvent) -> None:
        found = self.nearest(event.x, event.y)
        if found is not None and self._points is not None:
            self.opened.emit(self._points.synthetic[found], self._points.training[found])


def _limits(axes: object, x: Threshold | None, y: Threshold | None, ink: Ink) -> None:
    """Thresholds as dashed lines, hatched over their intervals."""
    if x is not None:
        axes.axvspan(x.low, x.high, facecolor="none", edgecolor=ink.threshold, hatch="///", alpha=0.35, linewidth=0)  # type: ignore[attr-defined]
        axes.axvline(x.value, color=ink.threshold, linestyle="--", linewidth=1.2, label="threshold")  # type: ignore[attr-defined]
    if y is not None:
        axes.axhspan(y.low, y.high, facecolor="none", edgecolor=ink.threshold, hatch="\\\\\\", alpha=0.35, linewidth=0)  # type: ignore[attr-defined]
        label = None if x is not None else "threshold"
        axes.axhline(y.value, color=ink.threshold, linestyle="--", linewidth=1.2, label=label)  # type: ignore[attr-defined]
