"""A pandas table for Qt views: a read-only model, and a proxy that sorts by value and filters by text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QSortFilterProxyModel, Qt

from napari_relict.viewer.data_models.scores import number

#: The value itself, for sorting; numbers shown with three digits must not be sorted as text.
VALUE_ROLE = int(Qt.ItemDataRole.UserRole)


class FrameModel(QAbstractTableModel):
    """Shows a `DataFrame`. Replace it as a whole with `set_frame`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._frame = pd.DataFrame()
        self._titles: dict[str, str] = {}

    @property
    def frame(self) -> pd.DataFrame:
        return self._frame

    def set_frame(self, frame: pd.DataFrame, titles: dict[str, str] | None = None) -> None:
        self.beginResetModel()
        self._frame, self._titles = frame.reset_index(drop=True), titles or {}
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._frame)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else self._frame.shape[1]

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        value = self._frame.iat[index.row(), index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return as_text(value)
        if role == VALUE_ROLE:
            return _plain(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and _is_number(value):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        name = str(self._frame.columns[section])
        return self._titles.get(name, name.replace("_", " ").capitalize())


class FrameProxy(QSortFilterProxyModel):
    """Sorts by value, keeps rows in which any cell contains the filter text."""

    def __init__(self, model: FrameModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setSourceModel(model)
        self.setSortRole(VALUE_ROLE)
        self.setFilterKeyColumn(-1)
        self.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)

    def row_of(self, index: QModelIndex) -> pd.Series:
        """The table row behind an index of the sorted and filtered view."""
        return self.sourceModel().frame.iloc[self.mapToSource(index).row()]


def as_text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else ""
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else number(float(value))
    return "" if value is None or value is pd.NA else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)


def _plain(value: Any) -> Any:
    """Qt compares Python numbers and strings, not numpy scalars."""
    if value is pd.NA:
        return None
    return value.item() if isinstance(value, np.generic) else value
