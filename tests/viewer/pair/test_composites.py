"""A slice of a composite is the same as that slice of the composite made whole."""

from __future__ import annotations

import numpy as np
import pytest

from napari_relict.viewer.pair.composites import Checkerboard, Composite, Difference, Swipe

RNG = np.random.default_rng(3)
LEFT, RIGHT = RNG.random((2, 8, 9, 10), np.float32)


@pytest.mark.parametrize(
    "composite",
    [
        Difference(LEFT, RIGHT, (0.2, 0.7)),
        Checkerboard(LEFT, RIGHT, (2, 3, 4)),
        Swipe(LEFT, RIGHT, 2, 4.5),
        Swipe(LEFT, RIGHT, 0, 3),
    ],
)
@pytest.mark.parametrize("index", [np.s_[3, :, :], np.s_[:, 4, :], np.s_[:, :, 5], np.s_[1:5, 2, ::2], np.s_[2, 3, 4]])
def test_a_part_is_composed_like_the_whole(composite: Composite, index: object) -> None:
    whole = np.asarray(composite)
    assert whole.shape == composite.shape
    np.testing.assert_array_equal(composite[index], whole[index])


def test_difference_is_of_what_is_seen() -> None:
    left, right = (np.full((2, 2, 2), value, np.float32) for value in (900.0, 300.0))
    np.testing.assert_array_equal(np.asarray(Difference(left, right, (-160, 240))), 0)
    np.testing.assert_allclose(np.asarray(Difference(left, right, (300, 1500))), 0.5)


def test_squares_come_in_turn_along_every_axis() -> None:
    board = np.asarray(Checkerboard(np.zeros((4, 4, 4), np.float32), np.ones((4, 4, 4), np.float32), (2, 2, 2)))
    assert [board[0, 0, 0], board[2, 0, 0], board[0, 2, 0], board[0, 0, 2], board[2, 2, 0]] == [0, 1, 1, 1, 0]
    assert board.mean() == 0.5


def test_swipe_shows_the_left_volume_before_the_line() -> None:
    swipe = np.asarray(Swipe(np.zeros((2, 3, 4), np.float32), np.ones((2, 3, 4), np.float32), 2, 1.5))
    np.testing.assert_array_equal(swipe[0, 0], [0, 0, 1, 1])


def test_grids_must_agree() -> None:
    with pytest.raises(ValueError, match="different grids"):
        Swipe(LEFT, RIGHT[1:], 0, 1)
