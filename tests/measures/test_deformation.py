"""The small deformation after the linear alignment takes a known bend away, and never more than it should."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

import phantom
from napari_relict.measures import deformation
from napari_relict.measures.deformation import deform
from napari_relict.volumes import Grid
from napari_relict.volumes.affines import grid_points, matrix_of, resampled, transform_of

GRID = Grid(phantom.SHAPE, (4.0, 4.0, 4.0))
EVERYWHERE = np.ones(GRID.shape, bool)
TURN = matrix_of(sitk.Euler3DTransform((0, 0, 0), 0.05, -0.04, 0.08, (4, -3, 2)))


def _values(seed: int = 0) -> np.ndarray:
    return np.asarray(phantom.head(seed, GRID.shape)[0] / 1000, np.float32)


def _field(values: np.ndarray, grid: Grid = GRID) -> sitk.Image:
    """Displacements (z, y, x, 3) in mm on a grid."""
    image = sitk.GetImageFromArray(values.astype(np.float64), isVector=True)
    image.CopyInformation(grid.empty())
    return image


def _bend(largest_mm: float) -> sitk.Transform:
    random = np.random.default_rng(3)
    shift = np.stack([ndimage.gaussian_filter(random.standard_normal(GRID.shape), 8) for _ in range(3)], axis=-1)
    return sitk.DisplacementFieldTransform(_field(shift * largest_mm / np.linalg.norm(shift, axis=-1).max()))


def _off(found: sitk.Transform, truth: sitk.Transform, body: np.ndarray) -> float:
    """Mean distance in mm between where two transforms put the body."""
    points = np.stack([axis[body] for axis in np.broadcast_arrays(*grid_points(GRID))], axis=1)[::23]
    places = [[way.TransformPoint(point.tolist()) for point in points] for way in (found, truth)]
    return float(np.linalg.norm(np.subtract(*places), axis=1).mean())


def _pair(matrix: np.ndarray, largest_mm: float = 6.0) -> tuple[np.ndarray, np.ndarray, sitk.Transform]:
    """A head bent after it was moved by `matrix`, the head, and the way back."""
    moving = _values()
    truth = sitk.CompositeTransform([transform_of(matrix), _bend(largest_mm)])
    return resampled(moving, GRID, truth), moving, truth


def _deform(fixed: np.ndarray, moving: np.ndarray, matrix: np.ndarray, contrasts_differ: bool = False):
    return deform(
        fixed, moving, GRID, matrix, fixed_mask=fixed > 0.05, moving_mask=EVERYWHERE, contrasts_differ=contrasts_differ
    )


def _same_as(found: sitk.Transform, matrix: np.ndarray) -> bool:
    return bool(np.array_equal(matrix_of(found), matrix_of(transform_of(matrix)))) and found.IsLinear()


@pytest.mark.parametrize("matrix", [np.eye(4), TURN], ids=["as it lies", "turned"])
def test_a_known_bend_is_mostly_taken_away(matrix: np.ndarray) -> None:
    fixed, moving, truth = _pair(matrix)
    body = fixed > 0.05
    found = _deform(fixed, moving, matrix)
    assert _off(found, truth, body) < 0.55 * _off(transform_of(matrix), truth, body)

    def ncc(way: np.ndarray | sitk.Transform) -> float:
        return float(np.corrcoef(resampled(moving, GRID, way)[body], fixed[body])[0, 1])

    assert ncc(matrix) < 0.94
    assert ncc(found) > 0.97


def test_a_bend_in_another_contrast_is_taken_away_too() -> None:
    fixed, moving, truth = _pair(np.eye(4))
    body = fixed > 0.05
    inverted = np.where(body, 1.05 - fixed, 0).astype(np.float32)
    found = _deform(inverted, moving, np.eye(4), contrasts_differ=True)
    assert _off(found, truth, body) < 0.6 * _off(sitk.Transform(), truth, body)


def test_what_agrees_already_stays() -> None:
    fixed = _values()
    found = _deform(fixed, 0.5 * fixed + 0.1, np.eye(4))
    assert _off(found, sitk.Transform(), fixed > 0.05) < 0.2


def test_the_same_every_time() -> None:
    fixed, moving, _ = _pair(TURN)
    once, again = (resampled(moving, GRID, _deform(fixed, moving, TURN)) for _ in range(2))
    assert np.array_equal(once, again)


def test_what_moves_too_far_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed, moving, _ = _pair(TURN)
    assert not _same_as(_deform(fixed, moving, TURN), TURN)
    monkeypatch.setattr(deformation, "LARGEST_MM", 2.0)
    assert _same_as(_deform(fixed, moving, TURN), TURN)


def _folded(lattice: Grid) -> np.ndarray:
    """Within 9 mm, but two places in x change their order."""
    shift = np.zeros((*lattice.shape, 3))
    middle = lattice.shape[2] // 2
    shift[:, :, middle - 1, 0], shift[:, :, middle + 1, 0] = 9, -9
    return shift


def _far(lattice: Grid) -> np.ndarray:
    return np.full((*lattice.shape, 3), 7.0)  # 12 mm, the same everywhere


def _near(lattice: Grid) -> np.ndarray:
    return np.full((*lattice.shape, 3), 5.0)


@pytest.mark.parametrize(("shift", "taken"), [(_folded, False), (_far, False), (_near, True)])
def test_a_fold_and_a_runaway_give_the_linear_alignment_back(
    monkeypatch: pytest.MonkeyPatch, shift: Callable[[Grid], np.ndarray], taken: bool
) -> None:
    fixed, moving, _ = _pair(TURN)
    monkeypatch.setattr(deformation, "_shift", lambda _, lattice: _field(shift(lattice), lattice))
    assert _same_as(_deform(fixed, moving, TURN), TURN) != taken


def test_nothing_to_hold_on_to_gives_the_linear_alignment_back() -> None:
    fixed = _values()
    few = np.zeros(GRID.shape, bool)
    few[18:22, 18:22, 18:22] = True
    for masks in ((few, EVERYWHERE), (EVERYWHERE, few)):
        assert _same_as(deform(fixed, fixed, GRID, TURN, fixed_mask=masks[0], moving_mask=masks[1]), TURN)
    away = matrix_of(sitk.TranslationTransform(3, (900, 0, 0)))  # no overlap
    found = deform(fixed, fixed, GRID, away, fixed_mask=EVERYWHERE, moving_mask=EVERYWHERE)
    assert _off(found, transform_of(away), EVERYWHERE) < 1e-6
    flat = np.zeros_like(fixed)
    found = deform(flat, flat, GRID, TURN, fixed_mask=EVERYWHERE, moving_mask=EVERYWHERE)
    assert _off(found, transform_of(TURN), EVERYWHERE) < 1e-6


def test_the_lattice_reaches_over_the_whole_grid_and_stands_for_the_spline() -> None:
    for grid in (GRID, Grid((31, 40, 53), (1.7, 3.0, 2.2))):
        lattice = deformation._lattice(grid)
        spline = sitk.BSplineTransformInitializer(lattice.empty(), [4, 4, 4], 3)
        spline.SetParameters(np.random.default_rng(0).uniform(-6, 6, len(spline.GetParameters())).tolist())
        looked_up = sitk.DisplacementFieldTransform(deformation._shift(spline, lattice))
        corner = [(side - 1) / 2 * step for side, step in zip(grid.shape[::-1], grid.spacing[::-1], strict=True)]
        for point in ([0.0, 0.0, 0.0], corner, [-mm for mm in corner], [0.7 * mm for mm in corner]):
            assert np.linalg.norm(np.subtract(looked_up.TransformPoint(point), point)) > 0.1
            np.testing.assert_allclose(looked_up.TransformPoint(point), spline.TransformPoint(point), atol=0.4)


def test_labels_are_not_blended() -> None:
    fixed, moving, _ = _pair(TURN)
    labels = np.where(phantom.head(0, GRID.shape)[1] == 2, 7, 0).astype(np.uint16)  # a blend would make 1 to 6
    moved = resampled(labels, GRID, _deform(fixed, moving, TURN), nearest=True)
    assert moved.dtype == np.uint16
    assert set(np.unique(moved)) == {0, 7}
