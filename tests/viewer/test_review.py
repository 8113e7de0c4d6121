"""The reading room in a real napari window."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_study import FakeStudy, FakeVolume
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QDockWidget, QWidget

from napari_relict.errors import DataError
from napari_relict.study.regions import MarkedRegion
from napari_relict.viewer import training
from napari_relict.viewer.pairs import PairKey
from napari_relict.viewer.plugin import ReviewWidget
from napari_relict.viewer.review import STUDY_DOCK
from napari_relict.viewer.titles import cell_texts, elided
from napari_relict.viewer.widgets.score_strips import HIDDEN

Settle = Callable[[Any], None]

needs_gl = [
    pytest.mark.gl,
    pytest.mark.skipif(os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="the offscreen platform has no OpenGL"),
]


@pytest.fixture
def open_widget(make_napari_viewer: Any, qtbot: Any, settle: Settle) -> Callable[..., ReviewWidget]:
    def build(study: FakeStudy, blinded: bool = True) -> ReviewWidget:
        viewer = make_napari_viewer(show=True)
        viewer.window.resize(1200, 800)
        widget = ReviewWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Review", area="right")
        widget.start(study, reader="ana", blinded=blinded)
        qtbot.waitUntil(lambda: widget.review is not None, timeout=30_000)
        settle(widget.review)
        return widget

    return build


@pytest.mark.parametrize("swapped", [False, True])
def test_blinded_titles_and_letters_do_not_tell_cohorts_apart(swapped: bool) -> None:
    texts = cell_texts(PairKey("syn-02", "patient-02", mirrored=True, swapped=swapped), blinded=True)
    assert (texts.left, texts.right) == ("Left", "Right  (mirrored)")
    said = " ".join(vars(texts).values()).lower()
    assert not any(word in said for word in ("syn", "training", "patient"))


def test_unblinded_titles_name_both_and_the_mirrored_one() -> None:
    texts = cell_texts(PairKey("syn-02", "patient-02", mirrored=True), blinded=False)
    assert texts.left == "Synthetic  syn-02"
    assert texts.right == "Training  patient-02  (mirrored)"
    assert texts.difference == "Difference  synthetic − training"


def test_long_names_keep_both_ends() -> None:
    assert elided("short", 10) == "short"
    assert elided("a-very-long-name-0012", 12) == "a-ve…me-0012"


@pytest.mark.usefixtures("qapp")
class TestInAWindow:
    pytestmark = needs_gl

    def test_a_rating_by_actions_moves_the_threshold(self, open_widget: Any, study: FakeStudy, settle: Settle) -> None:
        review = open_widget(study).review
        assert review.panel.strips.note.text() == HIDDEN
        closest = study.matches().groupby("synthetic")["ncc"].max()
        for number in range(8):
            copy = closest[review.session.pair.synthetic] > 0.9
            review.act("grade_4" if copy else "grade_1")
            review.act("proceed")
            assert len(study.ratings()) == number + 1, "in the study as soon as it is acknowledged"
            settle(review)
            assert review.panel.strips.views
            review.act("proceed")
            settle(review)
        assert review.session.progress() == (8, 8)
        threshold = review.scores.threshold("ncc")
        assert threshold is not None
        assert f"{threshold.value:.3f}" in review.tabs.calibration.views[0].threshold_text()
        before = len(study.ratings())
        review.act("undo")
        settle(review)
        assert len(study.ratings()) == before - 1
        assert not review.session.locked

    def test_the_next_pair_is_loaded_before_it_is_asked_for(self, open_widget: Any, study: FakeStudy) -> None:
        review = open_widget(study).review
        review.session.next()
        assert not review.loading
        assert review.scene.layers[0].data is review.scene.images.left

    def test_keys_work_at_once(self, open_widget: Any, study: FakeStudy) -> None:
        """No text field holds the focus after opening, nor after a visit to the comment."""
        review = open_widget(study).review
        window = review.panel.window()
        assert window.focusWidget() is review.panel
        review.act("comment")
        assert window.focusWidget() is review.panel.rating.comment
        review.panel.rating.comment_left.emit()
        assert window.focusWidget() is review.panel

    def test_keys_wait_for_the_pictures(self, open_widget: Any, study: FakeStudy, settle: Settle) -> None:
        review = open_widget(study).review
        review.session.go_to(5)
        if review.loading:
            review.act("grade_4")
            assert review.session.draft.grade is None
        settle(review)
        review.act("grade_4")
        assert review.session.draft.grade == 4

    def test_the_patients_left_is_on_the_right_of_the_screen(
        self, open_widget: Any, study: FakeStudy, settle: Settle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One ball at the patient's left, front, top; where it appears in every view tells all directions."""
        image = np.full((48, 56, 48), 0.0, np.float32)
        image[4:-4, 4:-4, 4:-4] = 0.3
        image[32:42, 6:16, 32:42] = 1.0
        monkeypatch.setattr(study, "volume", lambda cohort, name: FakeVolume(image, None))
        review = open_widget(study).review
        scene, viewer = review.scene, review.viewer
        where = {}
        for view in ("axial", "coronal", "sagittal"):
            review.act(view)
            axis = viewer.dims.order[0]
            viewer.dims.set_current_step(axis, (37, 11, 37)[axis])
            where[view] = brightest(viewer)
        scene.set_3d(True)
        where["3d"] = brightest(viewer)
        up, right = -1, 1
        assert where == {
            "axial": (up, right),  # front is up, left is right
            "coronal": (up, right),  # head is up, left is right
            "sagittal": (up, -right),  # head is up, front is left
            "3d": (up, right),
        }

    def test_surfaces_of_the_segmentation_difference_are_seen_in_3d(
        self, open_widget: Any, study: FakeStudy, settle: Settle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A block that one side alone has, inside a block of image difference: its surface must shine through."""
        outer, inner = np.zeros((2, 48, 56, 48), np.float32)
        outer[8:40, 8:48, 8:40] = 0.6
        inner[16:32, 16:40, 16:32] = 1
        none = np.zeros_like(inner)

        def volume(cohort: str, name: str) -> FakeVolume:
            first = cohort == "synthetic"
            return FakeVolume(outer if first else none, (inner if first else none).astype(np.uint16))

        monkeypatch.setattr(study, "volume", volume)
        review = open_widget(study, blinded=False).review
        review.act("volume")
        with_surface = difference_cell(review.viewer)
        review.act("overlay")
        without = difference_cell(review.viewer)
        middle = tuple(slice(2 * n // 5, 3 * n // 5) for n in without.shape[:2])
        assert np.abs(with_surface[middle] - without[middle]).mean() > 8

    def test_the_mouse_sets_window_and_crosshair(self, open_widget: Any, study: FakeStudy, qtbot: Any) -> None:
        """Real mouse events: napari's camera must not zoom or move with what is ours."""
        review = open_widget(study).review
        scene, camera = review.scene, review.viewer.scene.camera
        canvas = canvas_of(review)
        before = camera.zoom, tuple(camera.center), scene.windows.window
        start, end = QPoint(canvas.width() // 6, 200), QPoint(canvas.width() // 6 + 90, 240)
        qtbot.mousePress(canvas, Qt.MouseButton.RightButton, pos=start)
        move(canvas, end, Qt.MouseButton.RightButton, qtbot)
        qtbot.mouseRelease(canvas, Qt.MouseButton.RightButton, pos=end)
        low, high = scene.windows.window
        assert high - low > 1.2 * (before[2][1] - before[2][0])
        assert (camera.zoom, tuple(camera.center)) == before[:2]
        assert tuple(scene.layers[2].contrast_limits) == pytest.approx((low, high))
        at = review.viewer.dims.current_step
        # The same place in the third cell as in the first.
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=start)
        first = review.viewer.dims.current_step
        assert first[0] == at[0]
        assert first != at
        assert scene.pointer.visible
        third = QPoint(start.x() + round(2 * (canvas.width() - 8) / 3 + 8), start.y())
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=third)
        assert np.abs(np.subtract(first, review.viewer.dims.current_step)).max() <= 1
        assert (camera.zoom, tuple(camera.center)) == before[:2]

    def test_an_altered_volume_is_looked_at_and_not_rated(
        self, open_widget: Any, study: FakeStudy, settle: Settle, qtbot: Any
    ) -> None:
        review = open_widget(study, blinded=False).review
        tabs, scene, pair = review.tabs, review.scene, review.session.pair
        tabs.setCurrentWidget(tabs.alterations)
        assert tabs.alterations.volume.itemText(0) == f"Synthetic {pair.synthetic}"
        tabs.alterations.set_strength(0.08)
        qtbot.waitUntil(lambda: review.playing.active, timeout=5_000)
        settle(review)
        assert scene.layers[2].name == "Altered: noise 0.08 of range"
        review.act("grade_4")
        assert review.session.draft.grade is None and "altered" in review.panel.note.text()
        review.act("coronal")
        assert scene.plane == "coronal"
        tabs.setCurrentWidget(tabs.reading_list)
        settle(review)
        assert not review.playing.active and scene.layers[2].name.startswith("Training")
        assert scene.layers[2].data is scene.images.right
        review.act("grade_4")
        assert review.session.draft.grade == 4
        review.quality.opened.emit("syn-06", "")
        settle(review)
        assert (review.session.pair.synthetic, review.session.pair.training) == ("syn-06", "patient-02")

    def test_training_shares_the_place_of_the_review_and_reloads_it(
        self, open_widget: Any, study: FakeStudy, settle: Settle, qtbot: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(training, "look", lambda folder: training.Ready(folder, "Fake heads", True, False, ()))
        monkeypatch.setattr("napari_relict.study.open_reading", lambda folder: study)
        widget = open_widget(study)
        window, review = widget.window(), widget.review
        review.session.go_to(3)
        settle(review)
        height = window.height()
        _, dock = widget.viewer.window.add_plugin_dock_widget("napari-relict", training.WIDGET_NAME)
        qtbot.waitUntil(lambda: dock.train_button.isEnabled(), timeout=5_000)
        assert dock.study.toolTip() == str(study.folder.resolve()), "the study that is open"
        here = next(one for one in window.findChildren(QDockWidget) if one.isAncestorOf(widget))
        qtbot.waitUntil(lambda: any(one.isAncestorOf(dock) for one in window.tabifiedDockWidgets(here)), timeout=5_000)
        assert window.height() == height
        monkeypatch.setattr(study, "folder", study.folder.resolve())
        dock.show_button.click()
        qtbot.waitUntil(lambda: widget.review not in (None, review), timeout=10_000)
        settle(widget.review)
        assert widget.review.session.position == 3 and widget.review.session.blinded
        widget.viewer.window.remove_dock_widget(dock)

    def test_a_box_is_marked_by_the_mouse(self, open_widget: Any, study: FakeStudy, qtbot: Any) -> None:
        review = open_widget(study).review
        canvas, shift = canvas_of(review), Qt.KeyboardModifier.ShiftModifier
        start, end = QPoint(canvas.width() // 6, 200), QPoint(canvas.width() // 6 + 60, 240)
        qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, shift, start)
        move(canvas, end, Qt.MouseButton.LeftButton, qtbot, shift)
        qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, shift, end)
        (region,) = review.scene.marker.regions
        assert region.kind == "box"
        assert region.size[2] * review.viewer.scene.camera.zoom == pytest.approx(60, abs=2)

    def test_the_overlay_of_a_copy_has_no_colour(self, open_widget: Any, study: FakeStudy, settle: Settle) -> None:
        review = open_widget(study, blinded=False).review
        order = [(pair.synthetic, pair.training) for pair in review.session.order]
        review.session.go_to(order.index(("syn-00", "patient-00")))
        settle(review)
        review.act("overlay")
        for _ in range(3):
            review.act("compare_next")
        picture = difference_cell(review.viewer)[90:-150, 30:-30]
        assert picture.max() > 150
        assert (picture.max(axis=2) - picture.min(axis=2)).max() < 12, "grey"
        review.session.go_to(order.index(("syn-03", "patient-03")))
        settle(review)
        picture = difference_cell(review.viewer)[90:-150, 30:-30]
        assert (picture.max(axis=2) - picture.min(axis=2)).max() > 60

    def test_registered_and_as_it_lies_by_one_key(self, open_widget: Any, study: FakeStudy, settle: Settle) -> None:
        shift = np.eye(4)
        shift[0, 3] = 8.0
        study.alignments = {(pair.synthetic, pair.training): shift for pair in study.reading_list("ana")}
        review = open_widget(study, blinded=False).review
        assert review.scene.images.registered
        assert review.scene.cells.note == "(registered)"
        zoom, at = review.viewer.scene.camera.zoom, review.viewer.dims.current_step
        registered = review.scene.images.right
        review.act("registered")
        settle(review)
        assert "not registered" in review.scene.cells.note
        assert not np.array_equal(registered, review.scene.images.right)
        assert (review.viewer.scene.camera.zoom, review.viewer.dims.current_step) == (zoom, at)

    def test_without_a_registration_the_key_says_so(self, open_widget: Any, study: FakeStudy) -> None:
        review = open_widget(study).review
        review.act("registered")
        assert not review.loading
        assert "No registration" in review.panel.note.text()

    def test_the_flicker_runs_until_another_way_is_chosen(self, open_widget: Any, study: FakeStudy, qtbot: Any) -> None:
        review = open_widget(study).review
        review.act("flicker")
        shown = [review.scene.third.on_right]
        qtbot.waitUntil(lambda: review.scene.third.on_right != shown[0], timeout=5_000)
        assert review.flicker.running
        review.act("compare_next")
        qtbot.waitUntil(lambda: not review.flicker.running, timeout=5_000)

    def test_a_row_of_the_labels_outlines_that_label(self, open_widget: Any, study: FakeStudy, settle: Settle) -> None:
        review = open_widget(study, blinded=False).review
        review.tabs.labels.label_chosen.emit(2)
        assert review.scene.outlines.label == 2
        assert set(np.unique(review.scene.layers[1].data)) == {0, 2}

    def test_volumes_below_the_slices(self, open_widget: Any, study: FakeStudy, settle: Settle) -> None:
        widget = open_widget(study)
        review, window = widget.review, widget.window()
        review.act("volumes_beside")
        volumes = review.volumes.scene
        assert not review.scene.in_3d
        assert volumes.in_3d
        assert volumes.layers[0].data is review.scene.layers[0].data, "no copies"
        dock = window.findChild(QDockWidget, "Volumes in 3D")
        assert not dock.features() & QDockWidget.DockWidgetFeature.DockWidgetFloatable
        review.session.next()
        settle(review)
        assert volumes.images is review.scene.images
        review.act("ab")
        assert volumes.layers[4].data is review.scene.images.left
        review.act("volumes_beside")
        assert not review.volumes.visible
        assert window.findChild(QDockWidget, "Volumes in 3D") is None
        review.act("volumes_beside")
        widget.stop()
        assert window.findChild(QDockWidget, "Volumes in 3D") is None

    def test_calibration_is_closed_to_the_blinded_where_others_have_rated(
        self, open_widget: Any, study: FakeStudy
    ) -> None:
        study.rate(study.reading_list("ben")[0], 4, reader="ben", session="s")
        tabs = open_widget(study).review.tabs
        assert not tabs.is_open(tabs.calibration)

    def test_places_in_a_right_volume_that_lies_otherwise_are_not_marked(
        self, open_widget: Any, study: FakeStudy, settle: Settle
    ) -> None:
        matches = study.matches()
        study.alignments = {(row.synthetic, row.training): np.eye(4) for row in matches.itertuples()}
        review = open_widget(study, blinded=False).review
        assert review.scene.images.alignable
        region = MarkedRegion("point", (40.0, 40.0, 40.0), on="training")
        review.act("registered")
        settle(review)
        review.scene.marker.marked.emit(region)
        assert review.session.draft.regions == []
        assert "Register" in review.panel.note.text()
        review.act("registered")
        settle(review)
        review.scene.marker.marked.emit(region)
        assert review.session.draft.regions == [region]

    def test_outlines_are_seen_at_once(self, open_widget: Any, study: FakeStudy, settle: Settle) -> None:
        """Without anything having been switched off and on; after the next pair too."""
        review = open_widget(study).review
        for _ in range(2):
            left = [review.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)]
            review.act("overlay")
            left.append(review.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int))
            review.act("overlay")
            with_outlines, without = (picture[:, : picture.shape[1] // 3] for picture in left)
            assert (np.ptp(with_outlines, axis=2) > 40).sum() > 10 + (np.ptp(without, axis=2) > 40).sum()
            review.act("next")
            settle(review)

    def test_closing_the_dock_gives_the_window_back(self, open_widget: Any, study: FakeStudy, qtbot: Any) -> None:
        widget = open_widget(study)
        viewer, window = widget.viewer, widget.window()
        docks = {dock.objectName(): dock for dock in window.findChildren(QDockWidget)}
        assert docks["layer list"].isHidden()
        assert STUDY_DOCK in viewer.window.dock_widgets
        viewer.window.remove_dock_widget(widget)
        assert widget.review is None
        assert study.closed
        assert len(viewer.layers) == 0
        assert STUDY_DOCK not in viewer.window.dock_widgets
        assert not docks["layer list"].isHidden()
        widget.deleteLater()

    def test_an_error_in_a_file_is_one_line_and_no_crash(
        self, open_widget: Any, study: FakeStudy, qtbot: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        review = open_widget(study).review

        def broken(cohort: str, name: str) -> FakeVolume:
            raise DataError(f"{name}.nii.gz", "is truncated", "make it again")

        monkeypatch.setattr(study, "volume", broken)
        review.session.go_to(6)
        qtbot.waitUntil(lambda: "truncated" in review.panel.note.text(), timeout=10_000)
        assert review.loading
        review.act("grade_4")
        assert review.session.draft.grade is None, "what is not seen is not rated"

    def test_unblinded_any_match_can_be_looked_at(self, open_widget: Any, study: FakeStudy, settle: Settle) -> None:
        review = open_widget(study, blinded=False).review
        index = review.tabs.matches.proxy.index(1, 0)
        review.tabs.matches.view.activated.emit(index)
        settle(review)
        assert review.scene.layers[2].name == "Training  patient-01"
        assert not review.session.rateable

    def test_a_folder_that_is_no_study_is_said_in_one_line(
        self, make_napari_viewer: Any, qtbot: Any, tmp_path: Path
    ) -> None:
        widget = ReviewWidget(make_napari_viewer())
        qtbot.addWidget(widget)
        widget.open_folder(tmp_path)
        qtbot.waitUntil(lambda: "Opening" not in widget.message.text(), timeout=20_000)
        assert str(tmp_path) in widget.message.text()
        assert "\n" not in widget.message.text()


def canvas_of(review: Any) -> QWidget:
    """The widget on which napari draws."""
    for widget in review.panel.window().centralWidget().findChildren(QWidget):
        if type(widget).__name__.startswith("CanvasBackend"):
            return widget
    raise LookupError("no canvas")


def move(canvas: QWidget, to: QPoint, button: Any, qtbot: Any, modifiers: Any = None) -> None:
    """A move with a button held, as the window system sends it; napari throttles moves."""
    kept = Qt.KeyboardModifier.NoModifier if modifiers is None else modifiers
    for back in (6, 3, 0):
        place = QPointF(to - QPoint(back, back))
        QApplication.sendEvent(
            canvas, QMouseEvent(QEvent.Type.MouseMove, place, canvas.mapToGlobal(place), button, button, kept)
        )
        qtbot.wait(30)


def difference_cell(viewer: Any) -> np.ndarray:
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float)
    return picture[:, 2 * picture.shape[1] // 3 :]


def brightest(viewer: Any) -> tuple[int, int]:
    """Where the brightest part of the left cell lies seen from the cell's middle: (down, right), as signs."""
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float)
    height, width = picture.shape[:2]
    cell = picture[60 : height - 60, 30 : width // 3 - 30].max(axis=2)
    rows, columns = np.nonzero(cell > 0.9 * cell.max())
    down, right = rows.mean() - cell.shape[0] / 2, columns.mean() - cell.shape[1] / 2
    return int(np.sign(down)), int(np.sign(right))
