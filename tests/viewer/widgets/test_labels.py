from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_relict.viewer.pair.label_scores import label_scores
from napari_relict.viewer.widgets.labels_table import HIDDEN, NONE, LabelsTable

SPACING = (2.0, 2.0, 2.0)


@pytest.fixture
def maps() -> tuple[np.ndarray, np.ndarray]:
    """Label 1 the same on both sides, 3 moved by two voxels, 7 on the left alone, 9 on the right alone."""
    left, right = np.zeros((2, 30, 30, 30), np.uint16)
    left[2:8, 2:8, 2:8] = right[2:8, 2:8, 2:8] = 1
    left[12:18, 12:18, 12:18], right[12:18, 12:18, 14:20] = 3, 3
    left[22:24, 22:24, 22:24], right[26:28, 26:28, 26:28] = 7, 9
    return left, right


def test_every_label_has_its_scores(maps: tuple[np.ndarray, np.ndarray]) -> None:
    scores = label_scores(*maps, SPACING, names={3: "spleen"})
    assert list(scores["label"]) == [7, 9, 3, 1], "the least alike first"
    assert list(scores["name"]) == ["7", "9", "spleen", "1"]
    rows = scores.set_index("label")
    assert rows.loc[1, "dice"] == 1
    assert rows.loc[1, "hd95_mm"] == rows.loc[1, "assd_mm"] == 0
    assert rows.loc[3, "dice"] == pytest.approx(2 * 4 / 12)
    assert rows.loc[3, "hd95_mm"] == 4
    assert rows.loc[3, "left_ml"] == rows.loc[3, "right_ml"] == pytest.approx(216 * 8 / 1000)
    assert rows.loc[7, "right_ml"] == 0
    assert rows.loc[[7, 9], "dice"].tolist() == [0, 0]
    assert rows.loc[[7, 9], ["hd95_mm", "assd_mm"]].isna().all(axis=None)


def test_without_labels_there_are_no_rows() -> None:
    nothing = np.zeros((4, 4, 4), np.uint16)
    assert label_scores(nothing, nothing, SPACING).empty


def test_a_row_asks_for_its_label(qtbot: Any, maps: tuple[np.ndarray, np.ndarray]) -> None:
    table = LabelsTable()
    qtbot.addWidget(table)
    assert table.note.text() == HIDDEN
    table.set_scores(label_scores(*maps, SPACING), "synthetic", "training")
    titles = [table.proxy.headerData(column, Qt.Orientation.Horizontal) for column in range(6)]
    assert titles == ["Label", "Dice", "Synthetic ml", "Training ml", "HD95 mm", "ASSD mm"]
    shown = [[table.proxy.data(table.proxy.index(row, column)) for column in range(6)] for row in range(4)]
    assert [row[1] for row in shown] == ["0.000", "0.000", "0.667", "1.000"], "the least alike first"
    assert shown[0][4:] == ["–", "–"]
    assert shown[2] == ["3", "0.667", "1.7", "1.7", "4.0", shown[2][5]]
    table.view.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    with qtbot.waitSignal(table.label_chosen) as chosen:
        table.view.activated.emit(table.proxy.index(0, 0))
    assert chosen.args == [1]


def test_hidden_scores_are_not_there(qtbot: Any, maps: tuple[np.ndarray, np.ndarray]) -> None:
    table = LabelsTable()
    qtbot.addWidget(table)
    table.set_scores(label_scores(*maps, SPACING))
    table.hide_scores()
    assert table.model.rowCount() == 0
    assert not table.view.isVisibleTo(table)
    table.set_scores(label_scores(*(np.zeros_like(side) for side in maps), SPACING))
    assert table.note.text() == NONE
