"""Coordinates: matrices come back as they were, and a field of view is what brute force says."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

import phantom
from napari_relict.volumes import Grid
from napari_relict.volumes.affines import (
    MIRROR,
    field_of_view,
    from_rows,
    grid_points,
    index_of_world,
    matrix_of,
    on_grid,
    resampled,
    rows_of,
    transform_of,
)

GRID = Grid((12, 15, 14), (3.0, 2.0, 2.5))


def _affine(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    matrix = np.eye(4)
    matrix[:3] += 0.3 * random.standard_normal((3, 4))
    matrix[:3, 3] *= 20
    return matrix


def _turned() -> list[sitk.Transform]:
    rigid = sitk.Euler3DTransform((10.0, -20.0, 5.0), 0.2, -0.1, 0.3, (4.0, 5.0, -6.0))
    similarity = sitk.Similarity3DTransform(1.2, (0.1, 0.7, -0.2), 0.4, (1.0, 2.0, 3.0), (-7.0, 8.0, 9.0))
    return [rigid, similarity, sitk.TranslationTransform(3, (1.0, -2.0, 3.0)), sitk.AffineTransform(3)]


@pytest.mark.parametrize("seed", range(4))
def test_matrices_transforms_and_rows_come_back(seed: int) -> None:
    matrix = _affine(seed)
    np.testing.assert_allclose(matrix_of(transform_of(matrix)), matrix, atol=1e-12)
    values = rows_of(matrix)
    assert len(values) == 12
    assert all(type(value) is float for value in values)
    assert np.array_equal(from_rows(values), matrix)


@pytest.mark.parametrize("transform", _turned(), ids=lambda transform: type(transform).__name__)
def test_the_matrix_moves_points_as_the_transform_does(transform: sitk.Transform) -> None:
    matrix = matrix_of(transform)
    for point in np.random.default_rng(1).normal(0, 40, (10, 3)):
        np.testing.assert_allclose(matrix[:3, :3] @ point + matrix[:3, 3], transform.TransformPoint(point), atol=1e-10)


def test_grid_points_are_those_of_the_grid_s_image() -> None:
    x, y, z = np.broadcast_arrays(*grid_points(GRID))
    empty = GRID.empty()
    for index in ((0, 0, 0), (11, 14, 13), (3, 7, 9)):
        expected = empty.TransformIndexToPhysicalPoint([int(i) for i in index[::-1]])
        np.testing.assert_allclose((x[index], y[index], z[index]), expected, atol=1e-9)


def _oblique(size: tuple[int, int, int], origin: tuple[float, float, float]) -> sitk.Image:
    image = sitk.Image(*size, sitk.sitkUInt8)
    image.SetSpacing((2.1, 1.7, 3.3))
    image.SetOrigin(origin)
    image.SetDirection(sitk.Euler3DTransform((0, 0, 0), 0.31, -0.23, 0.47).GetMatrix())
    return image


def _cropped(size: tuple[int, int, int], origin: tuple[float, float, float]) -> sitk.Image:
    image = sitk.Image(*size, sitk.sitkUInt8)
    image.SetSpacing((2.13, 1.71, 3.37))
    image.SetOrigin(origin)
    image.SetDirection((-1, 0, 0, 0, 0, 1, 0, 1, 0))  # axes exchanged and turned round
    return image


@pytest.mark.parametrize(
    "image",
    [_oblique((9, 11, 7), (-8.0, -7.0, -11.0)), _oblique((30, 31, 5), (-9.3, -41.0, -2.2)),
     _cropped((8, 5, 9), (4.3, -3.1, -2.7)), _cropped((40, 40, 3), (31.0, -20.0, -2.9))],
)  # fmt: skip
@pytest.mark.parametrize("pose", [np.eye(4), _affine(3)], ids=["centred", "posed"])
def test_field_of_view_is_what_brute_force_says(image: sitk.Image, pose: np.ndarray) -> None:
    seen = field_of_view(GRID, index_of_world(image) @ pose, image.GetSize())
    expected = np.zeros(GRID.shape, bool)
    empty = GRID.empty()
    for place in np.ndindex(GRID.shape):
        point = np.array(empty.TransformIndexToPhysicalPoint([int(i) for i in place[::-1]]))
        world = pose[:3, :3] @ point + pose[:3, 3]
        index = image.TransformPhysicalPointToContinuousIndex(world.tolist())
        expected[place] = all(-0.5 <= i <= n - 0.5 for i, n in zip(index, image.GetSize(), strict=True))
    assert 0 < expected.sum() < expected.size
    assert np.array_equal(seen, expected)


def test_a_shift_by_whole_voxels_moves_the_values_and_its_inverse_brings_them_back() -> None:
    values = np.zeros(GRID.shape, np.float32)
    values[4:8, 5:10, 5:9] = np.random.default_rng(0).random((4, 5, 4))
    shift = np.eye(4)
    shift[:3, 3] = 2 * GRID.spacing[2], -3 * GRID.spacing[1], 1 * GRID.spacing[0]
    moved = resampled(values, GRID, shift)
    assert moved.dtype == np.float32
    np.testing.assert_allclose(moved, np.roll(values, (-1, 3, -2), (0, 1, 2)), atol=1e-5)
    np.testing.assert_allclose(resampled(moved, GRID, np.linalg.inv(shift)), values, atol=1e-5)


def test_nothing_comes_in_from_beyond_the_grid() -> None:
    shift = np.eye(4)
    shift[0, 3] = 4 * GRID.spacing[2]
    moved = resampled(np.ones(GRID.shape, np.float32), GRID, shift)
    assert (moved[..., -4:] == 0).all()
    assert (moved[..., :-4] > 0.999).all()


def test_the_mirror_matrix_flips_the_last_axis() -> None:
    values = phantom.head(0, GRID.shape)[0]
    np.testing.assert_allclose(resampled(values, GRID, MIRROR), values[..., ::-1], rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_labels_are_never_blended(kind: type) -> None:
    labels = np.zeros(GRID.shape, kind)
    labels[3:9, 4:11, 4:10] = 200
    moved = resampled(labels, GRID, matrix_of(_turned()[0]) @ np.diag([0.9, 1.1, 1.0, 1.0]), nearest=True)
    assert moved.dtype == kind
    assert set(np.unique(moved)) == {0, 200}
    assert np.array_equal(resampled(labels, GRID, np.eye(4), nearest=True), labels)


def test_an_array_on_the_grid_has_its_geometry() -> None:
    image = on_grid(np.zeros(GRID.shape, np.float32), GRID)
    assert image.GetOrigin() == GRID.empty().GetOrigin()
    assert image.GetSpacing() == GRID.spacing[::-1]
