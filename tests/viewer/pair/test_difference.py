from __future__ import annotations

import numpy as np
import pytest

from napari_relict.measures.segmentation import BOTH, ONLY_LEFT, ONLY_RIGHT, OTHER_LABEL, label_difference
from napari_relict.viewer.pair.difference import (
    anatomy_bounds,
    difference_limit,
    signed_difference,
    surfaces,
    windowed,
)


def test_difference_is_left_minus_right() -> None:
    left, right = np.full((2, 2, 2), 0.75, np.float32), np.full((2, 2, 2), 0.25, np.float32)
    np.testing.assert_allclose(signed_difference(left, right), 0.5)
    np.testing.assert_allclose(signed_difference(right, left), -0.5)


def test_grids_must_agree() -> None:
    with pytest.raises(ValueError, match="different grids"):
        signed_difference(np.zeros((2, 2, 2), np.float32), np.zeros((2, 2, 3), np.float32))


def test_every_kind_of_label_difference() -> None:
    left = np.array([[[0, 1, 1, 0, 1, 2]]], np.uint16)
    right = np.array([[[0, 1, 0, 1, 2, 2]]], np.uint16)
    found = label_difference(left, right)
    np.testing.assert_array_equal(found, [[[0, BOTH, ONLY_LEFT, ONLY_RIGHT, OTHER_LABEL, BOTH]]])


def test_one_label_alone_knows_no_other_label() -> None:
    left = np.array([[[1, 1, 2]]], np.uint16)
    right = np.array([[[1, 2, 1]]], np.uint16)
    np.testing.assert_array_equal(label_difference(left, right, label=1), [[[BOTH, ONLY_LEFT, ONLY_RIGHT]]])


def test_swapping_sides_swaps_the_labels() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, 3, (2, 4, 5, 6)).astype(np.uint16)
    swap = np.array([0, BOTH, ONLY_RIGHT, ONLY_LEFT, OTHER_LABEL])
    np.testing.assert_array_equal(label_difference(right, left), swap[label_difference(left, right)])


def test_rounding_noise_is_not_stretched_to_full_colour() -> None:
    noise = np.full((4, 4, 4), 1e-6, np.float32)
    assert difference_limit(noise, np.ones(noise.shape, bool)) == pytest.approx(0.2)
    assert difference_limit(noise * 5e5, np.ones(noise.shape, bool)) == pytest.approx(0.5)


def test_bounds_hold_the_anatomy_of_all_images_and_ignore_a_lone_voxel() -> None:
    a, b = np.zeros((2, 40, 50, 60), np.float32)
    a[10:20, 5:30, 20:40] = 1
    b[15:25, 5:30, 20:45] = 1
    a[39, 49, 59] = 1
    assert anatomy_bounds(a, b, level=0.2) == ((10, 5, 20), (24, 29, 44))


def test_bounds_of_nothing_are_the_grid() -> None:
    assert anatomy_bounds(np.zeros((3, 4, 5), np.float32), level=0.2) == ((0, 0, 0), (2, 3, 4))


def test_a_window_ends_in_black_and_white() -> None:
    image = np.array([-1000, -160, 40, 240, 900], np.float32)
    np.testing.assert_allclose(windowed(image, (-160.0, 240.0)), [0, 0, 0.5, 1, 1])


def test_surfaces_are_of_what_is_thick_and_on_one_side_alone() -> None:
    compared = np.full((10, 10, 10), BOTH, np.uint8)
    compared[1:4, 1:4, 1:4] = ONLY_LEFT
    compared[6:8, 6:8, 6:8] = ONLY_RIGHT
    compared[0, :, :] = ONLY_RIGHT
    compared[8:, :3, :3] = OTHER_LABEL
    seen = surfaces(compared)
    assert (seen == ONLY_LEFT).sum() == 27
    assert (seen == ONLY_RIGHT).sum() == 8
    assert set(np.unique(seen)) == {0, ONLY_LEFT, ONLY_RIGHT}
