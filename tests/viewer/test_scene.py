from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from fake_study import FakeStudy
from napari.components import ViewerModel

from napari_relict.viewer.difference import BOTH, ONLY_LEFT, ONLY_RIGHT, OTHER_LABEL
from napari_relict.viewer.pairs import PairKey, PairStore, load_pair
from napari_relict.viewer.planes import Plane
from napari_relict.viewer.scene import CellTexts, ReviewScene

TEXTS = CellTexts("Synthetic  s", "Training  t", "Difference", "synthetic", "training")
COPY, NEW = PairKey("syn-00", "patient-00"), PairKey("syn-03", "patient-03")


@pytest.fixture
def scene(study: FakeStudy) -> ReviewScene:
    scene = ReviewScene(ViewerModel())
    scene.viewer.canvas.size = (600, 1200)
    scene.show(load_pair(study, NEW), TEXTS)
    return scene


def test_three_cells_of_two_layers_with_titles(scene: ReviewScene) -> None:
    viewer = scene.viewer
    cells = [indices for _, indices in viewer.canvas.grid.iter_viewboxes(viewer.layers)]
    assert cells == [(0, 1), (2, 3), (4, 5)]
    titles = [viewer.layers[i].name for i in (0, 2, 4)]
    assert titles == ["Synthetic  s", "Training  t", "Difference"]
    assert all(viewer.layers[i].name_overlay.visible for i in (0, 2, 4))


def test_another_pair_swaps_data_and_adds_no_layer(scene: ReviewScene, study: FakeStudy) -> None:
    before = list(scene.viewer.layers)
    images = load_pair(study, COPY)
    scene.show(images, TEXTS)
    assert list(scene.viewer.layers) == before
    np.testing.assert_array_equal(scene.layers[0].data, images.left)
    np.testing.assert_array_equal(scene.layers[4].data, 0)
    assert set(np.unique(scene.layers[5].data)) == {0, BOTH}


def test_planes_are_shown_radiologically(scene: ReviewScene) -> None:
    viewer, marks = scene.viewer, scene.annotations.texts
    assert viewer.dims.displayed == (1, 2)
    assert viewer.scene.camera.orientation[1:] == ("down", "right")  # rows are y: the back is down
    assert (marks["left"].text, marks["right"].text, marks["top"].text.strip()) == ("R", "L", "A")
    scene.set_plane(Plane.CORONAL)
    assert viewer.dims.displayed == (0, 2)
    assert viewer.scene.camera.orientation[1:] == ("up", "right")  # rows are z: the head is up
    assert marks["top"].text.strip() == "S"
    scene.set_plane(Plane.SAGITTAL)
    assert viewer.dims.displayed == (0, 1)
    assert (marks["left"].text, marks["right"].text) == ("A", "P")


def test_3d_looks_at_the_face_and_is_no_mirror_image(scene: ReviewScene) -> None:
    scene.set_3d(True)
    camera, marks = scene.viewer.scene.camera, scene.annotations.texts
    assert scene.viewer.dims.ndisplay == 3
    np.testing.assert_allclose(camera.view_direction, (0, 1, 0), atol=1e-6)
    np.testing.assert_allclose(camera.up_direction, (1, 0, 0), atol=1e-6)
    assert camera.orientation == ("away", "down", "right")
    assert (marks["left"].text, marks["right"].text) == ("R", "L")
    assert set(np.unique(scene.layers[5].data)) == {0, ONLY_LEFT, ONLY_RIGHT}
    camera.set_view_direction(view_direction=(0, -1, 0), up_direction=(1, 0, 0))
    assert (marks["left"].text, marks["right"].text) == ("L", "R"), "marks follow the camera"


def test_back_from_3d_everything_is_as_before(scene: ReviewScene) -> None:
    scene.set_plane(Plane.CORONAL)
    scene.step(3)
    before = scene.viewer.dims.current_step
    scene.toggle_3d()
    scene.toggle_3d()
    assert scene.viewer.dims.ndisplay == 2
    assert scene.plane is Plane.CORONAL
    assert scene.viewer.dims.current_step == before
    assert BOTH in scene.layers[5].data


@pytest.mark.parametrize("plane", list(Plane))
def test_the_anatomy_fills_every_cell(scene: ReviewScene, plane: Plane) -> None:
    scene.set_plane(plane)
    first, last = (np.array(end) for end in scene.images.bounds)
    shown = list(scene.viewer.dims.displayed)
    size = ((last - first + 1) * scene.images.spacing)[shown] * scene.viewer.scene.camera.zoom
    cell = np.array(scene.viewer.canvas.viewbox_size(scene.viewer.layers))
    assert np.all(size < cell)
    assert np.max(size / cell) > 0.7
    centre = ((first + last) / 2 * scene.images.spacing)[shown]
    off = np.abs(np.array(scene.viewer.scene.camera.center[1:]) - centre) * scene.viewer.scene.camera.zoom
    assert off[1] == pytest.approx(0)
    assert off[0] < 20, "a little lower, under the title"


def test_a_larger_window_frames_again_unless_zoomed(scene: ReviewScene) -> None:
    camera = scene.viewer.scene.camera
    before = camera.zoom
    scene.viewer.canvas.size = (1200, 2400)
    assert camera.zoom > 1.5 * before
    camera.zoom = 7.0
    scene.viewer.canvas.size = (600, 1200)
    assert camera.zoom == 7.0


def test_steps_and_slice_text(scene: ReviewScene) -> None:
    at = scene.viewer.dims.current_step[0]
    scene.step(2)
    assert scene.viewer.dims.current_step[0] == at + 2
    assert scene.annotations.texts["slice"].text.startswith(f"Axial  {at + 3} / 48")


def test_outlines_on_and_off(scene: ReviewScene) -> None:
    scene.toggle_overlay()
    assert not any(layer.visible for layer in scene.layers[1::2])
    cells = [indices for _, indices in scene.viewer.canvas.grid.iter_viewboxes(scene.viewer.layers)]
    assert cells == [(0,), (2,), (4,)], "no cell moves when its outlines go"
    scene.toggle_overlay()
    assert all(layer.visible for layer in scene.layers[1::2])


def test_one_label_alone(scene: ReviewScene) -> None:
    text = scene.annotations.texts["label"]
    scene.next_label()
    assert set(np.unique(scene.layers[1].data)) == {0, 1}
    assert OTHER_LABEL not in scene.layers[5].data
    assert text.visible
    scene.next_label()
    assert set(np.unique(scene.layers[3].data)) == {0, 2}
    assert text.text == "label 2 alone"
    scene.next_label()
    assert set(np.unique(scene.layers[1].data)) == {0, 1, 2}
    assert OTHER_LABEL in scene.layers[5].data
    assert not text.visible


def test_the_wheel_goes_through_slices_and_leaves_modifiers_to_napari(scene: ReviewScene) -> None:
    at = scene.viewer.dims.current_step[0]
    event = SimpleNamespace(modifiers=(), delta=(0, 1), handled=False)
    scene._on_wheel(scene.viewer, event)
    assert scene.viewer.dims.current_step[0] == at + 1
    assert event.handled
    zoom = SimpleNamespace(modifiers=("Shift",), delta=(0, 1), handled=False)
    scene._on_wheel(scene.viewer, zoom)
    assert not zoom.handled
    assert scene.viewer.dims.current_step[0] == at + 1


def test_another_pair_is_framed_too_unless_zoomed(scene: ReviewScene, study: FakeStudy) -> None:
    camera = scene.viewer.scene.camera
    small = load_pair(study, COPY)
    inside = replace(small, bounds=((12, 14, 12), (35, 41, 35)))
    before = camera.zoom
    scene.show(inside, TEXTS)
    assert camera.zoom > 1.2 * before
    camera.zoom = 5.0
    scene.show(small, TEXTS)
    assert camera.zoom == 5.0


def test_without_segmentations(study: FakeStudy) -> None:
    study.with_labels = False
    scene = ReviewScene(ViewerModel())
    scene.show(load_pair(study, NEW), TEXTS)
    scene.toggle_3d()
    assert not scene.annotations.texts["both"].visible
    assert scene.annotations.texts["only_left"].text == "▲ synthetic: brighter"


def test_close_leaves_the_viewer_as_it_was(scene: ReviewScene) -> None:
    viewer = scene.viewer
    scene.close()
    assert len(viewer.layers) == 0
    assert not viewer.canvas.grid.enabled
    assert not [key for key in viewer.canvas.overlays if key.startswith("relict")]
    assert scene._on_wheel not in viewer.mouse_wheel_callbacks


def test_mirrored_and_swapped_pairs_are_loaded_so(study: FakeStudy) -> None:
    plain = load_pair(study, PairKey("syn-02", "patient-02"))
    mirrored = load_pair(study, PairKey("syn-02", "patient-02", mirrored=True))
    swapped = load_pair(study, PairKey("syn-02", "patient-02", mirrored=True, swapped=True))
    assert np.abs(plain.difference).max() > 0.1
    np.testing.assert_array_equal(mirrored.difference, 0)
    np.testing.assert_array_equal(swapped.left, mirrored.right)
    np.testing.assert_array_equal(swapped.right, mirrored.left)


def test_the_store_reads_a_pair_once_and_keeps_a_few(study: FakeStudy) -> None:
    store = PairStore(study, keep=2)
    assert store.get(COPY) is None
    store.load(COPY)
    read = len(study.volumes_loaded)
    assert store.load(COPY) is store.get(COPY)
    assert len(study.volumes_loaded) == read
    store.load(NEW)
    store.load(PairKey("syn-04", "patient-04"))
    assert store.get(COPY) is None
    assert store.get(NEW) is not None
