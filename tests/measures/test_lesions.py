"""Lesions, centroids and volumes equal their slow twins, and what they are by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import naive
from napari_relict.measures.lesions import LesionMatch, lesions_of, match_lesions
from napari_relict.measures.shape import centroid_distance, diagonal_mm, shapes_of, volume_difference_ml

LABELS = [1, 2, 7]  # 7 is in neither map
shapes = st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 8))
sides = st.sampled_from([0.4, 1.0, 3.3])
pairs = shapes.flatmap(lambda shape: hnp.arrays(np.uint16, (2, *shape), elements=st.integers(0, 2), fill=st.just(0)))


def match(one: np.ndarray, other: np.ndarray, label: int = 1, min_iou: float = 0.0) -> LesionMatch:
    return match_lesions(lesions_of(one, label), lesions_of(other, label), min_iou)


@settings(deadline=None, max_examples=150)
@given(pairs, st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_lesions_against_the_twin(pair: np.ndarray, min_iou: float) -> None:
    one, other = pair
    for label in LABELS:
        assert match(one, other, label, min_iou) == LesionMatch(*naive.lesion_match(one, other, label, min_iou))


@settings(deadline=None, max_examples=100)
@given(pairs, st.tuples(sides, sides, sides))
def test_shapes_against_the_twin(pair: np.ndarray, spacing: tuple[float, ...]) -> None:
    one, other = pair
    a, b = shapes_of(one, LABELS, spacing), shapes_of(other, LABELS, spacing)
    np.testing.assert_allclose(
        centroid_distance(a, b),
        [naive.centroid_distance(one, other, label, spacing) for label in LABELS],
        rtol=1e-12,
        atol=1e-12,
    )
    np.testing.assert_allclose(
        volume_difference_ml(a, b),
        [naive.volume_difference_ml(one, other, label, spacing) for label in LABELS],
        rtol=1e-12,
        atol=1e-12,
    )


def test_lesions_by_hand() -> None:
    one, other = np.zeros((2, 3, 9, 12), np.uint16)
    one[1, 1, 1:8] = 1  # one lesion, two over there
    other[1, 1, 1:3] = other[1, 1, 5:8] = 1
    one[1, 5, 5] = one[2, 6, 6] = 1  # one lesion, by a corner; nothing over there
    other[1, 8, 11] = 1  # only over there
    found = match(one, other)
    assert found == LesionMatch(matched_one=1, matched_other=2, only_one=1, only_other=1)
    assert found.f1 == pytest.approx(3 / 5)
    # 3 of 7 voxels overlap in the larger part, 2 of 7 in the smaller.
    assert match(one, other, min_iou=0.4) == LesionMatch(1, 1, 1, 2)
    assert match(one, other, min_iou=0.5) == LesionMatch(0, 0, 2, 3)


def test_maps_without_lesions() -> None:
    one, other = np.zeros((2, 3, 4, 5), np.uint16)
    assert match(one, other) == LesionMatch(0, 0, 0, 0)
    assert np.isnan(match(one, other).f1)
    one[0, 0, 0] = 1
    assert match(one, other) == LesionMatch(0, 0, 1, 0)
    assert match(other, one).f1 == 0


def test_shapes_by_hand() -> None:
    one, other = np.zeros((2, 4, 6, 8), np.uint16)
    one[0, 0, 0:3] = 1  # centroid at x = 1 voxel
    other[0, 4, 0:5] = 1  # y = 4, x = 2 voxels
    one[3] = 2  # only there
    spacing = (5.0, 1.5, 4.0)
    a, b = shapes_of(one, LABELS, spacing), shapes_of(other, LABELS, spacing)
    np.testing.assert_allclose(centroid_distance(a, b), [np.hypot(6, 4), diagonal_mm((4, 6, 8), spacing), np.nan])
    np.testing.assert_allclose(volume_difference_ml(a, b), [2 * 0.03, 48 * 0.03, np.nan])


def test_other_grids_are_refused() -> None:
    one = np.zeros((3, 4, 5), np.uint16)
    with pytest.raises(ValueError, match="different grids"):
        match(one, one[1:])
    with pytest.raises(ValueError, match="different"):
        centroid_distance(shapes_of(one, [1], (1, 1, 1)), shapes_of(one, [1], (1, 1, 2)))
