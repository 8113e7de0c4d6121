"""Votes that agree on one geometry are told from those that do not, and where they lie is said in mm."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from napari_relict.matching.keypoint_search import NOBODY, Votes
from napari_relict.matching.regions import FEWEST, agreement, region_scores, regions_of
from napari_relict.volumes.grid import Grid
from napari_relict.volumes.keypoints import CAPACITY

GRID = Grid((96, 112, 96), (2.0, 1.5, 2.5))


def _planted(seed: int, agreeing: int, others: int) -> tuple[np.ndarray, ...]:
    """Votes of a ball that was turned, scaled and shifted, and votes for anywhere nearby."""
    random = np.random.default_rng(seed)
    turn = random.uniform(0.88, 1.13) * Rotation.from_rotvec(random.uniform(-0.12, 0.12, 3)).as_matrix()
    middle, shift = random.uniform(-12, 12, 3), random.uniform(-4, 4, 3)
    one = middle + random.uniform(-9, 9, (agreeing + others, 3))
    other = one @ turn.T + shift + random.normal(0, 0.15, one.shape)
    other[agreeing:] = one[agreeing:] + random.uniform(-11, 11, (others, 3))
    return one, other, turn, shift, middle


@given(seed=st.integers(0, 10**6), agreeing=st.integers(15, 40), others=st.integers(0, 25))
@settings(max_examples=40, deadline=None)
def test_a_planted_geometry_is_recovered(seed: int, agreeing: int, others: int) -> None:
    one, other, turn, shift, middle = _planted(seed, agreeing, others)
    agree, found, moved, score = agreement(one, other, near=25.0)
    assert agree[:agreeing].mean() > 0.9
    assert score > 0.8 * agreeing
    expected = turn @ middle + shift
    assert np.linalg.norm(found @ middle + moved - expected) < 0.3


def test_the_fit_is_scipy_s_up_to_scale() -> None:
    one, other, turn, _, _ = _planted(3, 30, 0)
    agree, found, _, _ = agreement(one, other, near=40.0)
    assert agree.all()
    a, b = one - one.mean(0), other - other.mean(0)
    rotation, _ = Rotation.align_vectors(b, a)
    scale = np.cbrt(np.linalg.det(found))
    np.testing.assert_allclose(found / scale, rotation.as_matrix(), atol=1e-6)
    assert abs(scale - np.cbrt(np.linalg.det(turn))) < 0.02


def test_votes_far_from_each_other_are_no_region() -> None:
    one = np.array([[0.0, 0, 0], [60, 0, 0], [0, 60, 0], [0, 0, 60], [60, 60, 0]])
    assert not agreement(one, one, near=25.0)[0].any()


def _votes(states: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Votes:
    places, where, volumes = (np.stack(parts) for parts in zip(*states, strict=True))
    number = np.where(volumes < 0, NOBODY, volumes * CAPACITY)
    return Votes(places.astype(np.float32), where.astype(np.float32), np.zeros(volumes.shape, np.int32), number)


def test_the_region_of_each_volume_is_that_of_its_better_state_in_mm() -> None:
    one, other, turn, shift, middle = _planted(5, 20, 10)
    volumes = np.full(30, 7)
    volumes[20:] = [-1] * 7 + [2] * 3  # three votes are too few
    nothing = np.full(30, -1)
    scattered = one + np.random.default_rng(0).uniform(-11, 11, one.shape)
    for state in (0, 1):
        states = [(one, scattered, nothing), (one, scattered, nothing)]
        states[state] = (one, other, volumes)
        found = regions_of(_votes(states), GRID)
        assert list(found) == [7]
        region = found[7]
        assert region.mirrored == bool(state)
        mm = (middle * GRID.spacing)[::-1]
        assert np.linalg.norm(region.centre - mm) < 8
        assert np.array_equal(region.in_query, region.centre * ([-1, 1, 1] if state else [1, 1, 1]))
        assert 8 < region.radius < 30
        there = ((turn @ middle + shift) * GRID.spacing)[::-1]
        assert np.linalg.norm((region.matrix @ [*mm, 1])[:3] - there) < 1
        scores = region_scores(found, 9)
        assert scores[7] == region.score
        assert np.isnan(np.delete(scores, 7)).all()


def test_too_few_votes_are_no_region() -> None:
    one, other, *_ = _planted(6, FEWEST - 1, 0)
    volumes = np.zeros(FEWEST - 1, np.int64)
    assert regions_of(_votes([(one, other, volumes)] * 2), GRID) == {}
