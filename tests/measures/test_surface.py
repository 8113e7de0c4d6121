"""Surface distances equal their slow twin and MONAI, whatever the voxels' shape and wherever the labels lie."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice
from scipy import ndimage

import naive
from napari_relict.measures import surface
from napari_relict.measures.distance_map import distance_maps
from napari_relict.measures.surface import SurfaceScores, surface_scores, surfaces_of

pytestmark = pytest.mark.filterwarnings("ignore:monai:FutureWarning")  # of MONAI, about itself

LABELS = [1, 2, 3, 7]  # 7 is in neither map
sides = st.sampled_from([0.4, 0.7, 1.0, 1.5, 3.3])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 20)))
    one, other = (draw(hnp.arrays(np.uint16, shape, elements=st.integers(0, 3), fill=st.just(0))) for _ in range(2))
    return one, other, draw(st.tuples(sides, sides, sides))


def scores(
    one: np.ndarray, other: np.ndarray, labels: list[int], spacing: tuple[float, ...], tolerance: float
) -> SurfaceScores:
    return surface_scores(surfaces_of(one, labels, spacing), surfaces_of(other, labels, spacing), tolerance)


def bent(seed: int, shape: tuple[int, int, int] = (40, 48, 44), amount: float = 4) -> np.ndarray:
    """Three ellipsoids, one in another and one at the border, bent by a smooth field of about `amount` voxels."""
    random = np.random.default_rng(seed)
    where = list(np.meshgrid(*[np.arange(n, dtype=np.float64) for n in shape], indexing="ij"))
    for axis in range(3):
        field = ndimage.gaussian_filter(random.standard_normal(shape), 6)
        where[axis] = where[axis] + amount * field / field.std()
    grid = np.zeros(shape, np.uint16)
    for label, (centre, radii) in enumerate(
        [((20, 24, 20), (15, 18, 14)), ((20, 22, 18), (6, 7, 5)), ((34, 8, 40), (9, 10, 8))], start=1
    ):
        grid[sum(((x - c) / r) ** 2 for x, c, r in zip(where, centre, radii, strict=True)) < 1] = label
    return grid


def by_monai(
    one: np.ndarray, other: np.ndarray, labels: list[int], spacing: tuple[float, ...], tolerance: float
) -> SurfaceScores:
    a, b = (torch.from_numpy(np.stack([grid == label for label in labels])[None]) for grid in (one, other))
    hd95 = compute_hausdorff_distance(a, b, include_background=True, percentile=95, spacing=spacing)
    assd = compute_average_surface_distance(a, b, include_background=True, symmetric=True, spacing=spacing)
    dice = compute_surface_dice(a, b, [tolerance] * len(labels), include_background=True, spacing=spacing)
    return SurfaceScores(*(found[0].numpy() for found in (hd95, assd, dice)))


def assert_same(found: SurfaceScores, expected: SurfaceScores) -> None:
    np.testing.assert_allclose(found.hd95_mm, expected.hd95_mm, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(found.assd_mm, expected.assd_mm, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(found.surface_dice, expected.surface_dice, rtol=0, atol=1e-6)


# The margin decides which distances are looked up and which are searched for.
@pytest.mark.parametrize("margin", [0, 2, 12])
@settings(deadline=None, max_examples=80)
@given(pair=pairs(), tolerance=st.sampled_from([0.0, 0.7, 1.3]))
def test_against_the_twin(
    margin: int, pair: tuple[np.ndarray, np.ndarray, tuple[float, ...]], tolerance: float
) -> None:
    one, other, spacing = pair
    with mock.patch.object(surface, "MARGIN", margin):
        found = scores(one, other, LABELS, spacing, tolerance)
    expected = np.array([naive.surface_scores(one, other, label, spacing, tolerance) for label in LABELS])
    assert_same(found, SurfaceScores(*expected.T))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 0.8, 0.7), (0.6, 1.1, 2.5)])
@pytest.mark.parametrize("margin", [0, 12])
def test_against_monai_on_bent_ellipsoids(spacing: tuple[float, ...], margin: int) -> None:
    one, other = bent(0), bent(1)
    with mock.patch.object(surface, "MARGIN", margin):
        found = scores(one, other, [1, 2, 3], spacing, 1.5)
    assert_same(found, by_monai(one, other, [1, 2, 3], spacing, 1.5))


def test_against_monai_on_labels_far_apart() -> None:
    one = bent(0)
    other = np.roll(one, (17, -21, 13), axis=(0, 1, 2))
    spacing = (2.0, 0.9, 1.3)
    assert_same(scores(one, other, [1, 2, 3], spacing, 2.0), by_monai(one, other, [1, 2, 3], spacing, 2.0))


def test_against_monai_on_noise() -> None:
    one, other = np.random.default_rng(0).integers(0, 3, (2, 14, 17, 15), np.uint16)
    assert_same(scores(one, other, [1, 2], (2.0, 0.5, 1.1), 0.5), by_monai(one, other, [1, 2], (2.0, 0.5, 1.1), 0.5))


def test_by_hand() -> None:
    one, other = np.zeros((2, 5, 8, 30), np.uint16)
    one[2, 3, 2] = other[2, 3, 27] = 1  # 25 voxels of 0.5 mm apart, beyond the margin
    one[1, 1, 1] = other[4, 5, 1] = 2  # 3 and 4 voxels apart
    one[0, 0, 0] = 3  # only there
    found = scores(one, other, LABELS, (2.0, 1.5, 0.5), 12.5)
    diagonal = np.hypot(np.hypot(5 * 2, 8 * 1.5), 30 * 0.5)
    np.testing.assert_allclose(found.hd95_mm, [12.5, np.hypot(6, 6), diagonal, np.nan], rtol=1e-6)
    np.testing.assert_allclose(found.assd_mm, [12.5, np.hypot(6, 6), diagonal, np.nan], rtol=1e-6)
    np.testing.assert_array_equal(found.surface_dice, [1, 1, 0, np.nan])


def test_a_map_is_at_no_distance_from_itself() -> None:
    one = bent(0)
    found = scores(one, one, [1, 2, 3], (1.0, 2.0, 0.5), 0.0)
    assert not found.hd95_mm.any()
    assert not found.assd_mm.any()
    assert (found.surface_dice == 1).all()


def test_which_is_which_does_not_matter() -> None:
    one, other = bent(0), bent(1)
    there, back = (scores(a, b, [1, 2, 3], (1.0, 2.0, 0.5), 1.0) for a, b in ((one, other), (other, one)))
    assert_same(there, back)


def test_any_integer_type_and_any_view() -> None:
    one, other = bent(0), bent(1)
    expected = scores(one[..., ::-1].copy(), other[..., ::-1].copy(), [3, 1], (1.0, 2.0, 0.5), 1.0)
    found = scores(one.astype(np.uint8)[..., ::-1], other.astype(np.int64)[..., ::-1], [3, 1], (1.0, 2.0, 0.5), 1.0)
    assert_same(found, expected)
    assert scores(one, other, [], (1.0, 1.0, 1.0), 1.0).hd95_mm.shape == (0,)


def test_other_grids_are_refused() -> None:
    one = surfaces_of(bent(0), [1], (1.0, 1.0, 1.0))
    for grid, labels, spacing in (
        (bent(0)[1:], [1], (1.0, 1.0, 1.0)),
        (bent(0), [2], (1.0, 1.0, 1.0)),
        (bent(0), [1], (1.0, 1.0, 2.0)),
    ):
        with pytest.raises(ValueError, match="different"):
            surface_scores(one, surfaces_of(grid, labels, spacing), 1.0)


def test_distance_maps_are_those_of_scipy() -> None:
    seen = np.random.default_rng(0).random((9, 20, 150)) < 0.003
    box = np.array([[[0, 0, 0], seen.shape]])
    ends = np.array([0, seen.size])
    found = distance_maps(np.argwhere(seen).T.astype(np.int16), np.array([0, seen.sum()]), box, ends, (2.0, 0.7, 1.1))
    expected = ndimage.distance_transform_edt(~seen, sampling=(2.0, 0.7, 1.1))
    np.testing.assert_allclose(found.reshape(seen.shape), expected, rtol=1e-6)
