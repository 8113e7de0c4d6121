"""Where two volumes differ most."""

from __future__ import annotations

import numpy as np

from napari_relict.measures.places import largest_differences


def test_the_largest_differences_come_in_order_and_apart() -> None:
    rng = np.random.default_rng(1)
    differs = rng.random((40, 40, 40)).astype(np.float32) * 0.05
    for (z, y, x), strength in (((10, 10, 10), 1.0), ((30, 12, 25), 0.7), ((20, 32, 20), 0.4)):
        differs[z - 2 : z + 3, y - 2 : y + 3, x - 2 : x + 3] += strength
    differs[36, 36, 36] = 1.5  # one noisy voxel
    differs[2:7, 34:39, 2:7] = 3.0  # outside the anatomy
    inside = np.ones(differs.shape, bool)
    inside[:10, 30:, :10] = False
    found = largest_differences(differs, inside, (2.0, 2.0, 2.0), n=3, smooth_mm=4.0)
    assert len(found) == 3
    for place, wanted in zip(found, [(10, 10, 10), (30, 12, 25), (20, 32, 20)], strict=True):
        assert np.abs(np.subtract(place, wanted)).max() <= 1


def test_places_of_one_large_difference_are_one_place() -> None:
    differs = np.zeros((40, 40, 40), np.float32)
    differs[10:20, 10:20, 10:20] = 1
    assert len(largest_differences(differs, np.ones(differs.shape, bool), (1.0, 1.0, 1.0))) == 1


def test_an_edge_that_lies_elsewhere_is_less_than_a_lesion() -> None:
    differs = np.zeros((40, 40, 40), np.float32)
    differs[:, 10, :], differs[:, 11, :] = 1, -1
    differs[20:24, 28:32, 20:24] = -0.5
    found = largest_differences(differs, np.ones(differs.shape, bool), (1.0, 1.0, 1.0), n=1)
    assert np.abs(np.subtract(found[0], (21.5, 29.5, 21.5))).max() <= 1


def test_no_difference_no_place() -> None:
    alike = np.zeros((8, 8, 8), np.float32)
    assert largest_differences(alike, np.ones(alike.shape, bool), (1.0, 1.0, 1.0)) == []
