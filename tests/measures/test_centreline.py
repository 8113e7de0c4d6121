"""clDice equals its slow twin, and what it is by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import naive
from napari_relict.measures.centreline import cl_dice, skeletons_of

LABELS = [1, 2, 7]  # 7 is in neither map
shapes = st.tuples(st.integers(1, 6), st.integers(1, 7), st.integers(1, 9))


def score(one: np.ndarray, other: np.ndarray, labels: list[int]) -> np.ndarray:
    return cl_dice(skeletons_of(one, labels), skeletons_of(other, labels))


@settings(deadline=None, max_examples=150)
@given(shapes.flatmap(lambda shape: hnp.arrays(np.uint16, (2, *shape), elements=st.integers(0, 2), fill=st.just(1))))
def test_against_the_twin(pair: np.ndarray) -> None:
    one, other = pair
    np.testing.assert_allclose(score(one, other, LABELS), [naive.cl_dice(one, other, label) for label in LABELS])


def tube(y: int, thick: int) -> np.ndarray:
    """A straight vessel along x."""
    grid = np.zeros((15, 24, 40), np.uint16)
    grid[7 - thick : 8 + thick, y - thick : y + 1 + thick, 3:37] = 1
    return grid


def test_thickness_of_a_vessel_does_not_matter() -> None:
    assert score(tube(8, 1), tube(8, 3), [1])[0] == 1


def test_vessels_beside_each_other_share_nothing() -> None:
    assert score(tube(5, 1), tube(15, 1), [1])[0] == 0


def test_a_vessel_cut_short() -> None:
    short = tube(8, 0)
    short[..., 20:] = 0  # 17 of 34 voxels are left
    assert score(short, tube(8, 0), [1])[0] == pytest.approx(2 * 1 * 0.5 / 1.5)


def test_absent_labels() -> None:
    one, other = np.zeros((2, 4, 4, 4), np.uint16)
    one[1, 1, 1] = 1
    np.testing.assert_array_equal(score(one, other, [1, 2]), [0, np.nan])
    np.testing.assert_array_equal(score(other, one, [1, 2]), [0, np.nan])


def test_what_thinning_would_take_away_is_kept() -> None:
    cube = np.zeros((4, 4, 4), np.uint16)
    cube[1:3, 1:3, 1:3] = 1
    assert score(cube, cube, [1])[0] == 1


def test_other_grids_are_refused() -> None:
    with pytest.raises(ValueError, match="different"):
        score(tube(8, 1), tube(8, 1)[1:], [1])
