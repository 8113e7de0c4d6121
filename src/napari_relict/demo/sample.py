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
    image : SimpleITK.Image
        Intensities, int16 or float32, any geometry.
    labels : SimpleITK.Image
        Uint8 on the grid of `image`, above zero where the body part of interest is (the brain of a head, the organs of
        a body, then with one value per organ).
    air : float, default: 0.0
        Intensity outside the field of view.
    """

    image: sitk.Image
    labels: sitk.Image
    air: float = 0.0


@dataclass(frozen=True)
class Grid:
    """A grid of voxels in world coordinates: to the left, to the back, upwards (LPS), in mm.

    Attributes
    ----------
    size : tuple of 3 int
        Voxels along x, y, z.
    spacing : float
        mm between voxels, the same along all axes.
    centre : tuple of 3 float, default: (0.0, 0.0, 0.0)
        World coordinates of the middle of the grid.
    direction : tuple of float, default: (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
        The nine direction cosines, row by row.
    """

    size: tuple[int, int, int]
    spacing: float
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    def empty(self) -> sitk.Image:
        """Make an image of zeros on this grid; resampling takes its geometry from it.

        Returns
        -------
        SimpleITK.Image
            Uint8.
        """
        image = sitk.Image(self.size, sitk.sitkUInt8)
        image.SetSpacing((self.spacing,) * 3)
        image.SetDirection(self.direction)
        middle = np.reshape(self.direction, (3, 3)) @ ((np.array(self.size) - 1) / 2 * self.spacing)
        image.SetOrigin(tuple(float(c - m) for c, m in zip(self.centre, middle, strict=True)))
        return image


def centre_of(image: sitk.Image) -> tuple[float, ...]:
    """Find the middle of a grid.

    Parameters
    ----------
    image : SimpleITK.Image
        On the grid.

    Returns
    -------
    tuple of float
        World coordinates x, y, z in mm.
    """
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
    """Resample an image to another grid, on one thread: many volumes are made side by side.

    Parameters
    ----------
    image : SimpleITK.Image
        What is resampled.
    like : SimpleITK.Image
        On the grid that is wanted.
    transform : SimpleITK.Transform
        Takes a world point of `like` to the point of `image` shown there.
    nearest : bool, default: False
        Label values are kept as they are; otherwise interpolation is linear.
    outside : float, default: 0.0
        Intensity beyond `image`.

    Returns
    -------
    SimpleITK.Image
        On the grid of `like`; float32, or of the type of `image` where `nearest`.
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
    """See a sample through a transform.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    transform : SimpleITK.Transform
        See `resample`.
    like : SimpleITK.Image, optional
        On the grid that is wanted; the sample's own when None.

    Returns
    -------
    Sample
        In float32.
    """
    like = sample.image if like is None else like
    image = resample(sample.image, like, transform, outside=sample.air)
    return Sample(image, resample(sample.labels, like, transform, nearest=True), sample.air)


def with_values(sample: Sample, values: NDArray[np.generic]) -> Sample:
    """Give a sample other intensities on the same grid.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    values : numpy.ndarray of shape (z, y, x)
        The intensities.

    Returns
    -------
    Sample
        The sample with them.
    """
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(sample.image)
    return Sample(image, sample.labels, sample.air)


def values_of(sample: Sample) -> Floats:
    """Copy the intensities.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)
        A fresh copy.
    """
    return np.array(sitk.GetArrayViewFromImage(sample.image), dtype=np.float32)


def rounded(sample: Sample) -> Sample:
    """Round intensities to int16, as a scanner would store them.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.

    Returns
    -------
    Sample
        The sample with them.
    """
    if sample.image.GetPixelID() == sitk.sitkInt16:
        return sample
    values = np.clip(np.rint(values_of(sample)), -32768, 32767).astype(np.int16)
    return with_values(sample, values)
