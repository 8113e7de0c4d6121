"""What published rules, and our own, say of the study: one row a rule."""

from __future__ import annotations

import pandas as pd
from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtWidgets import QWidget

from napari_relict.viewer.data_models.table_model import FrameModel
from napari_relict.viewer.session.tables import rows_of
from napari_relict.viewer.widgets.matches_table import PairsTable

WIDEST = 330  # pixels of a column, so that what a rule says stands beside its caution
NOTE = "what published rules, and ours (first), call copies; none knows of ratings"


class RulesTable(PairsTable):
    """The table of `judge_by_rules`. The tooltip of each row says where the rule is from and what it rests on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, named="Published rules", model=RulesModel())
        self.view.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)

    def show_rules(self, rules: pd.DataFrame) -> None:
        """Those that were not applied come last."""
        self.model.rules = rules.sort_values("estimated_on", key=lambda said: said == "", kind="stable")
        self.set_frame(in_words(self.model.rules), note=NOTE)
        for column in range(self.model.columnCount()):  # whole sentences are in the tooltip
            self.view.setColumnWidth(column, min(self.view.columnWidth(column), WIDEST))


class RulesModel(FrameModel):
    """Rows with tooltips."""

    rules = pd.DataFrame()

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role != Qt.ItemDataRole.ToolTipRole or not index.isValid():
            return super().data(index, role)
        row = self.rules.iloc[index.row()]
        parts = [f"{row['title']} ({row['source']})", row["note"], row["caution"]]
        parts += [f"estimated on {row['estimated_on']}"] if row["estimated_on"] else []
        return "\n".join(part for part in parts if part)


def in_words(rules: pd.DataFrame) -> pd.DataFrame:
    """Calls with their interval in one column, the caution beside them."""
    applied = rules["estimated_on"] != ""
    called = ["" if pd.isna(row.share) else f"{row.called} ({row.low:.0%} to {row.high:.0%})" for row in rows_of(rules)]
    return pd.DataFrame(
        {
            "rule": rules["title"],
            "called copies (95% interval)": called,
            "caution": rules["caution"].where(applied, ""),
            "says": rules["note"],
            "source": rules["source"],
        }
    )
