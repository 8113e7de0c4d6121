"""Paints into a cell of a table where a value lies among real patients."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from napari_relict.viewer.data_models.quality_lines import Place
from napari_relict.viewer.widgets.ink import DARK, Ink

PLACE_ROLE = int(Qt.ItemDataRole.UserRole) + 1
WIDTH = 150
#: The axis reaches as far on either side of real patients as these do.
ENDS = (-1.0, 2.0)


class PlaceColumn(QStyledItemDelegate):
    """Real patients as a band with their median, the cohort as a mark with its interval: a diamond outside of the
    band, a ring inside; an arrow where it lies beyond the cell. The model gives a `Place` for `PLACE_ROLE`."""

    ink: Ink = DARK

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(WIDTH, super().sizeHint(option, index).height())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().paint(painter, option, index)
        place = index.data(PLACE_ROLE)
        if place is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw(painter, QRectF(option.rect).adjusted(8, 3, -8, -3), place)
        painter.restore()

    def _draw(self, painter: QPainter, field: QRectF, place: Place) -> None:
        def at(value: float) -> float:
            share = (min(max(value, ENDS[0]), ENDS[1]) - ENDS[0]) / (ENDS[1] - ENDS[0])
            return field.left() + share * field.width()

        ink, middle = self.ink, field.center().y()
        band = QRectF(QPointF(at(0), field.top()), QPointF(at(1), field.bottom()))
        painter.fillRect(band, ink.colour("line", 0.45))
        painter.setPen(QPen(ink.colour("muted"), 1.5))
        painter.drawLine(QPointF(at(place.real), band.top()), QPointF(at(place.real), band.bottom()))
        colour = ink.colour("text") if place.inside else ink.colour("replica")
        painter.setPen(QPen(colour, 1.6))
        painter.drawLine(QPointF(at(place.low), middle), QPointF(at(place.high), middle))
        x = at(place.value)
        painter.setBrush(Qt.BrushStyle.NoBrush if place.inside else colour)
        if place.inside:
            painter.setBrush(ink.colour("field"))
            painter.drawEllipse(QPointF(x, middle), 4, 4)
        elif ENDS[0] <= place.value <= ENDS[1]:
            painter.drawPolygon(QPolygonF([QPointF(x - 5, middle), QPointF(x, middle - 5), QPointF(x + 5, middle),
                                           QPointF(x, middle + 5)]))  # fmt: skip
        else:
            to = 7 if place.value > ENDS[1] else -7
            painter.drawPolygon(QPolygonF([QPointF(x - to, middle - 5), QPointF(x - to, middle + 5),
                                           QPointF(x, middle)]))  # fmt: skip
