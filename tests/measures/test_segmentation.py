"""Packed labels are those of numpy, bit by bit, and overlaps are counted through every block of words."""

from __future__ import annotations

import numpy as np
import pytest

from napari_relict.measures.segmentation import WORDS, overlaps, pack_labels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (1, 8, 8), (2, 4, 17)])
def test_bits_are_those_of_numpy(shape: tuple[int, int, int], dtype: type) -> None:
    maps = np.random.default_rng(0).integers(0, 5, (3, *shape)).astype(dtype)
    labels = [9, 1, 4]  # out of order, one that no map has, and not every one that they have
    packed = pack_labels(maps, labels)
    for i, grid in enumerate(maps):
        for place, label in enumerate(labels):
            bits = np.packbits(grid.ravel() == label)
            np.testing.assert_array_equal(packed.bits[i, place].view(np.uint8)[: len(bits)], bits)
            assert not packed.bits[i, place].view(np.uint8)[len(bits) :].any()
            assert packed.counts[i, place] == (grid == label).sum()


def test_negative_values_and_views() -> None:
    maps = np.random.default_rng(0).integers(-3, 3, (2, 4, 5, 6)).astype(np.int16)
    mirrored = pack_labels(maps[..., ::-1], [1, 2])
    np.testing.assert_array_equal(mirrored.bits, pack_labels(maps[..., ::-1].copy(), [1, 2]).bits)
    np.testing.assert_array_equal(mirrored.counts, [[(grid == label).sum() for label in (1, 2)] for grid in maps])


def test_overlaps_of_maps_of_several_blocks() -> None:
    side = 64 * WORDS * 2 + 100  # two whole blocks and a part of a third, whose last word is not full
    one, other = (np.random.default_rng(seed).integers(0, 3, (2 + seed, 1, 1, side), np.uint16) for seed in (0, 1))
    found = overlaps(pack_labels(one, [1, 2]), pack_labels(other, [1, 2]))
    expected = [[[((a == label) & (b == label)).sum() for label in (1, 2)] for b in other] for a in one]
    np.testing.assert_array_equal(found, expected)


def test_no_labels() -> None:
    packed = pack_labels(np.ones((2, 3, 3, 3), np.uint16), [])
    assert overlaps(packed, packed).shape == (2, 2, 0)
