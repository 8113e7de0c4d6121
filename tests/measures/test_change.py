"""A replica that differs in noise, sharpness or contrast is unchanged; bent anatomy and lesions are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

import phantom
from napari_relict.measures.change import FEWEST_VOXELS, Change, find_change
from napari_relict.measures.contrast import same_contrast

SHAPE = (72, 86, 78)
SPACING = (2.0, 2.0, 2.0)


@pytest.fixture(scope="module")
def head() -> tuple[np.ndarray, np.ndarray]:
    values, labels = phantom.head(4, SHAPE)
    values = ndimage.gaussian_filter(values / 1000, 0.7)
    noise = np.random.default_rng(9).normal(0, 0.01, SHAPE)
    return np.clip(values + noise, 0, 1).astype(np.float32), labels > 0


def _noise(image: np.ndarray) -> np.ndarray:
    return image + np.random.default_rng(0).normal(0, 0.03, image.shape)


def _blur(image: np.ndarray) -> np.ndarray:
    return ndimage.gaussian_filter(image, 1.0)


def _gamma(image: np.ndarray) -> np.ndarray:
    return np.clip(image, 0, 1) ** 1.6


def _inverted(image: np.ndarray) -> np.ndarray:
    return 1 - image


def _inverted_tissue(image: np.ndarray) -> np.ndarray:
    return np.where(image > 0.05, 1.05 - image, image)  # air stays dark


def _shaded(image: np.ndarray) -> np.ndarray:
    return image * np.linspace(0.85, 1.15, image.shape[1])[None, :, None]


def _as_image(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 1).astype(np.float32)


@pytest.mark.parametrize("change", [_noise, _blur, _gamma, _inverted])
def test_what_keeps_the_anatomy_is_no_change(head, change: Callable[[np.ndarray], np.ndarray]) -> None:
    fixed, body = head
    for one, other in ((fixed, _as_image(change(fixed))), (_as_image(change(fixed)), fixed)):
        found = find_change(one, other, body, SPACING)
        assert found.bend_mm < 0.5
        assert found.lesion == 0


@pytest.mark.parametrize("change", [_shaded, _inverted_tissue])
def test_shading_and_a_dark_outside_are_no_lesion(head, change: Callable[[np.ndarray], np.ndarray]) -> None:
    fixed, body = head
    for one, other in ((fixed, _as_image(change(fixed))), (_as_image(change(fixed)), fixed)):
        assert find_change(one, other, body, SPACING).lesion == 0


def _bent(image: np.ndarray, mm: float) -> np.ndarray:
    """Bent by smooth waves, `mm` root mean square in all three directions together."""
    z, y, x = np.indices(image.shape) * SPACING[0]
    waves = [np.sin(2 * np.pi * y / 60), np.sin(2 * np.pi * x / 55 + 1), np.sin(2 * np.pi * z / 65 + 2)]
    shift = np.stack(waves) * mm * np.sqrt(2 / 3) / np.array(SPACING)[:, None, None, None]
    return ndimage.map_coordinates(image, np.indices(image.shape) + shift, order=1, mode="nearest")


def test_bent_anatomy_is_measured_in_mm(head) -> None:
    fixed, body = head
    found = find_change(fixed, _as_image(_bent(fixed, 1.5)), body, SPACING)
    assert 0.8 < found.bend_mm < 2.5
    assert found.bend_mm > find_change(fixed, _as_image(_bent(fixed, 0.5)), body, SPACING).bend_mm


def test_an_affine_difference_is_no_bend(head) -> None:
    fixed, body = head
    middle = (np.array(SHAPE) - 1) / 2
    matrix = np.diag([1.02, 0.985, 1.01])
    matrix[0, 1] = 0.01
    moved = ndimage.affine_transform(fixed, matrix, middle - matrix @ middle + 0.3, order=1)
    assert find_change(fixed, _as_image(moved), body, SPACING).bend_mm < 0.5


def _ball(centre: tuple[int, int, int], radius_mm: float) -> np.ndarray:
    distance = np.sqrt(sum(((np.indices(SHAPE)[k] - centre[k]) * SPACING[k]) ** 2 for k in range(3)))
    return ndimage.gaussian_filter((distance < radius_mm).astype(float), 1.0)


@pytest.mark.parametrize("strength", [0.25, -0.25])
@pytest.mark.parametrize("centre", [(44, 60, 31), (28, 36, 50)])
def test_a_ball_put_in_is_found_where_it_is(head, strength: float, centre: tuple[int, int, int]) -> None:
    fixed, body = head
    ball = _ball(centre, 10)
    changed = _as_image(fixed + strength * ball + np.random.default_rng(0).normal(0, 0.01, SHAPE))
    for one, other in ((fixed, changed), (changed, fixed)):
        found = find_change(one, other, body, SPACING)
        assert found.lesion > 0.1
        assert ball[found.where] > 0.5
        assert found.bend_mm < 0.8


def test_too_little_body_tells_nothing(head) -> None:
    fixed, _ = head
    body = np.zeros(SHAPE, bool)
    body[20:29, 20:29, 20:29] = True
    assert body.sum() < FEWEST_VOXELS
    found = find_change(fixed, fixed, body, SPACING)
    assert np.isnan([found.bend_mm, found.difference, found.contrast, found.lesion]).all()


def test_two_people_differ_all_over(head) -> None:
    """Nothing stands out between entirely different volumes, and yet they are not free of lesions."""
    one, body = head
    other = ndimage.gaussian_filter(phantom.head(5, SHAPE)[0] / 1000, 0.7).astype(np.float32)
    found = find_change(one, other, body & (other > 0.05), SPACING)
    assert found.lesion == found.difference > 0.1


def test_what_does_not_stand_out_is_no_lesion() -> None:
    assert Change(0.1, 0.05, 20.0, (0, 0, 0)).lesion == 0
    assert Change(0.1, 0.5, 20.0, (0, 0, 0)).lesion == 0.5  # 2.5% everywhere
    assert Change(0.1, 0.5, 200.0, (0, 0, 0)).lesion == 0.5


def test_the_same_contrast_comes_back_from_any(head) -> None:
    fixed, body = head
    for change in (_gamma, _inverted):
        seen = same_contrast(fixed, _as_image(change(fixed)), body)
        assert np.abs(seen - fixed)[body].mean() < 0.02
