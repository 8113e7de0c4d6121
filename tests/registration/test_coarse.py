"""One query against many volumes at low resolution: the copy comes first whichever way it lies or is shown."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

import phantom
from napari_relict.registration.coarse import Outline, outline, register_all

SHAPE, SPACING = (48, 56, 52), (4.0, 3.5, 4.0)
EVERYWHERE = np.ones(SHAPE, bool)
HEADS = [np.asarray(phantom.head(seed, SHAPE)[0] / 1000, np.float32) for seed in range(6)]


@pytest.fixture(scope="module")
def training() -> tuple[np.ndarray, np.ndarray]:
    made = [outline(head, SPACING, EVERYWHERE) for head in HEADS]
    return np.stack([one.values for one in made]), np.stack([one.seen for one in made])


def _turned(values: np.ndarray) -> np.ndarray:
    return np.asarray(ndimage.rotate(values, 10, (1, 2), reshape=False, order=1))


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda values: values,
    "inverted": lambda values: 1 - values,
    "turned": _turned,
    "shifted": lambda values: np.asarray(ndimage.shift(values, (4, -3, 3), order=1)),
    "smooth": lambda values: np.asarray(ndimage.gaussian_filter(values, 1)),
    "coil": lambda values: values * np.exp(-np.arange(SHAPE[1]) / 60)[:, None].astype(np.float32),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_the_source_of_a_copy_comes_first(change: str, training: tuple[np.ndarray, np.ndarray]) -> None:
    starts = np.tile(np.eye(4), (len(HEADS), 1, 1, 1))
    for number, head in enumerate(HEADS):
        worth, _ = register_all(outline(CHANGES[change](head), SPACING, EVERYWHERE), *training, starts)
        assert worth.argmax() == number
        assert worth[number] > np.delete(worth, number).max() + 0.02


def test_a_crop_counts_less_for_its_small_overlap_and_comes_first(training: tuple[np.ndarray, np.ndarray]) -> None:
    seen = EVERYWHERE.copy()
    seen[:20] = False
    starts = np.tile(np.eye(4), (len(HEADS), 1, 1, 1))
    worth, matrices = register_all(outline(np.where(seen, HEADS[2], 0), SPACING, seen), *training, starts)
    assert worth.argmax() == 2
    np.testing.assert_allclose(matrices[2], np.eye(4), atol=0.3)


def test_a_mirrored_outline_is_the_outline_of_the_mirror_image() -> None:
    for side in (52, 51, 45):  # also where the side is no whole number of blocks
        head = np.ascontiguousarray(HEADS[1][..., :side])
        seen = np.ones(head.shape, bool)
        seen[..., :9] = False
        straight = outline(head, SPACING, seen)
        flipped = straight.mirrored()
        assert isinstance(flipped, Outline)
        own = outline(head[..., ::-1], SPACING, seen[..., ::-1])
        if side == 52:
            np.testing.assert_allclose(flipped.values, own.values, atol=1e-5)
            np.testing.assert_allclose(flipped.origin, own.origin)
        ours, theirs = (_centre_of(one) for one in (straight, flipped))
        np.testing.assert_allclose(theirs, ours * [-1, 1, 1], atol=1e-3)


def _centre_of(one: Outline) -> np.ndarray:
    index = np.array([(one.values * axis).sum() for axis in np.indices(one.values.shape)]) / one.values.sum()
    return np.asarray(index[::-1] * one.spacing + one.origin)


def test_what_shows_nothing_agrees_with_nobody(training: tuple[np.ndarray, np.ndarray]) -> None:
    starts = np.tile(np.eye(4), (len(HEADS), 1, 1, 1))
    worth, matrices = register_all(outline(np.zeros(SHAPE, np.float32), SPACING, EVERYWHERE), *training, starts)
    assert (worth == 0).all() and np.isfinite(matrices).all()
