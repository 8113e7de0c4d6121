"""A known rotation, with and without a mirror, of a phantom that is its own image under neither."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from fake_study import FakeStudy
from napari.components import ViewerModel

from napari_relict.viewer.canvas.captions import lies
from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.pair.pair import PairKey, load_pair
from napari_relict.viewer.pair.text import CellTexts
from napari_relict.volumes.affines import matrix_of
from napari_relict.volumes.cohort import PreparedVolume
from napari_relict.volumes.registering import moved

SHAPE, SPACING = (40, 48, 56), (3.0, 2.5, 2.0)


def phantom() -> PreparedVolume:
    """A body with a large kidney at the patient's left (label 2), a small one at the right (1), a lesion in front."""
    z, y, x = (
        (np.arange(n) - (n - 1) / 2) * step for n, step in zip(SHAPE, SPACING, strict=True)
    )  # fmt: skip
    z, y, x = z[:, None, None], y[None, :, None], x[None, None, :]

    def ball(cz: float, cy: float, cx: float, radius: float) -> np.ndarray:
        return (z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= radius**2

    image = np.where((z / 50) ** 2 + (y / 45) ** 2 + (x / 42) ** 2 <= 1, 0.4, 0).astype(np.float32)
    left, right = ball(-5, 12, 20, 13), ball(8, 10, -18, 9)
    image[left], image[right], image[ball(20, -22, 8, 8)] = 0.9, 0.7, 1.0
    labels = np.zeros(SHAPE, np.uint16)
    labels[right], labels[left] = 1, 2
    return PreparedVolume("p", "training", image, labels, SPACING, (0, 1), "", "", {1: 2, 2: 1})


def rotation() -> np.ndarray:
    turn = sitk.Euler3DTransform()
    turn.SetRotation(0.12, -0.2, 0.25)
    turn.SetTranslation((4.0, -3.0, 2.0))
    return matrix_of(turn)


class Turned(FakeStudy):
    """The training volume is the phantom; the synthetic one is a copy, turned and perhaps mirrored.

    `alignment` is grid mm of the synthetic volume (mirrored where the pair is) -> mm of the training volume.
    """

    mirror = False

    def volume(self, cohort: str, name: str) -> PreparedVolume:
        training = phantom()
        if cohort == "training":
            return training
        # What the search compares: S(p) = T(A p). As it is stored, the mirror image of that.
        copy = moved(training, rotation())
        return replace(copy.mirrored() if self.mirror else copy, cohort="synthetic")

    def alignment(self, synthetic: str, training: str) -> np.ndarray:
        return rotation()


def alike(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one[4:-4, 4:-4, 4:-4].ravel(), other[4:-4, 4:-4, 4:-4].ravel())[0, 1])


def dice(one: np.ndarray, other: np.ndarray, label: int) -> float:
    a, b = one == label, other == label
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("mirror", [False, True])
def test_the_right_volume_lies_on_the_left_one(mirror: bool, swapped: bool) -> None:
    study = Turned()
    study.mirror = mirror
    as_it_lies = load_pair(study, PairKey("s", "t", mirror, swapped))
    registered = load_pair(study, PairKey("s", "t", mirror, swapped, registered=True))
    assert registered.registered
    assert not as_it_lies.registered
    assert as_it_lies.alignable
    np.testing.assert_array_equal(registered.left, as_it_lies.left)
    assert alike(registered.left, registered.right) > 0.97
    assert alike(as_it_lies.left, as_it_lies.right) < 0.9
    for label in (1, 2):
        assert dice(registered.left_labels, registered.right_labels, label) > 0.9, "the kidneys keep their sides"
    assert set(np.unique(registered.right_labels)) == {0, 1, 2}, "labels are not blended"


def test_a_mask_that_was_flipped_with_its_image_keeps_its_names() -> None:
    """The synthetic volume calls what lies left the right kidney: its names agree as they are stored."""
    study = Turned()
    study.mirror = True
    volume = study.volume

    def flipped(cohort: str, name: str) -> PreparedVolume:
        found = volume(cohort, name)
        swap = np.array([0, 2, 1], np.uint16)
        return replace(found, labels=swap[found.labels]) if cohort == "synthetic" else found

    study.volume = flipped
    for swapped in (False, True):
        images = load_pair(study, PairKey("s", "t", True, swapped, registered=True))
        assert min(dice(images.left_labels, images.right_labels, label) for label in (1, 2)) > 0.9


def test_without_a_known_alignment_nothing_is_moved(study: FakeStudy) -> None:
    plain = load_pair(study, PairKey("syn-03", "patient-03"))
    asked = load_pair(study, PairKey("syn-03", "patient-03", registered=True))
    np.testing.assert_array_equal(plain.right, asked.right)
    assert not asked.registered
    assert not asked.alignable


def test_under_the_title_it_says_how_the_volume_lies(study: FakeStudy) -> None:
    assert lies(registered=True, alignable=True) == "(registered)"
    assert "not registered" in lies(registered=False, alignable=True)
    assert lies(registered=True, alignable=False) == ""
    scene = ReviewScene(ViewerModel())
    texts = CellTexts("Left", "Right", "Difference", "left", "right")
    scene.show(load_pair(Turned(), PairKey("s", "t", registered=True)), texts)
    assert scene.cells.note == "(registered)"
    assert not any("\n" in layer.name for layer in scene.layers), "the status bar has one line"
    scene.show(load_pair(study, PairKey("syn-03", "patient-03", registered=True)), texts)
    assert scene.cells.note == ""
