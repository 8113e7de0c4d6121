"""A table of how the segmentations differ, label by label; choosing a row asks to see that label alone."""

from __future__ import annotations

from typing import Any

import pandas as pd
from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QLabel, QTableView, QVBoxLayout, QWidget

from napari_relict.viewer.data_models.table_model import FrameModel, FrameProxy

HIDDEN = "Differences of the segmentations are shown when the rating is locked"
NONE = "This pair has no segmentations to compare"
_NOTE = "double-click or Enter outlines a label and goes where it differs most"

#: As fine as anybody reads them.
_DIGITS = {"dice": 3, "left_ml": 1, "right_ml": 1, "hd95_mm": 1, "assd_mm": 2}


class _ScoresModel(FrameModel):
    """Numbers of one column have the same number of digits, so that they can be compared at a glance."""

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and index.isValid():
            value: Any = self.frame.iat[index.row(), index.column()]
            digits = _DIGITS.get(str(self.frame.columns[index.column()]))
            if digits is not None:
                return "–" if pd.isna(value) else f"{value:.{digits}f}"
        return super().data(index, role)


class LabelsTable(QWidget):
    """Shows what `label_scores` returns. Knows no napari and no study."""

    label_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        layout.addWidget(self.note)
        self.model = _ScoresModel(self)
        self.proxy = FrameProxy(self.model, self)
        self.view = QTableView(self)
        self.view.setAccessibleName("Differences of the segmentations by label")
        self.view.setModel(self.proxy)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.verticalHeader().hide()
        self.view.setWordWrap(False)
        self.view.setSortingEnabled(True)
        self.view.activated.connect(self._on_activated)
        layout.addWidget(self.view)
        self.hide_scores()

    def set_scores(self, scores: pd.DataFrame, left: str = "left", right: str = "right") -> None:
        """Show these scores, the least alike label first.

        Parameters
        ----------
        left, right : what the two sides are called.
        """
        titles = {
            "name": "Label",
            "dice": "Dice",
            "left_ml": f"{left.capitalize()} ml",
            "right_ml": f"{right.capitalize()} ml",
            "hd95_mm": "HD95 mm",
            "assd_mm": "ASSD mm",
        }
        self._labels: list[int] = list(scores["label"]) if len(scores) else []
        frame = scores.drop(columns="label")
        self.model.set_frame(frame, titles)
        self.note.setText(_NOTE if len(frame) else NONE)
        self.view.setVisible(bool(len(frame)))
        if len(frame):
            self.view.sortByColumn(list(frame.columns).index("dice"), Qt.SortOrder.AscendingOrder)
            self.view.resizeColumnsToContents()

    def hide_scores(self) -> None:
        """Take all numbers away: blinded, they are scores like any other."""
        self._labels = []
        self.model.set_frame(pd.DataFrame())
        self.note.setText(HIDDEN)
        self.view.hide()

    def _on_activated(self, index: QModelIndex) -> None:
        self.label_chosen.emit(int(self._labels[self.proxy.mapToSource(index).row()]))
