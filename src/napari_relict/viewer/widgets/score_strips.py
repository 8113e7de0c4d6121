"""Score strips: where a pair lies among holdout scores, on which side of the threshold; one a measure."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QFont, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QLabel, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from napari_relict.viewer.data_models.scores import Strip, number
from napari_relict.viewer.widgets.ink import DARK, Axis, Ink

HIDDEN = "Scores are shown once the rating is locked."
NONE = "A reading kit has no scores."
LEGEND = "▼ pair  ◇ other candidates  ▯ known to be no copies  ┆ threshold  closer →"
NEAR = 7  # pixels from a mark that still mean it


class StripView(QWidget):
    """One measure: bars are holdout scores, the triangle is this pair, diamonds are the other candidates of its
    synthetic volume, the dashed line is the threshold. Emits the training volume of a diamond that was clicked."""

    opened = Signal(str)

    def __init__(self, strip: Strip, ink: Ink, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._strip, self._ink = strip, ink
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{strip.title} {number(strip.score)}: {strip.sentence()}")
        self.setToolTip(self.accessibleName())

    def sizeHint(self) -> QSize:
        return QSize(320, 3 * self.fontMetrics().height() + 24)

    def _axis(self) -> Axis:
        strip, t = self._strip, self._strip.threshold
        limits = [] if t is None else [t.value, t.low, t.high]
        scores = [score for _, score in strip.others]
        return Axis([*strip.null, strip.score, *scores, *limits], strip.higher_is_closer, 6, self.width() - 6.0)

    def candidate_at(self, x: float) -> tuple[str, float] | None:
        """The other candidate drawn nearest to a place across the strip, if one is near."""
        axis = self._axis()
        known = [one for one in self._strip.others if np.isfinite(one[1])]
        best = min(known, key=lambda one: abs(axis(one[1]) - x), default=None)
        return best if best is not None and abs(axis(best[1]) - x) <= NEAR else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self.candidate_at(event.position().x())
        if found is not None:
            self.opened.emit(found[0])

    def event(self, event: QEvent) -> bool:
        """A diamond says whose it is."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self.candidate_at(event.pos().x())
            if found is not None:
                QToolTip.showText(event.globalPos(), f"{found[0]}: {number(found[1])}; click opens it", self)
                return True
        return bool(super().event(event))

    def paintEvent(self, event: QPaintEvent) -> None:
        strip, ink = self._strip, self._ink
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = self.fontMetrics().height()
        width = float(self.width())
        self._headline(painter, line)
        top, bottom = line + 3.0, self.height() - line - 5.0
        painter.fillRect(QRectF(0, top, width, bottom - top), ink.colour("field"))
        axis = self._axis()
        if strip.threshold is not None:
            self._threshold(painter, axis, top, bottom)
        self._null(painter, axis, top, bottom)
        self._others(painter, axis, bottom)
        if np.isfinite(strip.score):
            x = axis(strip.score)
            painter.setPen(QPen(ink.colour("pair"), 2))
            painter.drawLine(QPointF(x, top + 8), QPointF(x, bottom))
            painter.setBrush(ink.colour("pair"))
            painter.drawPolygon(QPolygonF([QPointF(x - 6, top), QPointF(x + 6, top), QPointF(x, top + 10)]))
        painter.setPen(ink.colour("muted"))
        below = QRectF(0, bottom + 1, width, line + 4)
        text = self.fontMetrics().elidedText(strip.sentence(), Qt.TextElideMode.ElideRight, int(width))
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, text)
        painter.end()

    def _headline(self, painter: QPainter, line: int) -> None:
        strip, ink = self._strip, self._ink
        bold = QFont(self.font())
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(ink.colour("text"))
        row = QRectF(0, 0, self.width(), line + 2)
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft, strip.title)
        painter.drawText(row, Qt.AlignmentFlag.AlignRight, number(strip.score))
        painter.setFont(self.font())

    def _null(self, painter: QPainter, axis: Axis, top: float, bottom: float) -> None:
        """A histogram of the null scores; its bars are outlined, so that it reads in grey too."""
        null = self._strip.null
        if not null.size:
            return
        bins = 40
        pixels = np.array([axis(value) for value in null])
        counts, edges = np.histogram(pixels, bins=bins, range=(6, max(self.width() - 6, 7)))
        painter.setPen(QPen(self._ink.colour("other"), 1))
        painter.setBrush(self._ink.colour("other", 0.35))
        tallest = bottom - top - 12
        for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
            if count:
                height = tallest * count / counts.max()
                painter.drawRect(QRectF(left + 1, bottom - height, right - left - 2, height))

    def _others(self, painter: QPainter, axis: Axis, bottom: float) -> None:
        painter.setPen(QPen(self._ink.colour("text"), 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for _, score in self._strip.others:
            if np.isfinite(score):
                x, y = axis(score), bottom - 6
                corners = [QPointF(x - 4, y), QPointF(x, y - 5), QPointF(x + 4, y), QPointF(x, y + 5)]
                painter.drawPolygon(QPolygonF(corners))

    def _threshold(self, painter: QPainter, axis: Axis, top: float, bottom: float) -> None:
        """Dashed line; its interval hatched."""
        threshold = self._strip.threshold
        assert threshold is not None
        ends = sorted((axis(threshold.low), axis(threshold.high)))
        painter.setPen(Qt.PenStyle.NoPen)
        brush = painter.brush()
        brush.setColor(self._ink.colour("threshold", 0.45))
        brush.setStyle(Qt.BrushStyle.BDiagPattern)
        painter.fillRect(QRectF(ends[0], top, max(ends[1] - ends[0], 1), bottom - top), brush)
        painter.setPen(QPen(self._ink.colour("threshold"), 2, Qt.PenStyle.DashLine))
        x = axis(threshold.value)
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))


class ScoreStrips(QWidget):
    """All strips of a pair, or why there are none; emits the training volume of a candidate that was clicked."""

    opened = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ink = DARK
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(3)
        self.note = QLabel(HIDDEN, self)
        self.note.setWordWrap(True)
        self._layout.addWidget(self.note)
        self._layout.addStretch(1)
        self.views: list[StripView] = []

    def hide_scores(self, why: str = HIDDEN) -> None:
        self._clear()
        self.note.setText(why)

    def show_scores(self, strips: list[Strip], verdict: str = "") -> None:
        self._clear()
        lines = [verdict, LEGEND if strips else "No scores for this pair."]
        self.note.setText("\n".join(line for line in lines if line))
        for strip in strips:
            view = StripView(strip, self.ink, self)
            view.opened.connect(self.opened)
            self._layout.insertWidget(self._layout.count() - 1, view)
            self.views.append(view)

    def _clear(self) -> None:
        for view in self.views:
            self._layout.removeWidget(view)
            view.setParent(None)
            view.deleteLater()
        self.views.clear()
