"""Keypoints: where they should be, described as the slow twin does, and the mirror image's are the mirror images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

import naive
import phantom
from napari_relict.volumes import keypoints as kp
from napari_relict.volumes.keypoints import CAPACITY, EDGE, LENGTH, PARTS, STEP, STEPS, find_keypoints, unpadded

SHAPE = (26, 28, 30)


def _texture(seed: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    texture = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.5)
    return np.clip(0.5 + 0.15 * texture / texture.std(), 0, 1).astype(np.float32)


def _everywhere(image: np.ndarray) -> np.ndarray:
    return np.ones(image.shape, bool)


@given(seed=st.integers(0, 10**6), levels=st.integers(2, 9))
@settings(max_examples=20, deadline=None)
def test_extrema_are_those_of_the_slow_loop(seed: int, levels: int) -> None:
    values = np.random.default_rng(seed).integers(-levels, levels, (5, 6, 4)).astype(np.float32)  # with plateaus
    assert [tuple(voxel) for voxel in kp._extrema(values, values != 0).tolist()] == naive.extrema(values)


def test_descriptions_are_those_of_the_slow_loop() -> None:
    image = _texture(0, (14, 16, 15))  # too small for the whole neighbourhood: the grid's edge is in it
    places = np.random.default_rng(1).uniform(4, 10, (5, 3))
    sums = np.zeros((5, LENGTH), np.float32)
    kp._describe(image, places, sums)
    for place, row in zip(places, sums, strict=True):
        shares = naive.description(image, place, STEP, STEPS, PARTS)
        np.testing.assert_allclose(row / row.sum(), shares, atol=1e-6)
        stored = kp._rooted(row[None])[0]
        np.testing.assert_allclose(stored, kp.UNIT * np.sqrt(shares), atol=0.51)


@given(seed=st.integers(0, 10**6), shape=st.tuples(*[st.integers(22, 29)] * 3))
@settings(max_examples=10, deadline=None)
def test_the_mirror_image_has_the_mirrored_keypoints(seed: int, shape: tuple[int, int, int]) -> None:
    image = _texture(seed, shape)
    seen = _everywhere(image)
    seen[..., :4] = False
    found = find_keypoints(image, seen).mirrored()
    flipped = find_keypoints(np.ascontiguousarray(image[..., ::-1]), np.ascontiguousarray(seen[..., ::-1]))
    assert len(found) == len(flipped)
    one, other = (np.lexsort(each.places.T) for each in (found, flipped))
    np.testing.assert_allclose(found.places[one], flipped.places[other], atol=1e-4)
    assert (found.bright[one] == flipped.bright[other]).all()
    # Rounding may put a sample into the next voxel, but not many.
    apart = np.abs(found.descriptions[one].astype(int) - flipped.descriptions[other])
    assert (apart > 1).sum() <= 0.02 * apart.size
    twice = found.mirrored().mirrored()
    assert np.array_equal(twice.descriptions, found.descriptions)


@pytest.mark.parametrize("bright", [True, False])
def test_a_blob_is_found_where_it_is(bright: bool) -> None:
    centre = np.array([12.3, 14.8, 15.4])
    apart = np.linalg.norm(np.indices(SHAPE).transpose(1, 2, 3, 0) - centre, axis=-1)
    image = np.float32(0.5) + (0.3 if bright else -0.3) * np.exp(-(apart**2) / 8).astype(np.float32)
    found = find_keypoints(image, _everywhere(image))
    assert found.bright[0] == bright  # the one with the most contrast comes first
    np.testing.assert_allclose(found.places[0] + (np.array(SHAPE) - 1) / 2, centre, atol=0.1)


def test_brightness_and_contrast_leave_descriptions_as_they_are() -> None:
    image = _texture(3)
    one, other = find_keypoints(image, _everywhere(image)), find_keypoints(0.3 + 0.5 * image, _everywhere(image))
    assert len(one) == len(other) > 5
    np.testing.assert_allclose(one.places, other.places, atol=1e-2)
    assert (np.abs(one.descriptions.astype(int) - other.descriptions) > 1).mean() < 0.02


def test_none_near_the_edge_of_what_was_seen_nor_in_air() -> None:
    image = _texture(4, (30, 32, 50))
    seen = np.zeros(image.shape, bool)
    seen[2:28, 1:31, 5:50] = True
    image[:, :, 22:] *= 0.05  # ghosts in air: of contrast enough, but dark
    voxels = find_keypoints(image, seen).places + (np.array(image.shape) - 1) / 2
    assert len(voxels)
    assert (voxels >= np.array([2, 1, 5]) + EDGE - 0.5).all()
    assert (voxels <= np.array([27, 30, 49]) - EDGE + 0.5).all()
    assert voxels[:, 2].max() < 29  # the tissue beside it, blurred, reaches some way


@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 5, 3), (13, 13, 13), (30, 30, 30)])
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_tiny_and_constant_volumes_have_none(shape: tuple[int, int, int], value: float) -> None:
    image = np.full(shape, value, np.float32)
    found = find_keypoints(image, _everywhere(image))
    assert len(found) == 0
    assert found.descriptions.shape == (0, LENGTH)
    assert len(found.mirrored()) == 0


def test_at_most_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    image = _texture(5)
    every = find_keypoints(image, _everywhere(image))
    monkeypatch.setattr(kp, "CAPACITY", 7)
    few = find_keypoints(image, _everywhere(image))
    assert len(every) > len(few) == 7
    assert np.array_equal(few.places, every.places[:7])


def test_they_are_stored_and_read_again() -> None:
    image, _ = phantom.head(0)
    found = find_keypoints(image / 1000, _everywhere(image))
    places, descriptions = found.padded()
    assert places.shape == (CAPACITY, 4)
    again = unpadded(places, descriptions, len(found))
    np.testing.assert_allclose(again.places, found.places, atol=0.02)
    assert np.array_equal(again.bright, found.bright)
    assert np.array_equal(again.descriptions, found.descriptions)
