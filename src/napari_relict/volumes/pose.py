"""One pose for every volume of a study: a rigid transform onto the study's own reference.

The cost grows with the number of volumes, not of pairs. The reference is made mirror-symmetric, so that posing a
mirrored volume gives the mirror image of the posed volume: a left-right copy is then found by flipping alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import SimpleITK as sitk

from napari_relict.errors import DataError
from napari_relict.volumes.grid import Grid, bounding_grid, place
from napari_relict.volumes.intensity import Modality, to_unit, value_range

COARSE = 2.0  # the pose is estimated on a grid this many times coarser than the study's
LARGEST_ROTATION = np.deg2rad(50)  # beyond this the optimiser has lost its way
LARGEST_SHIFT = 0.35  # share of the grid's side, likewise


def coarse_image(image: sitk.Image, grid: Grid, modality: Modality, window: tuple[float, float]) -> sitk.Image:
    """The whole volume at low resolution, values 0 to 1, in its own world coordinates."""
    spacing = COARSE * float(np.mean(grid.spacing))
    around, centre = bounding_grid(image, spacing)
    fill = window[0] if modality == "ct" else float(sitk.GetArrayViewFromImage(image).min())
    values = place(image, around, sitk.TranslationTransform(3, centre.tolist()), fill=fill)
    try:
        values = to_unit(values, *value_range(values, modality, window, ""))
    except DataError:  # nothing to see at this resolution: centre on the box
        values = np.zeros(around.shape, np.float32)
    coarse = sitk.GetImageFromArray(values)
    coarse.CopyInformation(around.empty())
    coarse.SetOrigin((np.array(coarse.GetOrigin()) + centre).tolist())
    return coarse


def centre_of_mass(coarse: sitk.Image) -> np.ndarray:
    """Centre in mm (x, y, z) of what is brighter than Otsu's threshold."""
    values = sitk.GetArrayViewFromImage(coarse)
    if values.min() == values.max():
        middle = [(n - 1) / 2 for n in coarse.GetSize()]
        return np.array(coarse.TransformContinuousIndexToPhysicalPoint(middle))
    mask = sitk.OtsuThreshold(coarse, 0, 1)
    index = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0).mean(0)[::-1]
    return np.array(coarse.TransformContinuousIndexToPhysicalPoint(index.tolist()))


def centring(centre: np.ndarray) -> sitk.Euler3DTransform:
    """Grid mm -> world mm by translation alone."""
    transform = sitk.Euler3DTransform()
    transform.SetTranslation(centre.tolist())
    return transform


def make_reference(volumes: Sequence[sitk.Image], grid: Grid) -> np.ndarray:
    """Mirror-symmetric mean of coarse volumes, first centred, then posed onto that first mean.

    The second mean is sharper, and poses onto it repeat better.

    Parameters
    ----------
    volumes : results of `coarse_image`, some dozens at most.

    Returns
    -------
    float32 on the coarse version of `grid`.
    """
    first = _symmetric_mean(volumes, [centring(centre_of_mass(image)) for image in volumes], grid)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        poses = list(pool.map(lambda image: rigid_pose(image, first, grid), volumes))
    return _symmetric_mean(volumes, poses, grid)


def _symmetric_mean(volumes: Sequence[sitk.Image], poses: Sequence[sitk.Transform], grid: Grid) -> np.ndarray:
    coarse = coarse_grid(grid)
    total = np.zeros(coarse.shape, np.float64)
    for image, pose in zip(volumes, poses, strict=True):
        total += place(image, coarse, pose, fill=0.0)
    mean = total / max(len(volumes), 1)
    return np.asarray((mean + mean[..., ::-1]) / 2, np.float32)


def coarse_grid(grid: Grid) -> Grid:
    z, y, x = (max(4, round(n / COARSE)) for n in grid.shape)
    a, b, c = (COARSE * mm for mm in grid.spacing)
    return Grid((z, y, x), (a, b, c))


def rigid_pose(coarse: sitk.Image, reference: np.ndarray, grid: Grid) -> sitk.Euler3DTransform:
    """Grid mm -> world mm that brings a volume onto the reference.

    Correlation of intensities, coarse to fine, from the centre of mass. Where that fails or runs away, the
    centring translation is returned: a volume is never lost to its pose.
    """
    start = centring(centre_of_mass(coarse))
    if reference.max() <= reference.min() or min(reference.shape) < 8:
        return start
    fixed = sitk.GetImageFromArray(reference)
    fixed.CopyInformation(coarse_grid(grid).empty())
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)  # sums in one order: the same pose every time
    method.SetMetricAsCorrelation()
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=4.0, minStep=1e-4, numberOfIterations=200, relaxationFactor=0.7
    )
    method.SetOptimizerScalesFromPhysicalShift()
    shrink = [factor for factor in (4, 2, 1) if factor == 1 or min(reference.shape) >= 12 * factor]
    method.SetShrinkFactorsPerLevel(shrink)
    method.SetSmoothingSigmasPerLevel([factor / 2 if factor > 1 else 0 for factor in shrink])
    method.SetInitialTransform(sitk.Euler3DTransform(start), inPlace=False)
    try:
        found = method.Execute(fixed, coarse)
    except RuntimeError:  # too little overlap, or a volume without structure
        return start
    if isinstance(found, sitk.CompositeTransform):
        found = found.GetNthTransform(0)
    pose = sitk.Euler3DTransform(found)
    angle = np.arccos(np.clip((np.trace(np.reshape(pose.GetMatrix(), (3, 3))) - 1) / 2, -1, 1))
    shift = np.abs(np.subtract(pose.GetTranslation(), start.GetTranslation()))
    side = np.multiply(grid.shape, grid.spacing)[::-1]
    runaway = angle > LARGEST_ROTATION or bool((shift > LARGEST_SHIFT * side).any())
    return start if runaway else pose
