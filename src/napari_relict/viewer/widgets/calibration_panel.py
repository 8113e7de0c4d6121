"""Where the threshold of each measure lies, given the ratings so far; redrawn after every rating."""

from __future__ import annotations

import numpy as np
import pandas as pd
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QFont, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_relict.viewer.data_models.scores import Calibrated, number
from napari_relict.viewer.widgets.ink import DARK, Axis, Ink
from napari_relict.viewer.widgets.rules_table import RulesTable
from napari_relict.viewer.widgets.threshold_view import ThresholdView

LEGEND = "┆ threshold of highest balanced accuracy, hatched: its 95 % interval    closer →"
COMPUTING = "    computing …"


class CalibratedView(QWidget):
    """One measure: rated pairs on its axis, threshold and interval, and the figures in words. A click chooses it."""

    chosen = Signal(object)  # its `Calibrated`

    def __init__(self, row: Calibrated, ink: Ink, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row, self._ink = row, ink
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        told = f"{self.threshold_text()}, balanced accuracy {row.accuracy}; {row.details}"
        self.setAccessibleName(f"{row.title}: {told}")
        self.setToolTip(self.accessibleName())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.chosen.emit(self._row)

    def threshold_text(self) -> str:
        t = self._row.threshold
        return "no threshold yet" if t is None else f"{number(t.value)} [{number(t.low)}, {number(t.high)}]"

    def sizeHint(self) -> QSize:
        return QSize(600, 2 * self.fontMetrics().height() + 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        row, ink = self._row, self._ink
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, height, line = float(self.width()), float(self.height()), self.fontMetrics().height()
        left, right = 0.17 * width, 0.5 * width
        bold = QFont(self.font())
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(ink.colour("text"))
        self._text(painter, QRectF(4, 2, left - 12, line + 2), row.title)
        painter.setFont(self.font())
        self._text(painter, QRectF(right + 12, 2, width - right - 14, line + 2),
                   f"threshold {self.threshold_text()}   balanced accuracy {row.accuracy}")  # fmt: skip
        painter.setPen(ink.colour("muted"))
        self._text(painter, QRectF(4, line + 4, left - 12, line + 2), row.level)
        self._text(painter, QRectF(right + 12, line + 4, width - right - 14, line + 2), row.details)
        field = QRectF(left, 3, right - left, height - 8)
        painter.fillRect(field, ink.colour("field"))
        limits = [] if row.threshold is None else [row.threshold.value, row.threshold.low, row.threshold.high]
        axis = Axis([*row.scores, *limits], row.higher_is_closer, left + 8, right - 8)
        if row.threshold is not None:
            self._threshold(painter, axis, field)
        self._pairs(painter, axis, field)
        painter.end()

    def _text(self, painter: QPainter, where: QRectF, text: str) -> None:
        fitted = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(where.width()))
        painter.drawText(where, Qt.AlignmentFlag.AlignLeft, fitted)

    def _threshold(self, painter: QPainter, axis: Axis, field: QRectF) -> None:
        threshold = self._row.threshold
        assert threshold is not None
        ends = sorted((axis(threshold.low), axis(threshold.high)))
        brush = painter.brush()
        brush.setColor(self._ink.colour("threshold", 0.45))
        brush.setStyle(Qt.BrushStyle.BDiagPattern)
        painter.fillRect(QRectF(ends[0], field.top(), max(ends[1] - ends[0], 1), field.height()), brush)
        painter.setPen(QPen(self._ink.colour("threshold"), 2, Qt.PenStyle.DashLine))
        x = axis(threshold.value)
        painter.drawLine(QPointF(x, field.top()), QPointF(x, field.bottom()))

    def _pairs(self, painter: QPainter, axis: Axis, field: QRectF) -> None:
        """Replicas as filled triangles on the upper line, the others as rings on the lower one."""
        upper, lower = field.top() + 0.3 * field.height(), field.top() + 0.7 * field.height()
        for score, replica in zip(self._row.scores, self._row.replica, strict=True):
            if not np.isfinite(score):
                continue
            x = axis(score)
            if replica:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self._ink.colour("replica"))
                painter.drawPolygon(
                    QPolygonF([QPointF(x - 5, upper + 4), QPointF(x + 5, upper + 4), QPointF(x, upper - 5)])
                )
            else:
                painter.setPen(QPen(self._ink.colour("other"), 1.6))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(QPointF(x, lower), 4.2, 4.2)


class CalibrationPanel(QWidget):
    """All measures, and how many ratings they rest on; in their place, when asked for, what published rules say."""

    rules_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ink = DARK
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        self.note = QLabel(self)
        policy = self.note.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # the button stays where it is
        self.note.setSizePolicy(policy)
        inner = QWidget()
        self._rows = QVBoxLayout(inner)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(2)
        self._rows.addStretch(1)
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setAccessibleName("Thresholds")
        area.setWidget(inner)
        self.rules_button = QPushButton("Published rules", self)
        self.rules_button.setCheckable(True)
        self.rules_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys are for rating
        self.rules_button.setToolTip("What published rules call copies, from the scores of the last match")
        self.rules_button.toggled.connect(self._on_rules)
        top = QHBoxLayout()
        top.addWidget(self.note, 1)
        top.addWidget(self.rules_button)
        layout.addLayout(top)
        self.said = QLabel(self)
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setVisible(False)
        layout.addWidget(self.said)
        self.close_up = ThresholdView(self)
        both = QSplitter(Qt.Orientation.Horizontal, self)
        both.addWidget(area)
        both.addWidget(self.close_up)
        self.close_up.setMinimumWidth(470)
        both.setSizes([500, 500])
        self.rules = RulesTable(self)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(both)
        self._pages.addWidget(self.rules)
        layout.addWidget(self._pages, 1)
        self._chosen: str | None = None
        self.views: list[CalibratedView] = []

    def set_rows(self, rows: list[Calibrated], *, computing: bool = False) -> None:
        for view in self.views:
            self._rows.removeWidget(view)
            view.setParent(None)
            view.deleteLater()
        self.views = [CalibratedView(row, self.ink) for row in rows]
        for view in self.views:
            view.chosen.connect(self._on_chosen)
            self._rows.insertWidget(self._rows.count() - 1, view)
        rated = len(rows[0].scores) if rows else 0
        replicas = int(rows[0].replica.sum()) if rows else 0
        counts = f"Rated by all readers: {replicas} ▲ replicas, {rated - replicas} ○ others"
        self.note.setText(f"{counts}    {LEGEND}" + (COMPUTING if computing else ""))

        named = [row for row in rows if row.title == self._chosen] or rows[:1]
        self.close_up.ink = self.ink
        for row in named:
            self.close_up.show_row(row)

    def set_said(self, lines: list[str]) -> None:
        """What has to be kept in mind of all of it: cautions, and how often the rule in use errs."""
        self.said.setText("\n".join(f"! {line}" for line in lines))
        self.said.setVisible(bool(lines))

    def set_rules(self, rules: pd.DataFrame) -> None:
        """What `rules_asked` asked for."""
        self.rules.show_rules(rules)

    def close_rules(self, why: str) -> None:
        self.rules_button.setChecked(False)
        self.rules_button.setEnabled(False)
        self.rules_button.setToolTip(why)

    def _on_rules(self, shown: bool) -> None:
        self._pages.setCurrentIndex(int(shown))
        self.note.setVisible(not shown)  # it speaks of thresholds
        if shown and self.rules.model.frame.empty:
            self.rules.note.setText("computing …")
            self.rules_asked.emit()

    def _on_chosen(self, row: Calibrated) -> None:
        self._chosen = row.title
        self.close_up.show_row(row)

    def set_computing(self) -> None:
        """Say that newer figures are under way; the old ones stay readable."""
        if COMPUTING not in self.note.text():
            self.note.setText(self.note.text() + COMPUTING)
