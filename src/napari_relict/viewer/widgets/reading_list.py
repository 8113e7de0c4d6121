"""The reading list: every showing of it that passes the filter, its state and what was said."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_relict.viewer.session.draft import CONFIDENCES, GRADES
from napari_relict.viewer.session.filters import FILTERS
from napari_relict.viewer.session.keys import shown
from napari_relict.viewer.session.session import ReadingSession
from napari_relict.viewer.widgets.matches_table import PairsTable


class ReadingList(PairsTable):
    """A table of pairs with a choice of which part of the list to go through."""

    part_chosen = Signal(str)  # the name of a filter

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, named="Reading list")
        self.part = QComboBox(self)
        self.part.setAccessibleName("Part of the reading list")
        self.part.setToolTip(f"Go through a part of the list only   {shown('filter')}")
        for one in FILTERS:
            self.part.addItem(one.title, one.name)
        self.part.activated.connect(self._on_part)
        self.head.insertWidget(0, self.part)

    def show_session(self, session: ReadingSession, note: str, verdicts: Mapping[str, str] | None = None) -> None:
        """The list; `verdicts` by synthetic volume, where the reader may see them."""
        self.part.setCurrentIndex(self.part.findData(session.filter.name))
        frame = reading_frame(session, verdicts)
        self.set_frame(frame, {"pair": "No."}, note=note)
        if len(frame):
            here = (frame["pair"] == session.position + 1).to_numpy()
            if here.any():
                self.select_row(int(here.argmax()))

    def _on_part(self, index: int) -> None:
        self.part_chosen.emit(self.part.itemData(index))


def reading_frame(session: ReadingSession, verdicts: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The part of the reading list that passes the filter; names and verdicts only when they may be seen."""
    rows = []
    for place in session.listed():
        pair = session.order[place]
        rating = session.rating_of(pair)
        state = "● rated" if rating else "⚑ later" if pair in session.later else "○ open"
        row: dict[str, object] = {"pair": place + 1}
        if session.names_visible:
            row |= {"synthetic": pair.synthetic, "training": pair.training}
            if verdicts:
                row["verdict"] = verdicts.get(pair.synthetic, "")
        row |= {
            "state": state,
            "grade": f"{rating.grade} {GRADES[rating.grade]}" if rating and rating.grade else "",
            "confidence": CONFIDENCES.get(rating.confidence or 0, "") if rating else "",
            "criteria": ", ".join(sorted(rating.criteria)) if rating else "",
            "regions": len(rating.regions) if rating and rating.regions else "",
            "comment": rating.comment if rating else "",
        }
        rows.append(row)
    return pd.DataFrame(rows)
