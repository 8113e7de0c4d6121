"""The reading room in a real napari window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_study import FakeStudy, FakeVolume
from qtpy.QtWidgets import QDockWidget
from windows import difference_cell, needs_gl

from napari_relict.errors import DataError
from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.viewer.pair.pair import PairKey
from napari_relict.viewer.pair.text import elided
from napari_relict.viewer.plugin import ReviewWidget
from napari_relict.viewer.review.titles import cell_texts
from napari_relict.viewer.training import widget as training_dock
from napari_relict.viewer.widgets.score_strips import HIDDEN

Settle = Callable[[Any], None]


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

    def test_training_shares_the_place_of_the_review_and_reloads_it(
        self, open_widget: Any, study: FakeStudy, settle: Settle, qtbot: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            training_dock, "look", lambda folder: training_dock.Ready(folder, "Fake heads", True, False, ())
        )
        monkeypatch.setattr("napari_relict.study.open_reading", lambda folder: study)
        widget = open_widget(study)
        window, review = widget.window(), widget.review
        review.session.go_to(3)
        settle(review)
        height = window.height()
        _, dock = widget.viewer.window.add_plugin_dock_widget("napari-relict", training_dock.WIDGET_NAME)
        qtbot.waitUntil(lambda: dock.train_button.isEnabled(), timeout=30_000)
        assert dock.study.toolTip() == str(study.folder.resolve()), "the study that is open"
        here = next(one for one in window.findChildren(QDockWidget) if one.isAncestorOf(widget))
        qtbot.waitUntil(lambda: any(one.isAncestorOf(dock) for one in window.tabifiedDockWidgets(here)), timeout=30_000)
        assert window.height() == height
        monkeypatch.setattr(study, "folder", study.folder.resolve())
        dock.show_button.click()
        qtbot.waitUntil(lambda: widget.review not in (None, review), timeout=10_000)
        settle(widget.review)
        assert widget.review.session.position == 3 and widget.review.session.blinded
        widget.viewer.window.remove_dock_widget(dock)

    def test_registered_and_as_it_lies_by_one_key(self, open_widget: Any, study: FakeStudy, settle: Settle) -> None:
        shift = np.eye(4)
        shift[0, 3] = 8.0
        study.alignments = {(pair.synthetic, pair.training): shift for pair in study.reading_list("ana")}
        review = open_widget(study, blinded=False).review
        assert review.scene.images.alignable
        assert review.scene.images.registered
        assert review.scene.cells.note == "(registered)"
        zoom, at = review.viewer.scene.camera.zoom, review.viewer.dims.current_step
        registered = review.scene.images.right
        review.act("registered")
        settle(review)
        assert "not registered" in review.scene.cells.note
        assert not np.array_equal(registered, review.scene.images.right)
        assert (review.viewer.scene.camera.zoom, review.viewer.dims.current_step) == (zoom, at)
        # Places in a right volume that lies otherwise are not marked.
        region = MarkedRegion("point", (40.0, 40.0, 40.0), on="training")
        review.scene.marker.marked.emit(region)
        assert review.session.draft.regions == []
        assert "Register" in review.panel.note.text()
        review.act("registered")
        settle(review)
        review.scene.marker.marked.emit(region)
        assert review.session.draft.regions == [region]

    def test_volumes_below_the_slices(self, open_widget: Any, study: FakeStudy, settle: Settle) -> None:
        widget = open_widget(study)
        review, window = widget.review, widget.window()
        review.act("volumes_beside")
        volumes = review.volumes.scene
        assert not review.scene.state.in_3d
        assert volumes.state.in_3d
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

    def test_a_folder_that_is_no_study_is_said_in_one_line(
        self, make_napari_viewer: Any, qtbot: Any, tmp_path: Path
    ) -> None:
        widget = ReviewWidget(make_napari_viewer())
        qtbot.addWidget(widget)
        widget.open_folder(tmp_path)
        qtbot.waitUntil(lambda: "Opening" not in widget.message.text(), timeout=20_000)
        assert str(tmp_path) in widget.message.text()
        assert "\n" not in widget.message.text()


def brightest(viewer: Any) -> tuple[int, int]:
    """Where the brightest part of the left cell lies seen from the cell's middle: (down, right), as signs."""
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float)
    height, width = picture.shape[:2]
    cell = picture[60 : height - 60, 30 : width // 3 - 30].max(axis=2)
    rows, columns = np.nonzero(cell > 0.9 * cell.max())
    down, right = rows.mean() - cell.shape[0] / 2, columns.mean() - cell.shape[1] / 2
    return int(np.sign(down)), int(np.sign(right))
