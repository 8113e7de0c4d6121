"""The common grid of a study, and how a volume gets onto it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

# A default grid finer than this many voxels a side costs time and memory and finds no more copies.
LARGEST_DEFAULT_SIDE = 128


@dataclass(frozen=True)
class Grid:
    """A box of voxels with axes along patient left (x), posterior (y) and superior (z).

    Attributes
    ----------
    shape : voxels along z, y, x.
    spacing : mm along z, y, x.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]

    def empty(self) -> sitk.Image:
        """A blank image on this grid whose centre voxel lies at the world's origin."""
        image = sitk.Image(*[int(n) for n in self.shape[::-1]], sitk.sitkUInt8)
        image.SetSpacing([float(mm) for mm in self.spacing[::-1]])
        image.SetOrigin([-mm * (n - 1) / 2 for n, mm in zip(self.shape[::-1], self.spacing[::-1], strict=True)])
        return image


def place(image: sitk.Image, grid: Grid, to_volume: sitk.Transform, *, fill: float, labels: bool = False) -> np.ndarray:
    """Resample `image` onto `grid`.

    Parameters
    ----------
    to_volume : maps mm on the grid (its centre is 0, 0, 0) to mm in the image's own world.
    fill : value outside the image.
    labels : nearest neighbour and no smoothing; else linear, smoothed first where the grid is coarser.

    Returns
    -------
    float32, or uint16 for labels, of shape `grid.shape`.
    """
    if labels:
        placed = sitk.Resample(image, grid.empty(), to_volume, sitk.sitkNearestNeighbor, fill, sitk.sitkUInt16)
    else:
        smooth = _smooth_for(sitk.Cast(image, sitk.sitkFloat32), grid)
        placed = sitk.Resample(smooth, grid.empty(), to_volume, sitk.sitkLinear, fill, sitk.sitkFloat32)
    return np.asarray(sitk.GetArrayFromImage(placed))


def bounding_grid(image: sitk.Image, spacing: float) -> tuple[Grid, np.ndarray]:
    """A grid of isotropic `spacing` mm around the whole image, and where its centre lies in the world (x, y, z)."""
    ends = [[0, n - 1] for n in image.GetSize()]
    corners = np.array(
        [
            image.TransformContinuousIndexToPhysicalPoint((float(i), float(j), float(k)))
            for i in ends[0]
            for j in ends[1]
            for k in ends[2]
        ]
    )
    extent = corners.max(0) - corners.min(0)
    z, y, x = (max(4, math.ceil(mm / spacing) + 1) for mm in extent[::-1])
    return Grid((z, y, x), (spacing,) * 3), (corners.max(0) + corners.min(0)) / 2


def default_grid(sizes: Sequence[Sequence[float] | np.ndarray], spacings: Sequence[float]) -> Grid:
    """The grid a study gets when nobody asked for one.

    Parameters
    ----------
    sizes : extent in mm along world z, y, x of each training volume.
    spacings : geometric mean spacing in mm of each training volume.

    Returns
    -------
    Isotropic grid: the median spacing, made coarser until the 90th percentile of the extents fits into
    128 voxels a side; sides are multiples of 8.
    """
    extent = np.percentile(np.asarray(sizes, float), 90, axis=0)
    spacing = max(float(np.median(spacings)), float(extent.max()) / LARGEST_DEFAULT_SIDE)
    spacing = math.ceil(spacing * 20 - 1e-6) / 20
    z, y, x = (max(8, math.ceil(mm / spacing / 8 - 1e-6) * 8) for mm in extent)
    return Grid((z, y, x), (spacing,) * 3)


def _smooth_for(image: sitk.Image, grid: Grid) -> sitk.Image:
    """Gaussian smoothing so that `grid` does not alias (Cardoso et al., Scale factor point spread function
    matching, MICCAI 2015)."""
    target = float(np.mean(grid.spacing))
    for axis, spacing in enumerate(image.GetSpacing()):
        if target > 1.05 * spacing and image.GetSize()[axis] >= 4:
            sigma = math.sqrt((target**2 - spacing**2) / (8 * math.log(2)))
            image = sitk.RecursiveGaussian(image, sigma, False, sitk.RecursiveGaussianImageFilter.ZeroOrder, axis)
    return image
