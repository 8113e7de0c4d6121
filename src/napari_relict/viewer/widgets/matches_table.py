"""A table of pairs with a filter line; activating a row opens its pair. The matches are one."""

from __future__ import annotations

import pandas as pd
from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHBoxLayout, QLabel, QLineEdit, QTableView, QVBoxLayout, QWidget

from napari_relict.viewer.data_models.table_model import FrameModel, FrameProxy


class PairsTable(QWidget):
    """Emits the table row (a `Series`) that was double-clicked, or on which Enter was pressed."""

    opened = Signal(object)

    def __init__(
        self, parent: QWidget | None = None, *, named: str = "Matches", model: FrameModel | None = None
    ) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        self.head = head = QHBoxLayout()
        self.note = QLabel(self)
        self.filter = QLineEdit(self)
        self.filter.setPlaceholderText("Filter …")
        self.filter.setAccessibleName(f"Filter: {named}")
        self.filter.setMaximumWidth(260)
        self.filter.setClearButtonEnabled(True)
        head.addWidget(self.note, 1)
        head.addWidget(self.filter)
        layout.addLayout(head)
        self.model = model or FrameModel(self)
        self.proxy = FrameProxy(self.model, self)
        self.filter.textChanged.connect(self.proxy.setFilterFixedString)
        self.view = QTableView(self)
        self.view.setModel(self.proxy)
        self.view.setAccessibleName(named)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.verticalHeader().hide()
        self.view.setWordWrap(False)
        self.view.horizontalHeader().setStretchLastSection(True)
        self.view.horizontalHeader().setResizeContentsPrecision(0)  # by the rows on screen alone: lists are long
        self.view.activated.connect(self._on_activated)
        layout.addWidget(self.view)

    def set_frame(self, frame: pd.DataFrame, titles: dict[str, str] | None = None, note: str = "") -> None:
        """Show another table; sort order and filter stay where the columns are the same."""
        same = list(frame.columns) == list(self.model.frame.columns)
        self.model.set_frame(frame, titles)
        self.note.setText(note)
        if not same:
            self.view.setSortingEnabled(False)
            self.proxy.sort(-1)
            self.view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
            self.view.setSortingEnabled(True)
        self.view.resizeColumnsToContents()

    def select_row(self, row: int) -> None:
        """Mark the row of the frame that is open now."""
        index = self.proxy.mapFromSource(self.model.index(row, 0))
        if index.isValid():
            self.view.selectRow(index.row())
            self.view.scrollTo(index)

    def _on_activated(self, index: QModelIndex) -> None:
        self.opened.emit(self.proxy.row_of(index))


def matches_frame(matches: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Matches with the verdict beside the names."""
    if not len(verdicts):
        return matches
    told = verdicts[["synthetic", "training", "verdict"]]
    joined = matches.merge(told, on=["synthetic", "training"], how="left")
    joined["verdict"] = joined["verdict"].fillna("")
    columns = ["synthetic", "training", "verdict"]
    return joined[columns + [name for name in joined.columns if name not in columns]]
