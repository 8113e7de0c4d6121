"""The metrics of the synthetic cohort on one page, and the volumes behind the one that is chosen."""

from __future__ import annotations

from typing import Any

import pandas as pd
from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from napari_relict.experiments.outliers import Behind
from napari_relict.viewer.data_models.quality_lines import in_short, metrics_frame, place_of, summary
from napari_relict.viewer.data_models.scores import number
from napari_relict.viewer.data_models.table_model import VALUE_ROLE, FrameModel
from napari_relict.viewer.widgets.ink import Ink
from napari_relict.viewer.widgets.job_bar import JobBar
from napari_relict.viewer.widgets.matches_table import PairsTable
from napari_relict.viewer.widgets.place_column import PLACE_ROLE, PlaceColumn

TITLES = {
    "on": "Features",
    "synthetic": "Synthetic [95%]",
    "real": "Real patients [95%]",
    "place": "lower ▐ real ▌ higher",
}
ASK = "choose a metric on the left to see the volumes behind it"


class _MetricsModel(FrameModel):
    """Rows of metrics; beside the numbers it gives their place among real patients, and the note as a tooltip."""

    table = pd.DataFrame()

    def set_table(self, table: pd.DataFrame) -> None:
        self.table = table.reset_index(drop=True)
        self._places = [place_of(row) for row in table.itertuples()]

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if index.isValid() and str(self.frame.columns[index.column()]) == "place":
            if role == PLACE_ROLE:
                return self._places[index.row()]
            if role == Qt.ItemDataRole.DisplayRole:
                return ""
        if index.isValid() and role == Qt.ItemDataRole.ToolTipRole:
            row = self.table.iloc[index.row()]
            where = "" if pd.isna(row["distance"]) else f", {number(row['distance'])} SD from real patients' mean"
            said = f"{row['title']} ({row['source']}): {row['standing']}{where}"
            return "\n".join(part for part in (said, f"estimated on {row['estimated_on']}", row["note"]) if part)
        if index.isValid() and role == VALUE_ROLE and self.frame.columns[index.column()] in ("synthetic", "real"):
            value = self.table["value" if self.frame.columns[index.column()] == "synthetic" else "floor"]
            return float(value.iloc[index.row()])
        return super().data(index, role)


class QualityPanel(QWidget):
    """Shows a table of metrics and the volumes behind one of them; knows no study."""

    asked = Signal()  # to compute it
    metric_chosen = Signal(str, str)  # metric and space
    opened = Signal(str, str)  # a synthetic volume and the training volume beside it, which may be empty

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        self.compute = QPushButton("Compute", self)
        self.compute.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys are for rating
        self.compute.setToolTip("Metrics of the synthetic cohort, each beside what real patients give")
        self.compute.clicked.connect(self.asked)
        self.bar = JobBar("Computing the quality", self)
        top = QHBoxLayout()
        top.addWidget(self.bar, 1)
        layout.addLayout(top)
        self.metrics = PairsTable(self, named="Metrics", model=_MetricsModel())
        self.metrics.head.addWidget(self.compute)
        self.column = PlaceColumn(self)
        self.behind = PairsTable(self, named="Volumes behind the metric")
        for table in (self.metrics, self.behind):
            table.note.setWordWrap(True)  # or the window would grow with what it says
            table.filter.setMaximumWidth(130)
            table.filter.setMinimumWidth(90)
            table.view.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        both = QSplitter(Qt.Orientation.Horizontal, self)
        both.addWidget(self.metrics)
        both.addWidget(self.behind)
        both.setStretchFactor(0, 2)
        both.setStretchFactor(1, 1)
        both.setSizes([820, 360])
        self.behind.filter.hide()  # its table is short
        layout.addWidget(both, 1)
        self.metrics.view.selectionModel().currentRowChanged.connect(self._on_metric)
        self.behind.view.clicked.connect(self._on_volume)
        self.behind.opened.connect(self._open)
        self.show_table(pd.DataFrame(), [])

    def show_table(self, table: pd.DataFrame, notes: list[str]) -> None:
        """The metrics, in their order; `notes` say what had to be left out."""
        self.metrics.model.set_table(table)
        frame = metrics_frame(table)
        self.metrics.set_frame(frame, TITLES, note="; ".join([summary(table), *notes]))
        self.metrics.note.setToolTip("\n".join(notes))
        if len(frame):
            self.metrics.view.setItemDelegateForColumn(list(frame.columns).index("place"), self.column)
            self.metrics.view.resizeColumnsToContents()
        self.compute.setText("Compute again" if len(frame) else "Compute")
        self.show_behind(None)

    def show_behind(self, behind: Behind | None) -> None:
        """The volumes of the chosen metric; None before one is chosen."""
        if behind is None:
            self.behind.set_frame(pd.DataFrame(), note=ASK)
            return
        frame = behind.volumes.assign(standing=[in_short(one) for one in behind.volumes["standing"]])
        if (frame["training"] == "").all():
            frame = frame.drop(columns="training")
        note = f"{behind.what}; {behind.real}: {number(behind.low)} to {number(behind.high)}. Click opens"
        self.behind.set_frame(frame, {"training": "Nearest"}, note=note)
        self.behind.note.setToolTip(note)

    def say(self, text: str) -> None:
        """One line, in place of the volumes."""
        self.behind.set_frame(pd.DataFrame(), note=text)

    def set_running(self, running: bool) -> None:
        self.compute.setEnabled(not running)
        if running:
            self.bar.begin("Beginning …")
        else:
            self.bar.finish()

    def set_ink(self, ink: Ink) -> None:
        self.column.ink = ink
        self.metrics.view.viewport().update()

    def _on_metric(self, index: QModelIndex) -> None:
        if index.isValid():
            row = self.metrics.model.table.iloc[self.metrics.proxy.mapToSource(index).row()]
            self.metric_chosen.emit(str(row["metric"]), str(row["space"]))

    def _on_volume(self, index: QModelIndex) -> None:
        self._open(self.behind.proxy.row_of(index))

    def _open(self, row: pd.Series) -> None:
        self.opened.emit(str(row["synthetic"]), str(row.get("training", "")))
