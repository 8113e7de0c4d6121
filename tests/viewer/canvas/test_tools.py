"""Window, crosshair, ways to compare and marks of the scene, by the mouse and by their actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_study import FakeStudy, FakeVolume
from napari.components import ViewerModel

from napari_relict.measures.segmentation import label_difference
from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.pair import modes
from napari_relict.viewer.pair.modes import Mode
from napari_relict.viewer.pair.pair import PairKey, load_pair
from napari_relict.viewer.pair.planes import Marks, Plane, place_text
from napari_relict.viewer.pair.text import CellTexts

TEXTS = CellTexts("Left", "Right", "Difference  left − right", "left", "right")
COPY, NEW = PairKey("syn-00", "patient-00"), PairKey("syn-03", "patient-03")


@pytest.fixture
def scene(study: FakeStudy) -> ReviewScene:
    scene = ReviewScene(ViewerModel())
    scene.viewer.canvas.size = (600, 1200)
    # Who keeps ratings keeps marks, too: here, all of them.
    scene.marker.marked.connect(lambda region: scene.marker.show([*scene.marker.regions, region]))
    scene.show(load_pair(study, NEW), TEXTS)
    return scene


@pytest.fixture
def ct(study: FakeStudy) -> ReviewScene:
    class Scanner:
        def volume(self, cohort: str, name: str) -> FakeVolume:
            return replace(study.volume(cohort, name), value_range=(-1000.0, 1000.0), unit="HU")

    scene = ReviewScene(ViewerModel())
    scene.viewer.canvas.size = (600, 1200)
    scene.show(load_pair(Scanner(), NEW), TEXTS)
    return scene


def drag(
    scene: ReviewScene,
    button: int,
    pixels: Sequence[tuple[float, float]],
    places: Sequence[Sequence[float]] | None = None,
    cell: int = 0,
    modifiers: tuple[str, ...] = (),
) -> bool:
    """Press, move and release as napari does it; True when napari's camera is kept out of it."""
    places = places or [(0.0, 0.0, 0.0)] * len(pixels)
    event: Any = SimpleNamespace(type="mouse_press", button=button, modifiers=modifiers, handled=False)
    event.pos, event.position, event.viewbox = pixels[0], places[0], (0, cell)
    gesture = scene.mouse.on_press(scene.viewer, event)
    for _ in gesture:
        kept = event.handled
        break
    else:
        return bool(event.handled)
    for pos, place in zip(pixels[1:], places[1:], strict=True):
        event.type, event.pos, event.position = "mouse_move", pos, place
        next(gesture)
    event.type = "mouse_release"
    assert next(gesture, "end") == "end"
    return bool(kept)


# Window and level -------------------------------------------------------------------------------------------
def test_dragging_with_the_right_button_sets_both_windows(ct: ReviewScene) -> None:
    assert drag(ct, 2, [(100, 100), (225, 100), (350, 100)])
    assert tuple(ct.layers[0].contrast_limits) == tuple(ct.layers[2].contrast_limits) == (-360, 440)
    assert ct.annotations.texts["window"].text == "W 800  L 40 HU"
    drag(ct, 2, [(100, 100), (100, 50)])
    assert ct.layers[0].contrast_limits[0] > -360, "upwards the level rises"
    event = SimpleNamespace(button=2, handled=False)
    ct.mouse.on_double_click(ct.viewer, event)
    assert event.handled
    assert tuple(ct.layers[0].contrast_limits) == (-160, 240)


def test_the_difference_follows_the_window(ct: ReviewScene) -> None:
    images = ct.images
    for name, (low, high) in {"brain": (0, 80), "bone": (-500, 1500)}.items():
        ct.windows.choose(name)
        seen = [np.clip((image - low) / (high - low), 0, 1) for image in (images.left, images.right)]
        np.testing.assert_allclose(np.asarray(ct.layers[4].data), seen[0] - seen[1], atol=1e-5)
    ct.windows.drag((-1000, 1000))
    np.testing.assert_allclose(np.asarray(ct.layers[4].data), (images.left - images.right) / 2000, atol=1e-5)


def test_one_key_goes_through_the_presets(ct: ReviewScene) -> None:
    seen = []
    for _ in range(5):
        ct.windows.next()
        seen.append(ct.annotations.texts["window"].text)
    assert seen == ["W 80  L 40 HU", "W 215  L 75 HU", "W 2000  L 500 HU", "W 1500  L -600 HU", "W 400  L 40 HU"]


def test_the_window_is_kept_from_pair_to_pair_and_through_3d(scene: ReviewScene, study: FakeStudy) -> None:
    scene.windows.drag((0.2, 0.6))
    scene.windows.end_drag()
    scene.show(load_pair(study, COPY), TEXTS)
    assert tuple(scene.layers[2].contrast_limits) == (0.2, 0.6)
    scene.toggle_3d()
    assert tuple(scene.layers[0].contrast_limits) == scene.images.volume_window
    scene.toggle_3d()
    assert tuple(scene.layers[0].contrast_limits) == (0.2, 0.6)


# Crosshair ----------------------------------------------------------------------------------------------------
def test_a_click_moves_slices_and_crosshair(scene: ReviewScene) -> None:
    assert not drag(scene, 1, [(10, 10), (11, 10)], [(96.0, 40.0, 80.0)] * 2, cell=2), "napari still moves the picture"
    assert scene.viewer.dims.current_step == (24, 10, 20)
    for strokes in scene.cells.strokes:
        assert len(strokes.data) == 4
        ends = strokes.data[:, 0] + strokes.data[:, 1]
        gaps = [np.abs(end - (24, 10, 20)).max() for end in (*strokes.data[:, 0], *ends)]
        assert min(gaps) > 0.3, "a gap at the centre"
    scene.set_plane(Plane.SAGITTAL)
    assert scene.viewer.dims.current_step == (24, 10, 20)
    assert set(scene.cells.strokes[0].data[:, 0, 2]) == {20}
    scene.pointer.toggle()
    assert not len(scene.cells.strokes[0].data)
    assert not scene.annotations.texts["place"].visible


def test_a_drag_with_the_left_button_moves_no_crosshair(scene: ReviewScene) -> None:
    before = scene.viewer.dims.current_step
    drag(scene, 1, [(10, 10), (60, 10), (10, 10)], [(96.0, 40.0, 80.0)] * 3)
    assert scene.viewer.dims.current_step == before


def test_no_slider_grows_by_what_is_drawn(scene: ReviewScene) -> None:
    before = scene.viewer.dims.range
    scene.pointer.go_to((0, 0, 0))
    scene.marker.show([MarkedRegion("box", (0, 0, 0), (40, 40, 40)), MarkedRegion("point", (0, 0, 0))])
    assert scene.viewer.dims.range == before


def test_there_is_no_crosshair_in_volumes(scene: ReviewScene) -> None:
    scene.pointer.go_to((96, 40, 80))
    scene.set_3d(True)
    assert not len(scene.cells.strokes[0].data)
    scene.set_3d(False)
    assert len(scene.cells.strokes[0].data) == 4


def test_the_place_is_written_with_the_patients_letters() -> None:
    text = place_text((40, 10, 5), (41, 41, 41), (2.0, 2.0, 2.0))
    assert text == "R 30.0  A 20.0  S 40.0 mm   voxel 6, 11, 41"


# Ways to compare ------------------------------------------------------------------------------------------------
def test_one_key_goes_through_the_ways_to_compare(scene: ReviewScene) -> None:
    titles = []
    for _ in Mode:
        titles.append(scene.layers[4].name)
        scene.third.next_mode()
    assert titles == [
        "Difference  left − right",
        "Checkerboard  left / right",
        "Swipe  left | right",
        "Overlay  left + right",
        "A/B  Left",
    ]
    assert scene.state.mode is Mode.DIFFERENCE
    assert not scene.cells.second.visible


def test_overlay_of_the_same_is_grey(scene: ReviewScene, study: FakeStudy) -> None:
    scene.show(load_pair(study, COPY), TEXTS)
    scene.third.set_mode(Mode.OVERLAY)
    assert scene.cells.second.visible
    colours = [layer.colormap.map(np.array([0.5]))[0, :3] for layer in (scene.layers[4], scene.cells.second)]
    np.testing.assert_allclose(colours[0] + colours[1], 0.5, atol=0.02)
    assert "blue" in scene.annotations.texts["only_right"].text


def test_a_b_shows_one_volume_and_then_the_other(scene: ReviewScene, study: FakeStudy) -> None:
    scene.third.swap()
    assert scene.layers[4].data is scene.images.left
    scene.third.swap()
    assert scene.layers[4].data is scene.images.right
    assert scene.layers[4].name == "A/B  Right"
    scene.set_3d(True)
    assert scene.layers[4].data is scene.images.right
    assert scene.layers[4].name == "A/B  Right"
    scene.set_3d(False)
    scene.show(load_pair(study, PairKey("syn-02", "patient-02", mirrored=True)), TEXTS)
    assert [scene.cells.marks(cell).left for cell in range(3)] == ["R", "L", "L"], "letters of the volume it shows"
    scene.third.swap()
    assert scene.cells.marks(2) == Marks("R", "L", "A", "P")


def test_unblinded_a_b_names_the_cohort() -> None:
    said = modes.title(Mode.AB, "", "synthetic", "training", on_right=True, in_3d=False)
    assert said == "A/B  Right: training"


def test_other_ways_give_way_to_the_difference_in_volumes(scene: ReviewScene) -> None:
    scene.third.set_mode(Mode.OVERLAY)
    scene.set_3d(True)
    assert scene.layers[4].name == "Difference  (overlay in 2D)"
    assert not scene.cells.second.visible
    scene.set_3d(False)
    assert scene.cells.second.visible


def test_the_line_of_the_swipe_is_dragged(scene: ReviewScene) -> None:
    scene.third.set_mode(Mode.SWIPE)
    images = scene.images
    first, last = images.bounds[0][2], images.bounds[1][2]
    place = (0.0, 0.0, 4.0 * (first + 5))
    assert drag(scene, 1, [(10, 10), (80, 10)], [place, place], cell=2)
    shown = np.asarray(scene.layers[4].data)
    np.testing.assert_array_equal(shown[..., : first + 5], images.left[..., : first + 5])
    np.testing.assert_array_equal(shown[..., first + 6 :], images.right[..., first + 6 :])
    assert [len(strokes.data) for strokes in scene.cells.strokes] == [0, 0, 1]
    assert not drag(scene, 1, [(10, 10), (80, 10)], [place, place], cell=0), "other cells move as ever"
    scene.third.move_split(1.0)
    np.testing.assert_array_equal(np.asarray(scene.layers[4].data)[..., : last + 1], images.left[..., : last + 1])


# Largest differences --------------------------------------------------------------------------------------------
def test_jump_goes_round_the_largest_differences(scene: ReviewScene) -> None:
    image = np.full((48, 56, 48), 0.5, np.float32)
    other = image.copy()
    other[10:14, 10:14, 10:14], other[30:33, 40:43, 30:33] = 1.0, 0.8
    images = replace(scene.images, left=image, right=other, label_difference=None, left_labels=None)
    scene.show(images, TEXTS)
    places = []
    for _ in range(3):
        assert scene.pointer.jump()
        places.append(scene.viewer.dims.current_step)
    assert np.abs(np.subtract(places[0], (11.5, 11.5, 11.5))).max() <= 1
    assert np.abs(np.subtract(places[1], (31, 41, 31))).max() <= 1
    assert places[2] == places[0]
    scene.show(replace(images, right=image), TEXTS)
    assert not scene.pointer.jump()


def test_what_was_found_of_another_look_is_dropped(scene: ReviewScene) -> None:
    search = scene.pointer.search()
    found = search()
    scene.windows.drag((0.0, 0.4))
    assert not scene.pointer.keep(found)
    scene.windows.drag(found.window)
    assert scene.pointer.keep(found)
    assert scene.pointer.search() is None, "known by now"
    scene.pointer.forget()
    assert scene.pointer.search() is not None


def test_jump_follows_the_one_label(scene: ReviewScene) -> None:
    left, right = np.zeros((2, 48, 56, 48), np.uint16)
    left[:20], right[:20] = 1, 1
    left[30:36, 20:26, 20:26] = 2
    images = replace(scene.images, left_labels=left, right_labels=right, label_difference=label_difference(left, right))
    scene.show(images, TEXTS)
    scene.pointer.inspect(2)
    assert scene.state.label == 2
    assert np.abs(np.subtract(scene.viewer.dims.current_step, (32.5, 22.5, 22.5))).max() <= 1


# Marks ------------------------------------------------------------------------------------------------------------
def test_a_box_is_drawn_with_shift(scene: ReviewScene) -> None:
    marked: list[MarkedRegion] = []
    scene.marker.marked.connect(marked.append)
    z = 4.0 * scene.viewer.dims.current_step[0]
    corners = [(z, 40.0, 60.0), (z, 50.0, 70.0), (z, 80.0, 80.0)]
    assert drag(scene, 1, [(10, 10), (30, 30), (90, 50)], corners, cell=1, modifiers=("Shift",))
    assert marked == [MarkedRegion("box", (z, 60.0, 70.0), (30.0, 40.0, 20.0), "training")]
    for strokes, numbers in zip(scene.cells.strokes, scene.cells.numbers, strict=True):
        assert len(strokes.data) == 4
        assert list(numbers.features["number"]) == ["1"]
    scene.step(5)
    assert not len(scene.cells.strokes[0].data), "its depth is the mean of its sides: 30 mm"
    assert not len(scene.cells.numbers[0].data)


def test_a_flat_box_is_one_slice_deep(scene: ReviewScene) -> None:
    z = 4.0 * scene.viewer.dims.current_step[0]
    drag(scene, 1, [(10, 10), (30, 30)], [(z, 40.0, 60.0), (z, 41.0, 61.0)], modifiers=("Shift",))
    assert scene.marker.regions[0].size == (4.0, 1.0, 1.0)
    assert scene.marker.regions[0].on == "synthetic"


def test_a_point_is_marked_under_the_mouse_else_at_the_crosshair(scene: ReviewScene) -> None:
    scene.pointer.go_to((80, 100, 60))
    scene.marker.mark_point()
    assert scene.marker.regions[-1] == MarkedRegion("point", (80, 100, 60), on="both")
    viewer = scene.viewer
    viewer.cursor.position, viewer.cursor.viewbox, viewer.mouse_over_canvas = (80.0, 61.25, 42.5), (0, 0), True
    scene.marker.mark_point()
    assert scene.marker.regions[-1] == MarkedRegion("point", (80.0, 61.25, 42.5), on="synthetic")
    assert list(scene.cells.numbers[2].features["number"]) == ["1", "2"]


def test_marks_are_of_their_pair(scene: ReviewScene, study: FakeStudy) -> None:
    regions = [MarkedRegion("point", (80, 100, 60))]
    scene.marker.show(regions)
    scene.show(load_pair(study, replace(NEW, registered=True)), TEXTS)
    assert scene.marker.regions == regions, "registered or not, it is the same pair"
    scene.show(load_pair(study, COPY), TEXTS)
    assert scene.marker.regions == []


def test_swapped_sides_say_which_volume_was_marked(scene: ReviewScene, study: FakeStudy) -> None:
    scene.show(load_pair(study, replace(NEW, swapped=True)), TEXTS)
    z = 4.0 * scene.viewer.dims.current_step[0]
    for cell, on in enumerate(("training", "synthetic", "both")):
        scene.marker.mark_box((z, 40.0, 60.0), (z, 60.0, 80.0), cell)
        assert scene.marker.regions[-1].on == on


# The rest -----------------------------------------------------------------------------------------------------------
def test_the_status_bar_forgets_the_pair_before(scene: ReviewScene, study: FakeStudy) -> None:
    scene.viewer.status = "Synthetic  syn-03: 0.4"
    scene.show(load_pair(study, COPY), TEXTS)
    assert scene.viewer.status == ""


def test_two_ways_to_render_volumes(scene: ReviewScene) -> None:
    scene.set_3d(True)
    scene.next_rendering()
    assert scene.layers[0].rendering == "mip"
    assert scene.annotations.texts["window"].text == "Maximum"
    scene.next_rendering()
    assert scene.layers[2].rendering == "attenuated_mip"


def test_close_gives_the_mouse_back(scene: ReviewScene) -> None:
    viewer = scene.viewer
    scene.close()
    assert [callback.__name__ for callback in viewer.mouse_double_click_callbacks] == ["double_click_to_zoom"]
    assert scene.mouse.on_press not in viewer.mouse_drag_callbacks
