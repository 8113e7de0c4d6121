"""One pose for every volume of a study: a similarity transform onto the study's own reference.

The cost grows with the number of volumes, not of pairs. The reference is made mirror-symmetric, so that posing a
mirrored volume gives the mirror image of the posed volume: a left-right copy is then found by flipping alone. A
volume whose contrast runs against the reference's is turned over for comparing, so that an inverted copy is found
like any other.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from napari_relict.errors import DataError
from napari_relict.registration import Kind, Pyramid, register
from napari_relict.volumes.affines import matrix_of, transform_of
from napari_relict.volumes.grid import Grid, bounding_grid, place
from napari_relict.volumes.intensity import Modality, to_unit, value_range

COARSE = 2.0  # the pose is estimated on a grid this many times coarser than the study's
SAME_CONTRAST = 0.4  # agreement with the reference from which on nobody asks whether the contrast is inverted
POINTS = 40_000  # of the reference: the more, the better a pose repeats
RIM_MM = 4.0  # of the body's surface: half tissue, half air, bright in whatever is turned over

PoseKind = Literal["similarity", "rigid", "centre"]
KINDS = {"similarity": Kind.SIMILARITY, "rigid": Kind.RIGID}


@dataclass(frozen=True)
class Limits:
    """How far a pose may lie from where its search began; beyond that the optimiser has lost its way.

    Attributes
    ----------
    degrees : turned by.
    scale : factor, either way.
    shift : share of the grid's side.
    """

    degrees: float
    scale: float
    shift: float

    def allow(self, moved: np.ndarray, grid: Grid, middle: np.ndarray) -> bool:
        """Whether `moved` (4x4, mm -> mm) stays within, its shift taken at the point `middle` (x, y, z)."""
        scale = float(np.cbrt(np.linalg.det(moved[:3, :3])))
        if not 1 / self.scale < scale < self.scale:
            return False
        angle = np.arccos(np.clip((np.trace(moved[:3, :3]) / scale - 1) / 2, -1, 1))
        shift = np.abs(moved[:3, :3] @ middle + moved[:3, 3] - middle)
        side = np.multiply(grid.shape, grid.spacing)[::-1]
        return bool(angle <= np.deg2rad(self.degrees) and (shift <= self.shift * side).all())


WHOLE_LIMITS = Limits(degrees=50, scale=1.35, shift=0.35)


@dataclass(frozen=True)
class Pose:
    """How a volume lies on the common grid.

    Attributes
    ----------
    transform : grid mm -> world mm.
    inverted : its contrast runs against the reference's (dark where others are bright).
    """

    transform: sitk.Transform
    inverted: bool = False


def coarse_image(
    image: sitk.Image, grid: Grid, modality: Modality, window: tuple[float, float], *, body_alone: bool = False
) -> sitk.Image:
    """The whole volume at low resolution, values 0 to 1, in its own world coordinates; 0 outside the body where that
    alone is asked for."""
    step = float(np.mean(grid.spacing))
    coarse = _at_resolution(image, COARSE * step, modality, window)
    if not body_alone:
        return coarse
    # At low resolution a table is part of the body that lies on it.
    fine = _at_resolution(image, step, modality, window)
    inside = sitk.GetImageFromArray(body_of(sitk.GetArrayFromImage(fine)).astype(np.float32))
    inside.CopyInformation(fine)
    return coarse * sitk.Resample(inside, coarse, sitk.Transform(), sitk.sitkLinear, 0.0)


def _at_resolution(image: sitk.Image, spacing: float, modality: Modality, window: tuple[float, float]) -> sitk.Image:
    around, centre = bounding_grid(image, spacing)
    fill = window[0] if modality == "ct" else float(sitk.GetArrayViewFromImage(image).min())
    values = place(image, around, sitk.TranslationTransform(3, centre.tolist()), fill=fill)
    try:
        values = to_unit(values, *value_range(values, modality, window, ""))
    except DataError:  # nothing to see at this resolution: centre on the box
        values = np.zeros(around.shape, np.float32)
    seen = sitk.GetImageFromArray(values)
    seen.CopyInformation(around.empty())
    seen.SetOrigin((np.array(seen.GetOrigin()) + centre).tolist())
    return seen


def centre_of_mass(coarse: sitk.Image) -> np.ndarray:
    """Centre in mm (x, y, z) of what is brighter than Otsu's threshold."""
    values = sitk.GetArrayViewFromImage(coarse)
    if values.min() == values.max():
        middle = [(n - 1) / 2 for n in coarse.GetSize()]
        return np.array(coarse.TransformContinuousIndexToPhysicalPoint(middle))
    mask = sitk.OtsuThreshold(coarse, 0, 1)
    index = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0).mean(0)[::-1]
    return np.array(coarse.TransformContinuousIndexToPhysicalPoint(index.tolist()))


def centring(centre: np.ndarray) -> sitk.Similarity3DTransform:
    """Grid mm -> world mm by translation alone."""
    transform = sitk.Similarity3DTransform()
    transform.SetTranslation(centre.tolist())
    return transform


def make_reference(volumes: Sequence[sitk.Image], grid: Grid, kind: PoseKind) -> np.ndarray:
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
        poses = list(pool.map(lambda image: registered(image, first, grid, kind), volumes))
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


def pose_of(coarse: sitk.Image, reference: np.ndarray, grid: Grid, kind: PoseKind) -> Pose:
    """The pose of one volume.

    Parameters
    ----------
    coarse : result of `coarse_image`.
    reference : result of `make_reference`.
    """
    found = registered(coarse, reference, grid, kind)
    before = _agreement(coarse, found, reference, grid)
    if before >= SAME_CONTRAST:
        return Pose(found)
    # Posed again as what it would be with its contrast turned over, for the first pose followed the outline alone.
    turned = turned_over(coarse)
    again = registered(turned, reference, grid, kind)
    return Pose(again, True) if _agreement(turned, again, reference, grid) > before else Pose(found)


def _agreement(coarse: sitk.Image, pose: sitk.Transform, reference: np.ndarray, grid: Grid) -> float:
    """Correlation with the reference inside the body; 0 where there is nothing to compare.

    Inside, for air is dark in every contrast and would make all bodies agree.
    """
    inside = ndimage.binary_erosion(foreground(reference), iterations=2)
    values = place(coarse, coarse_grid(grid), pose, fill=-1.0)
    inside &= values > 0.02  # neither beyond the field of view nor air
    if inside.sum() < 100:
        return 0.0
    a, b = values[inside], reference[inside]
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def foreground(values: np.ndarray) -> np.ndarray:
    """Where the body is: above Otsu's threshold halved, holes filled. bool (z, y, x)."""
    image = sitk.GetImageFromArray(np.asarray(values, np.float32))
    threshold = sitk.OtsuThresholdImageFilter()
    threshold.Execute(image)
    return np.asarray(ndimage.binary_fill_holes(values > 0.5 * threshold.GetThreshold()))


def body_of(values: np.ndarray) -> np.ndarray:
    """The body without the table it lies on and the noise around it. bool (z, y, x).

    The largest connected part of the foreground (voxels that share a corner are connected), holes filled slice by
    slice too: lungs that the volume's upper or lower end cuts open are part of the body.
    """
    parts, count = ndimage.label(foreground(values), np.ones((3, 3, 3)))
    sizes = np.bincount(parts.ravel(), minlength=2)[1:]
    inside = parts == 1 + int(sizes.argmax()) if count else parts > 0
    return np.stack([ndimage.binary_fill_holes(piece) for piece in inside])


def turn_over(values: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Dark tissue bright and bright tissue dark; air and the body's rim dark. Values 0 to 1, float32 (z, y, x).

    The rim is left out because a voxel half tissue, half air would come out bright: a shell that no volume has,
    which draws poses to itself.
    """
    body = foreground(values)
    inner = ndimage.binary_erosion(body, iterations=max(1, round(RIM_MM / float(np.mean(spacing)))))
    return np.where(inner, 1 - values, np.where(body, 0, values)).astype(np.float32)


def turned_over(coarse: sitk.Image) -> sitk.Image:
    """A result of `coarse_image` with its contrast turned over."""
    turned = sitk.GetImageFromArray(turn_over(sitk.GetArrayFromImage(coarse), coarse.GetSpacing()[::-1]))
    turned.CopyInformation(coarse)
    return turned


def registered(coarse: sitk.Image, reference: np.ndarray, grid: Grid, kind: PoseKind) -> sitk.Transform:
    """Grid mm -> world mm that brings a volume onto the reference.

    Correlation of intensities, coarse to fine, from the centre of mass. Where that fails or runs away, the
    centring translation is returned: a volume is never lost to its pose.
    """
    start = centring(centre_of_mass(coarse))
    if kind == "centre" or reference.max() <= reference.min() or min(reference.shape) < 8:
        return start
    onto = Pyramid(reference, coarse_grid(grid).spacing, points=POINTS)
    found = register(onto, pyramid_of(coarse), starts=[matrix_of(start)], kind=KINDS[kind])
    moved = np.linalg.inv(matrix_of(start)) @ found.matrix
    return transform_of(found.matrix) if WHOLE_LIMITS.allow(moved, grid, np.zeros(3)) else start


def pyramid_of(coarse: sitk.Image) -> Pyramid:
    """A result of `coarse_image`, whose axes are the world's, prepared for registration."""
    return Pyramid(sitk.GetArrayFromImage(coarse), coarse.GetSpacing()[::-1], origin=coarse.GetOrigin())
