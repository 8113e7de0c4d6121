"""Where readers agree and where they do not; a double-click opens the pair they disagree on."""

from __future__ import annotations

import pandas as pd
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_relict.viewer.data_models.scores import number
from napari_relict.viewer.session.tables import rows_of
from napari_relict.viewer.widgets.matches_table import PairsTable


class AgreementPanel(QWidget):
    """Two tables: statistics with their intervals on the left, disagreements on the right."""

    opened = Signal(object)  # a row of the disagreements

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.statistics = PairsTable(self, named="Agreement")
        self.disagreements = PairsTable(self, named="Disagreements")
        self.disagreements.opened.connect(self.opened)
        layout.addWidget(self.statistics, 3)
        layout.addWidget(self.disagreements, 2)

    def show_agreement(self, agreement: pd.DataFrame, disagreements: pd.DataFrame) -> None:
        self.statistics.set_frame(in_words(agreement), note=f"agreement, {len(agreement)} figures")
        open_ones = int((~disagreements["consensus"].astype(bool)).sum()) if len(disagreements) else 0
        self.disagreements.set_frame(
            disagreements,
            note=f"{len(disagreements)} disagreement{'s' * (len(disagreements) != 1)}, {open_ones} without consensus",
        )


SHORT = {"within reader, hidden repeats": "repeats", "within reader, second round": "second round"}


def in_words(agreement: pd.DataFrame) -> pd.DataFrame:
    """Value and interval in one column, as they are read."""
    if agreement.empty:
        return agreement
    told = pd.DataFrame({"readers": agreement["readers"], "statistic": agreement["statistic"]})
    told["value"] = [
        number(row.value) if pd.isna(row.low) else f"{number(row.value)} [{number(row.low)}, {number(row.high)}]"
        for row in rows_of(agreement)
    ]
    return told.assign(pairs=agreement["pairs"], of=agreement["kind"].replace(SHORT), note=agreement["note"])
