"""One session of reading in a real napari window, blinded and unblinded, step by step.

Opening the window takes longer than any of the steps, so they share it, and each takes it as the ones before left it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from fake_study import FakeStudy
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QDockWidget
from windows import canvas_of, difference_cell, move, needs_gl

from napari_relict.viewer.plugin import ReviewWidget
from napari_relict.viewer.review.review import STUDY_DOCK

Settle = Callable[[Any], None]

pytestmark = needs_gl


@dataclass(frozen=True)
class Opened:
    """A window in which a study is read."""

    widget: ReviewWidget
    study: FakeStudy
    qtbot: Any
    settle: Settle

    @property
    def review(self) -> Any:
        return self.widget.review


def calibration_is_closed_to_the_blinded_where_others_have_rated(opened: Opened) -> None:
    tabs = opened.review.tabs
    assert not tabs.is_open(tabs.calibration)


def keys_work_at_once(opened: Opened) -> None:
    """No text field holds the focus after opening, nor after a visit to the comment."""
    review = opened.review
    window = review.panel.window()
    assert window.focusWidget() is review.panel
    review.act("comment")
    assert window.focusWidget() is review.panel.rating.comment
    review.panel.rating.comment_left.emit()
    assert window.focusWidget() is review.panel


def outlines_are_seen_at_once(opened: Opened) -> None:
    """Without anything having been switched off and on; after the next pair too."""
    review = opened.review
    for _ in range(2):
        left = [review.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)]
        review.act("overlay")
        left.append(review.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int))
        review.act("overlay")
        with_outlines, without = (picture[:, : picture.shape[1] // 3] for picture in left)
        assert (np.ptp(with_outlines, axis=2) > 40).sum() > 10 + (np.ptp(without, axis=2) > 40).sum()
        review.act("next")
        opened.settle(review)


def the_next_pair_is_loaded_before_it_is_asked_for(opened: Opened) -> None:
    review = opened.review
    review.session.next()
    assert not review.loading
    assert review.scene.layers[0].data is review.scene.images.left


def keys_wait_for_the_pictures(opened: Opened) -> None:
    review = opened.review
    review.session.go_to(6)
    if review.loading:
        review.act("grade_4")
        assert review.session.draft.grade is None
    opened.settle(review)
    review.act("grade_4")
    assert review.session.draft.grade == 4


def without_a_registration_the_key_says_so(opened: Opened) -> None:
    opened.review.act("registered")
    assert not opened.review.loading
    assert "No registration" in opened.review.panel.note.text()


def a_box_is_marked_by_the_mouse(opened: Opened) -> None:
    review, qtbot = opened.review, opened.qtbot
    canvas, shift = canvas_of(review), Qt.KeyboardModifier.ShiftModifier
    start, end = QPoint(canvas.width() // 6, 200), QPoint(canvas.width() // 6 + 60, 240)
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, shift, start)
    move(canvas, end, Qt.MouseButton.LeftButton, qtbot, shift)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, shift, end)
    (region,) = review.scene.marker.regions
    assert region.kind == "box"
    assert region.size[2] * review.viewer.scene.camera.zoom == pytest.approx(60, abs=2)


def the_mouse_sets_window_and_crosshair(opened: Opened) -> None:
    """Real mouse events: napari's camera must not zoom or move with what is ours."""
    review, qtbot = opened.review, opened.qtbot
    scene, camera = review.scene, review.viewer.scene.camera
    canvas = canvas_of(review)
    before = camera.zoom, tuple(camera.center), scene.state.window
    start, end = QPoint(canvas.width() // 6, 200), QPoint(canvas.width() // 6 + 90, 240)
    qtbot.mousePress(canvas, Qt.MouseButton.RightButton, pos=start)
    move(canvas, end, Qt.MouseButton.RightButton, qtbot)
    qtbot.mouseRelease(canvas, Qt.MouseButton.RightButton, pos=end)
    low, high = scene.state.window
    assert high - low > 1.2 * (before[2][1] - before[2][0])
    assert (camera.zoom, tuple(camera.center)) == before[:2]
    assert tuple(scene.layers[2].contrast_limits) == pytest.approx((low, high))
    at = review.viewer.dims.current_step
    # The same place in the third cell as in the first.
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=start)
    first = review.viewer.dims.current_step
    assert first[0] == at[0]
    assert first != at
    assert scene.state.crosshair
    third = QPoint(start.x() + round(2 * (canvas.width() - 8) / 3 + 8), start.y())
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=third)
    assert np.abs(np.subtract(first, review.viewer.dims.current_step)).max() <= 1
    assert (camera.zoom, tuple(camera.center)) == before[:2]


def the_flicker_runs_until_another_way_is_chosen(opened: Opened) -> None:
    review, qtbot = opened.review, opened.qtbot
    review.act("flicker")
    shown = [review.scene.state.on_right]
    qtbot.waitUntil(lambda: review.scene.state.on_right != shown[0], timeout=30_000)
    assert review.flicker.running
    review.act("compare_next")
    qtbot.waitUntil(lambda: not review.flicker.running, timeout=30_000)


def a_row_of_the_labels_outlines_that_label(opened: Opened) -> None:
    review = opened.review
    review.tabs.labels.label_chosen.emit(2)
    assert review.scene.state.label == 2
    assert set(np.unique(review.scene.layers[1].data)) == {0, 2}


def an_altered_volume_is_looked_at_and_not_rated(opened: Opened) -> None:
    review, settle = opened.review, opened.settle
    tabs, scene, pair = review.tabs, review.scene, review.session.pair
    tabs.setCurrentWidget(tabs.alterations)
    assert tabs.alterations.volume.itemText(0) == f"Synthetic {pair.synthetic}"
    tabs.alterations.set_strength(0.08)
    opened.qtbot.waitUntil(lambda: review.playing.active, timeout=30_000)
    settle(review)
    assert scene.layers[2].name == "Altered: noise 0.08 of range"
    review.act("grade_4")
    assert review.session.draft.grade is None and "altered" in review.panel.note.text()
    review.act("coronal")
    assert scene.state.plane == "coronal"
    review.act("axial")
    tabs.setCurrentWidget(tabs.reading_list)
    settle(review)
    assert not review.playing.active and scene.layers[2].name.startswith("Training")
    assert scene.layers[2].data is scene.images.right
    review.act("grade_4")
    assert review.session.draft.grade == 4
    review.quality.opened.emit("syn-06", "")
    settle(review)
    assert (review.session.pair.synthetic, review.session.pair.training) == ("syn-06", "patient-02")


def any_match_can_be_looked_at(opened: Opened) -> None:
    review = opened.review
    index = review.tabs.matches.proxy.index(1, 0)
    review.tabs.matches.view.activated.emit(index)
    opened.settle(review)
    assert review.scene.layers[2].name == "Training  patient-01"
    assert not review.session.rateable


def the_overlay_of_a_copy_has_no_colour(opened: Opened) -> None:
    review = opened.review
    order = [(pair.synthetic, pair.training) for pair in review.session.order]
    review.session.go_to(order.index(("syn-00", "patient-00")))
    opened.settle(review)
    review.act("overlay")
    for _ in range(3):
        review.act("compare_next")
    picture = difference_cell(review.viewer)[90:-150, 30:-30]
    assert picture.max() > 150
    assert (picture.max(axis=2) - picture.min(axis=2)).max() < 12, "grey"
    review.session.go_to(order.index(("syn-03", "patient-03")))
    opened.settle(review)
    picture = difference_cell(review.viewer)[90:-150, 30:-30]
    assert (picture.max(axis=2) - picture.min(axis=2)).max() > 60


def closing_the_dock_gives_the_window_back(opened: Opened) -> None:
    viewer, window = opened.widget.viewer, opened.widget.window()
    docks = {dock.objectName(): dock for dock in window.findChildren(QDockWidget)}
    assert docks["layer list"].isHidden()
    assert STUDY_DOCK in viewer.window.dock_widgets
    viewer.window.remove_dock_widget(opened.widget)
    assert opened.widget.review is None
    assert opened.study.closed
    assert len(viewer.layers) == 0
    assert STUDY_DOCK not in viewer.window.dock_widgets
    assert not docks["layer list"].isHidden()
    opened.widget.deleteLater()


BLINDED = (
    calibration_is_closed_to_the_blinded_where_others_have_rated,
    keys_work_at_once,
    outlines_are_seen_at_once,
    the_next_pair_is_loaded_before_it_is_asked_for,
    keys_wait_for_the_pictures,
    without_a_registration_the_key_says_so,
    a_box_is_marked_by_the_mouse,
    the_mouse_sets_window_and_crosshair,
    the_flicker_runs_until_another_way_is_chosen,
)
UNBLINDED = (
    a_row_of_the_labels_outlines_that_label,
    an_altered_volume_is_looked_at_and_not_rated,
    any_match_can_be_looked_at,
    the_overlay_of_a_copy_has_no_colour,
    closing_the_dock_gives_the_window_back,
)


@pytest.mark.parametrize(("blinded", "steps"), [(True, BLINDED), (False, UNBLINDED)], ids=["blinded", "unblinded"])
def test_a_session_step_by_step(
    open_widget: Any,
    study: FakeStudy,
    settle: Settle,
    qtbot: Any,
    subtests: pytest.Subtests,
    blinded: bool,
    steps: tuple[Callable[[Opened], None], ...],
) -> None:
    study.rate(study.reading_list("ben")[0], 4, reader="ben", session="s")
    opened = Opened(open_widget(study, blinded=blinded), study, qtbot, settle)
    for step in steps:
        with subtests.test(step.__name__):
            step(opened)
