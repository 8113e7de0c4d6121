"""Pairwise alignment finds transforms that are known."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

import phantom
from napari_relict.measures.registration import Alignment, align
from napari_relict.volumes import Grid
from napari_relict.volumes.affines import grid_points, matrix_of, resampled

GRID = Grid((44, 52, 48), (2.5, 2.5, 2.5))
EVERYWHERE = np.ones(GRID.shape, bool)


@pytest.fixture(scope="module")
def fixed() -> np.ndarray:
    return np.asarray(phantom.head(0, GRID.shape)[0] / 1000, np.float32)


def _rigid(degrees: float = 8, mm: float = 5) -> np.ndarray:
    angle = np.deg2rad(degrees)
    return matrix_of(sitk.Euler3DTransform((0, 0, 0), 0.5 * angle, -0.4 * angle, angle, (mm, -0.6 * mm, 0.8 * mm)))


def _off(found: np.ndarray, expected: np.ndarray, body: np.ndarray) -> float:
    """Mean distance in mm between where two matrices put the body."""
    x, y, z = (axis[body] for axis in np.broadcast_arrays(*grid_points(GRID)))
    points = np.stack([x, y, z, np.ones_like(x)])
    return float(np.linalg.norm(((found - expected) @ points)[:3], axis=0).mean())


def _both(mask: np.ndarray = EVERYWHERE) -> dict[str, np.ndarray]:
    return {"fixed_mask": mask, "moving_mask": mask}


AFFINE = _rigid(6, 4) @ np.array([[1.06, 0.04, 0, 0], [0, 0.95, 0.03, 0], [0, 0, 1.04, 0], [0, 0, 0, 1]])


TRUTHS = {"rigid": _rigid(), "similarity": _rigid() @ np.diag([1.08, 1.08, 1.08, 1]), "affine": AFFINE}


@pytest.mark.parametrize("kind", ["rigid", "similarity", "affine"])
def test_a_known_transform_is_found_to_half_a_millimetre(fixed: np.ndarray, kind: Alignment) -> None:
    truth, body = TRUTHS[kind], fixed > 0.1
    moving = resampled(fixed, GRID, np.linalg.inv(truth))
    found = align(fixed, moving, GRID, kind=kind, **_both())
    assert _off(found, truth, body) < 0.5
    before = np.corrcoef(moving[body], fixed[body])[0, 1]
    assert np.corrcoef(resampled(moving, GRID, found)[body], fixed[body])[0, 1] > max(before + 0.2, 0.85)
    np.testing.assert_allclose(found[:3, 3], truth[:3, 3], atol=0.3)
    linear = found[:3, :3]
    if kind != "affine":  # turned, and scaled by one factor
        scale = np.cbrt(np.linalg.det(linear))
        np.testing.assert_allclose(linear @ linear.T, scale**2 * np.eye(3), atol=1e-6)
        assert kind == "similarity" or scale == pytest.approx(1)


def test_two_volumes_that_lie_alike_stay(fixed: np.ndarray) -> None:
    found = align(fixed, 0.5 * fixed + 0.1, GRID, **_both())
    assert _off(found, np.eye(4), fixed > 0.1) < 0.3


def test_it_goes_on_from_the_start(fixed: np.ndarray) -> None:
    truth = _rigid(75, 30) @ np.diag([1.1, 1.1, 1.1, 1])
    moving = resampled(fixed, GRID, np.linalg.inv(truth))
    near = truth @ _rigid(4, 3)
    found = align(fixed, moving, GRID, start=near, kind="rigid", **_both())
    assert _off(found, truth, fixed > 0.1) < 0.5 * _off(near, truth, fixed > 0.1)
    assert _off(align(fixed, moving, GRID, kind="rigid", **_both()), truth, fixed > 0.1) > 5


def test_the_same_every_time(fixed: np.ndarray) -> None:
    moving = resampled(fixed, GRID, _rigid())
    assert np.array_equal(align(fixed, moving, GRID, **_both()), align(fixed, moving, GRID, **_both()))


def test_an_inverted_copy_is_found_when_contrasts_differ(fixed: np.ndarray) -> None:
    truth = _rigid(6, 4)
    inverted = np.where(fixed > 0.05, 1.05 - fixed, 0).astype(np.float32)
    moving = resampled(inverted, GRID, np.linalg.inv(truth))
    found = align(fixed, moving, GRID, contrasts_differ=True, **_both())
    assert _off(found, truth, fixed > 0.1) < 0.8


def test_only_what_was_seen_counts(fixed: np.ndarray) -> None:
    truth = _rigid(6, 4)
    moving = resampled(fixed, GRID, np.linalg.inv(truth))
    damaged, seen = fixed.copy(), EVERYWHERE.copy()
    seen[:, :20] = False
    damaged[:, :20] = 1 - damaged[:, :20]
    found = align(damaged, moving, GRID, fixed_mask=seen, moving_mask=EVERYWHERE)
    assert _off(found, truth, (fixed > 0.1) & seen) < 0.8


def test_a_mask_too_small_gives_the_start_back(fixed: np.ndarray) -> None:
    few = np.zeros(GRID.shape, bool)
    few[20:27, 20:27, 20:27] = True
    start = _rigid()
    for masks in ((few, EVERYWHERE), (EVERYWHERE, few)):
        found = align(fixed, fixed, GRID, fixed_mask=masks[0], moving_mask=masks[1], start=start)
        assert np.array_equal(found, start)
    assert np.array_equal(align(fixed, fixed, GRID, fixed_mask=few, moving_mask=few), np.eye(4))


def test_nothing_to_hold_on_to_gives_the_start_back(fixed: np.ndarray) -> None:
    start = _rigid(3, 200)  # no overlap
    found = align(fixed, fixed, GRID, start=start, **_both())
    assert np.isfinite(found).all()
    flat = align(np.zeros_like(fixed), np.zeros_like(fixed), GRID, start=_rigid(), **_both())
    np.testing.assert_allclose(flat, _rigid(), atol=1e-6)
