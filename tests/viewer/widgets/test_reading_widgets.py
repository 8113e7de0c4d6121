"""Reading list, candidates, map, agreement and curtain, without a window of napari."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_study import FakeStudy
from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QAbstractButton, QComboBox, QFrame, QTableView, QWidget

from napari_relict.reading.reading_list import Showing
from napari_relict.viewer.canvas.curtain import Curtain
from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.canvas.viewpoint import go_back_to, place_of
from napari_relict.viewer.data_models.candidates import MOST, candidates_of
from napari_relict.viewer.data_models.map_points import default_axes, map_points
from napari_relict.viewer.data_models.scores import Scores
from napari_relict.viewer.review.study_tabs import StudyTabs
from napari_relict.viewer.session.session import ReadingSession
from napari_relict.viewer.session.stopwatch import in_words
from napari_relict.viewer.widgets.agreement_panel import AgreementPanel
from napari_relict.viewer.widgets.candidates_bar import CandidatesBar
from napari_relict.viewer.widgets.ink import DARK
from napari_relict.viewer.widgets.reading_list import ReadingList
from napari_relict.viewer.widgets.reading_panel import ReadingPanel
from napari_relict.viewer.widgets.score_strips import StripView
from napari_relict.viewer.widgets.study_map import StudyMap


def test_the_reading_list_shows_the_part_chosen(qtbot: Any, study: FakeStudy) -> None:
    session, table = ReadingSession(study, "ana"), ReadingList()
    qtbot.addWidget(table)
    for grade in (4, 1):
        session.set_grade(grade)
        session.lock()
        session.proceed()
    with qtbot.waitSignal(table.part_chosen) as caught:
        table.part.activated.emit(table.part.findData("replicas"))
    session.set_filter(caught.args[0])
    table.show_session(session, "")
    assert table.model.frame["pair"].tolist() == [1]
    assert table.part.currentData() == "replicas"


def test_whatever_can_have_the_focus_has_a_name(qtbot: Any, study: FakeStudy) -> None:
    panel, tabs = ReadingPanel("study", ["anatomy"]), StudyTabs()
    nameless = []
    for root in (panel, tabs):
        qtbot.addWidget(root)
        for one in root.findChildren(QWidget):
            written = isinstance(one, QAbstractButton) and one.text()
            inside = isinstance(one.parent(), QComboBox | QFrame) and not isinstance(one, QTableView)
            if one.focusPolicy() & Qt.FocusPolicy.TabFocus and not (one.accessibleName() or written or inside):
                nameless.append(one)
    assert nameless == []


def test_candidates_are_nearest_first_or_in_the_blinded_readers_order(study: FakeStudy) -> None:
    scores = Scores(study)
    pair = Showing("syn-03", "patient-03", swapped=True)
    straight = candidates_of(scores, pair, reader=None)
    assert [one.training for one in straight] == ["patient-03", "patient-00", "patient-01"]
    assert all(one.swapped for one in straight), "the synthetic volume stays on its side"
    orders = {tuple(one.training for one in candidates_of(scores, pair, reader=name)) for name in "abcdefgh"}
    assert len(orders) > 1, "the number must not tell the rank"
    assert all(set(order) == {one.training for one in straight} for order in orders)


def test_a_pair_of_the_list_is_always_a_candidate(study: FakeStudy) -> None:
    study._matches = study._matches.iloc[:0]
    alone = candidates_of(Scores(study), Showing("0001", "0001"), reader="ana")
    assert [one.training for one in alone] == ["0001"]


def test_the_bar_of_candidates_says_which_is_open(qtbot: Any) -> None:
    bar = CandidatesBar()
    qtbot.addWidget(bar)
    bar.show_candidates(3, 1, 0)
    assert [button.isChecked() for button in bar.buttons] == [False, True, False, False, False]
    assert "★" in bar.buttons[0].text()
    assert len(bar.buttons) == MOST
    with qtbot.waitSignal(bar.asked) as caught:
        bar.buttons[2].click()
    assert caught.args == ["candidate_3"]
    bar.show_candidates(1, 0, 0)
    assert bar.isHidden()


def test_a_click_on_the_map_opens_the_pair(qtbot: Any, study: FakeStudy) -> None:
    study_map = StudyMap()
    qtbot.addWidget(study_map)
    study_map.resize(900, 300)
    study_map.show_scores(Scores(study))
    study_map.canvas.draw()
    points = map_points(Scores(study), "ncc", "mobilenet_v2")
    assert (study_map.x.currentData(), study_map.y.currentData()) == ("ncc", "mobilenet_v2")
    wanted = points.synthetic.index("syn-06")
    x, y = study_map.figure.axes[0].transData.transform((points.x[wanted], points.y[wanted]))
    assert study_map.nearest(x + 3, y - 2) == wanted
    assert study_map.nearest(-500, -500) is None
    opened: list[tuple[str, str]] = []
    study_map.opened.connect(lambda *names: opened.append(names))
    study_map.canvas.callbacks.process("button_press_event", type("Click", (), {"x": x, "y": y})())
    assert opened == [("syn-06", points.training[wanted])]


def test_closer_is_right_and_up_on_the_map(qtbot: Any, study: FakeStudy) -> None:
    study_map = StudyMap()
    qtbot.addWidget(study_map)
    study_map.show_scores(Scores(study))
    axes = study_map.figure.axes[0]
    assert not axes.xaxis_inverted(), "NCC: higher is closer"
    assert axes.yaxis_inverted(), "a distance"
    assert default_axes(Scores(study)) == ("ncc", "mobilenet_v2")


def test_a_click_on_a_diamond_opens_that_candidate(qtbot: Any, study: FakeStudy) -> None:
    strip = Scores(study).strips(Showing("syn-03", "patient-03"))[0]
    assert [name for name, _ in strip.others] == ["patient-00", "patient-01"]
    view = StripView(strip, DARK)
    qtbot.addWidget(view)
    view.resize(400, 60)
    x = view._axis()(strip.others[1][1])
    place = QPointF(x, 30)
    press = QMouseEvent(
        QMouseEvent.Type.MouseButtonPress, place, place, Qt.MouseButton.LeftButton, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    with qtbot.waitSignal(view.opened) as caught:
        view.mousePressEvent(press)
    assert caught.args == ["patient-01"]


def test_agreement_is_written_with_its_interval(qtbot: Any, study: FakeStudy) -> None:
    for reader, grade in (("ana", 4), ("ben", 1)):
        session = ReadingSession(study, reader)
        session.visit("syn-03", "patient-03")
        session.set_grade(grade)
        session.lock()
    panel = AgreementPanel()
    qtbot.addWidget(panel)
    panel.show_agreement(study.agreement(), study.disagreements())
    assert panel.statistics.model.frame["value"].tolist() == ["0.750 [0.500, 1.000]"]
    assert panel.disagreements.note.text() == "1 disagreement, 1 without consensus"
    with qtbot.waitSignal(panel.opened) as caught:
        panel.disagreements.view.activated.emit(panel.disagreements.proxy.index(0, 0))
    assert caught.args[0]["synthetic"] == "syn-03"


def test_the_curtain_gives_back_what_was_shown() -> None:
    viewer = ViewerModel()
    shown, hidden = Image(np.zeros((4, 4))), Image(np.zeros((4, 4)), visible=False)
    viewer.layers.extend([shown, hidden])
    curtain = Curtain(viewer)
    curtain.draw(True, "Paused")
    curtain.draw(True, "Paused")
    assert not any(layer.visible for layer in viewer.layers)
    curtain.draw(False)
    assert [layer.visible for layer in viewer.layers] == [True, False]
    assert not [key for key in viewer.canvas.overlays if "curtain" in key]


@pytest.mark.parametrize(
    ("seconds", "words"), [(12, "10 s"), (600, "10 min"), (3600, "1 h"), (4800, "1 h 20 min"), (0.4, "5 s")]
)
def test_time_left_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    "broken", [{}, {"plane": "oblique", "at": [1, 2, 3]}, {"at": [1]}, {"plane": "axial", "at": None}]
)
def test_a_place_that_cannot_be_read_changes_nothing(broken: dict[str, Any]) -> None:
    scene = ReviewScene(ViewerModel())
    assert place_of(scene) == {}
    go_back_to(scene, broken)
