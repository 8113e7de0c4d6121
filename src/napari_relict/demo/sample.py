"""A volume with what belongs to it, and the grids volumes are drawn on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """One volume on its way through the demo.

    Attributes
    ----------
    image : intensities, int16 or float32, any geometry.
    labels : uint8 on the grid of `image`, above zero where the body part of interest is (the brain of a
        head, the
        organs of a body, then with one value per organ).
    air : intensity outside the field of view.
    """

    image: sitk.Image
    labels: sitk.Image
    air: float = 0.0


@dataclass(frozen=True)
class Grid:
    """A grid of voxels in world coordinates: to the left, to the back, upwards (LPS), in mm.

    Attributes
    ----------
    size : voxels along x, y, z.
    spacing : mm between voxels, the same along all axes.
    centre : world coordinates of the middle of the grid.
    direction : the nine direction cosines, row by row.
    """

    size: tuple[int, int, int]
    spacing: float
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    def empty(self) -> sitk.Image:
        """A uint8 image of zeros on this grid; resampling takes its geometry from it."""
        image = sitk.Image(self.size, sitk.sitkUInt8)
        image.SetSpacing((self.spacing,) * 3)
        image.SetDirection(self.direction)
        middle = np.reshape(self.direction, (3, 3)) @ ((np.array(self.size) - 1) / 2 * self.spacing)
        image.SetOrigin(tuple(float(c - m) for c, m in zip(self.centre, middle, strict=True)))
        return image


def centre_of(image: sitk.Image) -> tuple[float, ...]:
    """World coordinates of the middle of the grid of `image`, mm."""
    middle = [(side - 1) / 2 for side in image.GetSize()]
    return tuple(image.TransformContinuousIndexToPhysicalPoint(middle))


def resample(
    image: sitk.Image,
    like: sitk.Image,
    transform: sitk.Transform,
    *,
    nearest: bool = False,
    outside: float = 0.0,
) -> sitk.Image:
    """`image` on the grid of `like`.

    `transform` takes a world point of `like` to the point of `image` shown there. `nearest` keeps label values
    as they are; otherwise interpolation is linear. On one thread, for many volumes are made side by side.
    """
    resampler = sitk.ResampleImageFilter()
    resampler.SetReferenceImage(like)
    resampler.SetTransform(transform)
    resampler.SetInterpolator(sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear)
    resampler.SetDefaultPixelValue(outside)
    resampler.SetOutputPixelType(image.GetPixelID() if nearest else sitk.sitkFloat32)
    resampler.SetNumberOfThreads(1)
    return resampler.Execute(image)


def moved(sample: Sample, transform: sitk.Transform, like: sitk.Image | None = None) -> Sample:
    """`sample` seen through `transform` (see `resample`), in float32, on the grid of `like` or its own."""
    like = sample.image if like is None else like
    image = resample(sample.image, like, transform, outside=sample.air)
    return Sample(image, resample(sample.labels, like, transform, nearest=True), sample.air)


def with_values(sample: Sample, values: NDArray[np.generic]) -> Sample:
    """`sample` with other intensities (z, y, x) on the same grid."""
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(sample.image)
    return Sample(image, sample.labels, sample.air)


def values_of(sample: Sample) -> Floats:
    """A fresh copy of the intensities (z, y, x), float32."""
    return np.array(sitk.GetArrayViewFromImage(sample.image), dtype=np.float32)


def rounded(sample: Sample) -> Sample:
    """`sample` with int16 intensities, as a scanner would store them."""
    if sample.image.GetPixelID() == sitk.sitkInt16:
        return sample
    values = np.clip(np.rint(values_of(sample)), -32768, 32767).astype(np.int16)
    return with_values(sample, values)
