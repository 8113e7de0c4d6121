from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from fake_study import FakeStudy, FakeVolume
from napari.components import ViewerModel

from napari_relict.measures.segmentation import BOTH, ONLY_LEFT, ONLY_RIGHT, OTHER_LABEL
from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.pair.pair import PairKey, PairStore, load_pair
from napari_relict.viewer.pair.planes import Marks, Plane
from napari_relict.viewer.pair.text import CellTexts

TEXTS = CellTexts("Synthetic  s", "Training  t", "Difference", "synthetic", "training")
COPY, NEW = PairKey("syn-00", "patient-00"), PairKey("syn-03", "patient-03")


@pytest.fixture
def scene(study: FakeStudy) -> ReviewScene:
    scene = ReviewScene(ViewerModel())
    scene.viewer.canvas.size = (600, 1200)
    scene.show(load_pair(study, NEW), TEXTS)
    return scene


def test_three_cells_with_titles(scene: ReviewScene) -> None:
    viewer = scene.viewer
    cells = [indices for _, indices in viewer.canvas.grid.iter_viewboxes(viewer.layers)]
    second = list(viewer.layers).index(scene.cells.second)
    assert second == 19
    third = tuple(index for index in range(18, 27) if index != second)  # seen in overlays alone
    assert cells == [tuple(range(9)), tuple(range(9, 18)), third]
    titles = [viewer.layers[i].name for i in (1, 10, 18)]
    assert titles == ["Synthetic  s", "Training  t", "Difference"]
    assert [layer.name for layer in scene.layers[::2]] == titles
    assert all(layer.name_overlay.visible for layer in scene.layers[::2])


def test_another_pair_swaps_data_and_adds_no_layer(scene: ReviewScene, study: FakeStudy) -> None:
    before = list(scene.viewer.layers)
    images = load_pair(study, COPY)
    scene.show(images, TEXTS)
    assert list(scene.viewer.layers) == before
    np.testing.assert_array_equal(scene.layers[0].data, images.left)
    np.testing.assert_array_equal(scene.layers[4].data, 0)
    assert set(np.unique(scene.layers[5].data)) == {0, BOTH}


def test_planes_are_shown_radiologically(scene: ReviewScene) -> None:
    viewer = scene.viewer
    assert viewer.dims.displayed == (1, 2)
    assert viewer.scene.camera.orientation[1:] == ("down", "right")  # rows are y: the back is down
    assert [scene.cells.marks(cell) for cell in range(3)] == 3 * [Marks("R", "L", "A", "P")]
    scene.set_plane(Plane.CORONAL)
    assert viewer.dims.displayed == (0, 2)
    assert viewer.scene.camera.orientation[1:] == ("up", "right")  # rows are z: the head is up
    assert scene.cells.marks(0).top == "S"
    scene.set_plane(Plane.SAGITTAL)
    assert viewer.dims.displayed == (0, 1)
    assert scene.cells.marks(2) == Marks("A", "P", "S", "I")


def test_the_mirrored_cell_has_its_own_letters(scene: ReviewScene, study: FakeStudy) -> None:
    """Right and left are exchanged on the right-hand cell alone, in slices and in volumes, and not for ever."""
    scene.show(load_pair(study, PairKey("syn-02", "patient-02", mirrored=True)), TEXTS)
    assert [scene.cells.marks(cell).left for cell in range(3)] == ["R", "L", "R"]
    assert [scene.cells.marks(cell).right for cell in range(3)] == ["L", "R", "L"]
    scene.set_plane(Plane.SAGITTAL)
    assert scene.cells.marks(1) == scene.cells.marks(0)
    scene.set_3d(True)
    camera = scene.viewer.scene.camera
    camera.set_view_direction(view_direction=(0, 1, 0.9), up_direction=(1, 0, 0))
    assert [scene.cells.marks(cell).left for cell in range(3)] == ["RP", "LP", "RP"]
    names = [layer.name for layer in scene.viewer.layers]
    assert len(set(names)) == len(names)
    assert not any("[" in name or "mark" in name for name in names), "no name was changed by napari"
    scene.set_3d(False)
    scene.show(load_pair(study, NEW), TEXTS)
    assert scene.cells.marks(1) == scene.cells.marks(0)


def test_3d_looks_at_the_face_and_is_no_mirror_image(scene: ReviewScene) -> None:
    compared = np.full(scene.images.left.shape, BOTH, np.uint8)
    compared[5:9, 5:9, 5:9], compared[20:24, 5:9, 5:9] = ONLY_LEFT, ONLY_RIGHT
    scene.show(replace(scene.images, label_difference=compared), TEXTS)
    scene.set_3d(True)
    camera = scene.viewer.scene.camera
    assert scene.viewer.dims.ndisplay == 3
    np.testing.assert_allclose(camera.view_direction, (0, 1, 0), atol=1e-6)
    np.testing.assert_allclose(camera.up_direction, (1, 0, 0), atol=1e-6)
    assert camera.orientation == ("away", "down", "right")
    assert scene.cells.marks(0) == Marks("R", "L", "S", "I")
    assert set(np.unique(scene.layers[5].data)) == {0, ONLY_LEFT, ONLY_RIGHT}
    camera.set_view_direction(view_direction=(0, -1, 0), up_direction=(1, 0, 0))
    assert scene.cells.marks(0) == Marks("L", "R", "S", "I"), "marks follow the camera"


def test_back_from_3d_everything_is_as_before(scene: ReviewScene) -> None:
    scene.set_plane(Plane.CORONAL)
    scene.step(3)
    before = scene.viewer.dims.current_step
    scene.toggle_3d()
    scene.toggle_3d()
    assert scene.viewer.dims.ndisplay == 2
    assert scene.state.plane is Plane.CORONAL
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
    assert off[0] < 30, "between the title and the legend"


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
    scene.outlines.toggle()
    assert not any(layer.visible for layer in scene.layers[1::2])
    cells = [indices for _, indices in scene.viewer.canvas.grid.iter_viewboxes(scene.viewer.layers)]
    assert [cell[0] for cell in cells] == [0, 9, 18], "no cell moves when its outlines go"
    assert scene.annotations.texts["only_left"].text == "▲ synthetic: brighter"
    assert not scene.annotations.texts["both"].visible
    scene.outlines.toggle()
    assert all(layer.visible for layer in scene.layers[1::2])


def test_one_label_alone(scene: ReviewScene) -> None:
    text = scene.annotations.texts["label"]
    scene.outlines.next()
    assert set(np.unique(scene.layers[1].data)) == {0, 1}
    assert OTHER_LABEL not in scene.layers[5].data
    assert text.visible
    scene.outlines.next()
    assert set(np.unique(scene.layers[3].data)) == {0, 2}
    assert text.text == "label 2 alone"
    scene.outlines.next()
    assert set(np.unique(scene.layers[1].data)) == {0, 1, 2}
    assert OTHER_LABEL in scene.layers[5].data
    assert not text.visible


def test_the_wheel_goes_through_slices_and_leaves_modifiers_to_napari(scene: ReviewScene) -> None:
    at = scene.viewer.dims.current_step[0]
    event = SimpleNamespace(modifiers=(), delta=(0, 1), handled=False)
    scene.mouse.on_wheel(scene.viewer, event)
    assert scene.viewer.dims.current_step[0] == at + 1
    assert event.handled
    zoom = SimpleNamespace(modifiers=("Shift",), delta=(0, 1), handled=False)
    scene.mouse.on_wheel(scene.viewer, zoom)
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
    assert scene.mouse.on_wheel not in viewer.mouse_wheel_callbacks


def test_mirrored_and_swapped_pairs_are_loaded_so(study: FakeStudy) -> None:
    plain = load_pair(study, PairKey("syn-02", "patient-02"))
    mirrored = load_pair(study, PairKey("syn-02", "patient-02", mirrored=True))
    swapped = load_pair(study, PairKey("syn-02", "patient-02", mirrored=True, swapped=True))
    assert np.abs(plain.difference).max() > 0.1
    np.testing.assert_array_equal(mirrored.difference, 0)
    np.testing.assert_array_equal(swapped.difference, 0)
    np.testing.assert_array_equal(mirrored.right, plain.right[..., ::-1])
    # Whichever volume is on the right is the mirrored one: blinded, letters must not tell the sides apart.
    np.testing.assert_array_equal(swapped.left, plain.right)
    np.testing.assert_array_equal(swapped.right, plain.left[..., ::-1])
    np.testing.assert_array_equal(swapped.right_labels, plain.left_labels[..., ::-1])


def test_ct_is_in_hounsfield_units_and_shown_in_a_soft_tissue_window(study: FakeStudy) -> None:
    class Scanner:
        def volume(self, cohort: str, name: str) -> FakeVolume:
            return replace(study.volume(cohort, name), value_range=(-1000.0, 1000.0), unit="HU")

    images = load_pair(Scanner(), NEW)
    stored = study.volume("synthetic", "syn-03").image
    np.testing.assert_allclose(images.left, stored * 2000 - 1000, atol=1e-3)
    assert images.window == (-160, 240)
    scene = ReviewScene(ViewerModel())
    scene.show(images, TEXTS)
    assert tuple(scene.layers[0].contrast_limits) == (-160, 240)
    scene.set_3d(True)
    assert scene.layers[0].contrast_limits[0] > 0
    # Bone against bone is white on both sides, and so no difference.
    white = (images.left > 240) & (images.right > 240)
    assert white.any()
    np.testing.assert_array_equal(images.difference[white], 0)


def test_layers_of_the_viewer_are_put_aside_and_come_back(study: FakeStudy) -> None:
    viewer = ViewerModel()
    mine = viewer.add_image(np.zeros((3, 4, 20, 20)))
    scene = ReviewScene(viewer)
    scene.show(load_pair(study, NEW), TEXTS)
    scene.set_plane(Plane.CORONAL)
    assert mine not in viewer.layers
    assert viewer.dims.ndim == 3
    scene.close()
    assert list(viewer.layers) == [mine]
    assert viewer.dims.order == (0, 1, 2, 3)
    assert viewer.canvas.grid.stride == 1


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
