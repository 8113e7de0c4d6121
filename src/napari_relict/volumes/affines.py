"""Coordinates: 4x4 matrices between the common grid, a volume's own world and its voxels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from napari_relict.volumes.grid import Grid

# Left and right exchanged about the grid's middle.
MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])


def matrix_of(transform: sitk.Transform) -> np.ndarray:
    """float64 (4, 4) of a linear transform, acting on mm (x, y, z)."""
    matrix = np.eye(4)
    matrix[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
    for axis in range(3):
        point = [0.0, 0.0, 0.0]
        point[axis] = 1.0
        matrix[:3, axis] = np.subtract(transform.TransformPoint(point), matrix[:3, 3])
    return matrix


def transform_of(matrix: np.ndarray) -> sitk.AffineTransform:
    """The inverse of `matrix_of`."""
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    return transform


def rows_of(matrix: np.ndarray) -> list[float]:
    """The 12 numbers of a 4x4 matrix that are not always the same, row by row, for storing."""
    return [float(value) for value in matrix[:3].ravel()]


def from_rows(values: Sequence[float]) -> np.ndarray:
    """The inverse of `rows_of`."""
    return np.vstack([np.reshape(values, (3, 4)), [0.0, 0.0, 0.0, 1.0]])


def index_of_world(image: sitk.Image) -> np.ndarray:
    """float64 (4, 4): mm in the image's world -> continuous voxel index (x, y, z)."""
    to_world = np.eye(4)
    to_world[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    to_world[:3, 3] = image.GetOrigin()
    return np.linalg.inv(to_world)


def grid_points(grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates in mm along x, y, z of the grid's voxels, as arrays that broadcast to its shape."""
    z, y, x = ((np.arange(side) - (side - 1) / 2) * step for side, step in zip(grid.shape, grid.spacing, strict=True))
    return x[None, None, :], y[None, :, None], z[:, None, None]


def field_of_view(grid: Grid, to_index: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Where the file had voxels. bool, the grid's shape.

    Parameters
    ----------
    to_index : (4, 4), grid mm -> continuous voxel index (x, y, z) of the file.
    size : its voxels along x, y, z.
    """
    x, y, z = grid_points(grid)
    inside = np.ones(grid.shape, bool)
    for row, voxels in zip(to_index[:3], size, strict=True):
        index = row[0] * x + row[1] * y + row[2] * z + row[3]
        inside &= (index >= -0.5) & (index <= voxels - 0.5)
    return inside


def resampled(
    values: np.ndarray, grid: Grid, to_values: np.ndarray | sitk.Transform, *, nearest: bool = False
) -> np.ndarray:
    """`values` on `grid` seen through `to_values`; 0 outside. Same dtype for labels, else float32.

    Parameters
    ----------
    to_values : grid mm -> grid mm of `values`: (4, 4), or a transform that need not be linear.
    nearest : for labels, which are not to be blended.
    """
    kind = values.dtype if nearest else np.dtype(np.float32)
    image = on_grid(np.ascontiguousarray(values, kind), grid)
    way = sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear
    transform = to_values if isinstance(to_values, sitk.Transform) else transform_of(to_values)
    moved = sitk.Resample(image, grid.empty(), transform, way, 0.0, image.GetPixelID())
    return np.asarray(sitk.GetArrayFromImage(moved), kind)


def on_grid(values: np.ndarray, grid: Grid) -> sitk.Image:
    """An array of the grid's shape as an image with the grid's geometry."""
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(grid.empty())
    return image
