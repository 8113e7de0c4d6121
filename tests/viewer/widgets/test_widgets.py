from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from fake_study import FakeStudy
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLineEdit, QMainWindow, QTableView, QVBoxLayout, QWidget

from napari_relict.calibration.verdicts import VERDICTS
from napari_relict.reading.reading_list import Showing
from napari_relict.viewer.data_models.scores import Scores
from napari_relict.viewer.data_models.table_model import FrameModel, FrameProxy
from napari_relict.viewer.review.shortcuts import Shortcuts
from napari_relict.viewer.session.keys import BY_ACTION, KEYS
from napari_relict.viewer.session.session import Draft, ReadingSession
from napari_relict.viewer.widgets.calibration_panel import CalibrationPanel
from napari_relict.viewer.widgets.help import help_html
from napari_relict.viewer.widgets.ink import Axis
from napari_relict.viewer.widgets.matches_table import PairsTable, matches_frame
from napari_relict.viewer.widgets.rating_bar import RatingBar
from napari_relict.viewer.widgets.reading_list import reading_frame
from napari_relict.viewer.widgets.score_strips import HIDDEN, ScoreStrips

CRITERIA = ["anatomy", "lesion"]


def texts(proxy: FrameProxy, column: int) -> list[str]:
    return [proxy.index(row, column).data() for row in range(proxy.rowCount())]


def test_tables_sort_by_value_and_filter_by_text(qtbot: Any) -> None:
    frame = pd.DataFrame({"name": ["a", "b", "c"], "score": [0.9, 10.0, 0.00012], "rank": [1, 2, pd.NA]})
    model = FrameModel()
    model.set_frame(frame, {"score": "Score"})
    proxy = FrameProxy(model)
    proxy.sort(1, Qt.SortOrder.DescendingOrder)
    assert texts(proxy, 0) == ["b", "a", "c"]
    assert texts(proxy, 1) == ["10", "0.900", "0.00012"]
    assert texts(proxy, 2) == ["2", "1", ""]
    assert model.headerData(1, Qt.Orientation.Horizontal) == "Score"
    proxy.setFilterFixedString("B")
    assert texts(proxy, 0) == ["b"]
    assert proxy.row_of(proxy.index(0, 0))["score"] == 10.0


def test_the_reading_list_hides_names_from_the_blinded(study: FakeStudy) -> None:
    blinded = ReadingSession(study, "ana")
    blinded.set_grade(4)
    blinded.lock()
    frame = reading_frame(blinded)
    assert not {"synthetic", "training"} & set(frame.columns)
    assert frame["state"].tolist()[:2] == ["● rated", "○ open"]
    assert frame["grade"][0] == "4 exact replica"
    told = dict(study.verdicts()[["synthetic", "verdict"]].to_numpy())
    shown = reading_frame(ReadingSession(study, "ana", blinded=False), told)
    assert sorted(shown["synthetic"]) == sorted(pair.synthetic for pair in blinded.order)
    # What needs somebody stands first: undecided, then replicas.
    places = [VERDICTS.index(verdict) for verdict in shown["verdict"]]
    assert places == sorted(places) and len(set(places)) > 1


def test_verdicts_stand_beside_the_names(study: FakeStudy) -> None:
    frame = matches_frame(study.matches(), study.verdicts())
    assert frame.columns[:3].tolist() == ["synthetic", "training", "verdict"]
    assert frame["verdict"][:2].tolist() == ["exact replica", ""]
    assert len(frame) == len(study.matches())


def test_activating_a_row_tells_its_pair(qtbot: Any, study: FakeStudy) -> None:
    table = PairsTable()
    qtbot.addWidget(table)
    table.set_frame(study.matches())
    table.proxy.sort(5, Qt.SortOrder.DescendingOrder)
    table.filter.setText("syn-03")
    with qtbot.waitSignal(table.opened) as caught:
        table.view.activated.emit(table.proxy.index(0, 0))
    assert caught.args[0]["synthetic"] == "syn-03"


def test_the_bar_shows_the_draft_and_asks_by_action(qtbot: Any) -> None:
    bar = RatingBar(CRITERIA)
    qtbot.addWidget(bar)
    draft = Draft(3, 5, {"lesion"}, "sulci")
    bar.show_state(draft, rateable=True, locked=False, later=False, all_done=False)
    assert [n for n, button in bar.grades.items() if button.isChecked()] == [3]
    assert [n for n, button in bar.confidences.items() if button.isChecked()] == [5]
    assert [name for name, box in bar.criteria.items() if box.isChecked()] == ["lesion"]
    assert bar.comment.text() == "sulci"
    assert bar.lock.isEnabled()
    with qtbot.waitSignal(bar.asked) as caught:
        bar.grades[2].click()
    assert caught.args == ["grade_2"]
    with qtbot.waitSignal(bar.criterion_toggled) as caught:
        bar.criteria["anatomy"].click()
    assert caught.args == ["anatomy"]


def test_a_locked_bar_cannot_be_changed(qtbot: Any) -> None:
    bar = RatingBar(CRITERIA)
    qtbot.addWidget(bar)
    bar.show_state(Draft(3), rateable=True, locked=True, later=False, all_done=False)
    assert not any(button.isEnabled() for button in bar.grades.values())
    assert not bar.comment.isEnabled()
    assert bar.others["amend"].isEnabled()
    assert bar.lock.isEnabled(), "the same key goes on to the next pair"
    bar.show_state(Draft(), rateable=True, locked=False, later=False, all_done=False)
    assert not bar.lock.isEnabled(), "nothing to lock without a grade"


def test_every_grade_button_carries_its_key(qtbot: Any) -> None:
    bar = RatingBar(CRITERIA)
    qtbot.addWidget(bar)
    for number, button in bar.grades.items():
        assert BY_ACTION[f"grade_{number}"].shown in button.text()


def test_strips_are_hidden_and_shown(qtbot: Any, study: FakeStudy) -> None:
    strips = ScoreStrips()
    qtbot.addWidget(strips)
    strips.resize(380, 500)
    strips.show()
    assert strips.note.text() == HIDDEN
    strips.show_scores(Scores(study).strips(Showing("syn-00", "patient-00")), "Verdict: exact replica")
    assert strips.views[0].accessibleName().startswith("NCC 1.000")
    assert "Verdict" in strips.note.text()
    strips.grab()  # paints all strips
    strips.hide_scores()
    assert strips.views == []
    assert strips.note.text() == HIDDEN


def test_closer_is_right_for_every_measure() -> None:
    similarity, distance = Axis([0, 1], True, 0, 100), Axis([0, 1], False, 0, 100)
    assert similarity(0.9) > similarity(0.1)
    assert distance(0.1) > distance(0.9)
    assert 0 <= similarity(-5) <= similarity(5) <= 100
    assert 0 <= Axis([0.5], True, 0, 100)(0.5) <= 100


def test_calibration_panel_counts_and_paints(qtbot: Any, study: FakeStudy) -> None:
    study.rate(Showing("syn-00", "patient-00"), 4, reader="ana", session="s")
    study.rate(Showing("syn-03", "patient-03"), 1, reader="ana", session="s")
    panel = CalibrationPanel()
    qtbot.addWidget(panel)
    panel.resize(1000, 250)
    panel.show()
    panel.set_rows(Scores(study).calibrated())
    assert "1 ▲ replicas, 1 ○ others" in panel.note.text()
    assert "threshold" not in panel.views[0].threshold_text()
    panel.grab()
    panel.set_computing()
    panel.set_computing()
    assert panel.note.text().count("computing") == 1


def test_help_names_every_key() -> None:
    html = help_html()
    for key in KEYS:
        assert key.does.split("(")[0].strip()[:20] in html
    assert len({key.key for key in KEYS}) == len(KEYS), "one key, one action"


@pytest.fixture
def window(qtbot: Any) -> tuple[QMainWindow, Shortcuts, list[str], dict[str, QWidget]]:
    window, done = QMainWindow(), []
    page = QWidget()
    layout = QVBoxLayout(page)
    parts = {"plain": QWidget(), "text": QLineEdit(), "table": QTableView()}
    parts["plain"].setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    for part in parts.values():
        layout.addWidget(part)
    window.setCentralWidget(page)
    qtbot.addWidget(window)
    shortcuts = Shortcuts(window, done.append)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    yield window, shortcuts, done, parts
    shortcuts.close()


def press(qtbot: Any, part: QWidget, *keys: Qt.Key) -> None:
    part.setFocus()
    qtbot.waitUntil(part.hasFocus, timeout=30_000)
    for key in keys:
        qtbot.keyClick(part, key)


def test_keys_work_all_over_the_window_but_not_while_typing(qtbot: Any, window: Any) -> None:
    _, _, done, parts = window
    press(qtbot, parts["plain"], Qt.Key.Key_3, Qt.Key.Key_Return)
    assert done == ["grade_3", "proceed"]
    press(qtbot, parts["text"], Qt.Key.Key_4, Qt.Key.Key_Return)
    assert done == ["grade_3", "proceed"]
    assert parts["text"].text() == "4"
    press(qtbot, parts["table"], Qt.Key.Key_2, Qt.Key.Key_Down, Qt.Key.Key_Return)
    assert done == ["grade_3", "proceed", "grade_2"], "arrows and Enter stay the table's own"


def test_keys_are_off_after_the_session(qtbot: Any, window: Any) -> None:
    _, shortcuts, done, parts = window
    shortcuts.close()
    press(qtbot, parts["plain"], Qt.Key.Key_3)
    assert done == []
