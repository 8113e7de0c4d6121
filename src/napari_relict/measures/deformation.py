"""A small smooth deformation after the linear alignment of a pair, so that a bent copy is compared as it was."""

from __future__ import annotations

import math

import numpy as np
import SimpleITK as sitk

from napari_relict.measures.registration import FEWEST_VOXELS, set_up
from napari_relict.volumes.affines import transform_of
from napari_relict.volumes.grid import Grid

CONTROL_MM = 40.0  # between control points: wide, so that a stranger is not bent into the patient
ITERATIONS = 10
SAMPLES = 4000  # voxels compared, always the same ones; each costs as much as there are control points
LATTICE_MM = 8.0  # the deformation is looked up between points this far apart
LARGEST_MM = 10.0  # moving anything farther than this is no small deformation


def deform(
    fixed: np.ndarray,
    moving: np.ndarray,
    grid: Grid,
    matrix: np.ndarray,
    *,
    fixed_mask: np.ndarray,
    moving_mask: np.ndarray,
    contrasts_differ: bool = False,
) -> sitk.Transform:
    """The transform that shows `moving` as `fixed` shows it, bent a little where that helps.

    A cubic B-spline before the linear alignment: correlation of intensities inside both masks (mutual information
    where the contrasts differ). Where it fails, folds or moves anything by more than 10 mm, the linear alignment
    alone is returned.

    Parameters
    ----------
    fixed, moving : float32 (z, y, x) on `grid`.
    matrix : (4, 4), result of `align`: grid mm of `fixed` -> grid mm of `moving`.
    fixed_mask, moving_mask : bool, where they count: where `fixed` shows its body, the field of view of `moving`.

    Returns
    -------
    Grid mm of `fixed` -> grid mm of `moving`, for `resampled`.
    """
    linear = transform_of(matrix)
    if fixed_mask.sum() < FEWEST_VOXELS or moving_mask.sum() < FEWEST_VOXELS:
        return linear
    lattice = _lattice(grid)
    mesh = [max(1, round(side * step / CONTROL_MM)) for side, step in zip(lattice.shape, lattice.spacing, strict=True)]
    bend = sitk.BSplineTransformInitializer(lattice.empty(), mesh[::-1], 3)
    method, one, other, body = set_up(fixed, moving, grid, fixed_mask, moving_mask, contrasts_differ)
    inside = max(1, int(sitk.GetArrayViewFromImage(body).sum()))
    method.SetMetricSamplingPercentage(min(1.0, SAMPLES / inside), 1)
    method.SetOptimizerAsLBFGSB(numberOfIterations=ITERATIONS, maximumNumberOfFunctionEvaluations=2 * ITERATIONS)
    method.SetMovingInitialTransform(linear)
    method.SetInitialTransform(bend, inPlace=True)
    try:
        method.Execute(one, other)
    except RuntimeError:  # too little overlap, or no structure
        return linear
    shift = _shift(bend, lattice)
    # Applied in the order from last to first.
    return sitk.CompositeTransform([linear, sitk.DisplacementFieldTransform(shift)]) if _is_small(shift) else linear


def _lattice(grid: Grid) -> Grid:
    """A coarse grid that reaches a little beyond `grid` on all sides: beyond it nothing would move."""
    z, y, x = (math.ceil(side * step / LATTICE_MM) + 1 for side, step in zip(grid.shape, grid.spacing, strict=True))
    return Grid((z, y, x), (LATTICE_MM,) * 3)


def _shift(bend: sitk.Transform, lattice: Grid) -> sitk.Image:
    """Displacements in mm at the lattice's points: quicker to look up than 64 weights a voxel."""
    like = lattice.empty()
    return sitk.TransformToDisplacementField(
        bend, sitk.sitkVectorFloat64, like.GetSize(), like.GetOrigin(), like.GetSpacing(), like.GetDirection()
    )


def _is_small(shift: sitk.Image) -> bool:
    """Whether a field of displacements folds nowhere and moves nothing by more than `LARGEST_MM`."""
    farthest = float(np.linalg.norm(sitk.GetArrayViewFromImage(shift), axis=-1).max())
    volumes = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(shift))
    return bool(farthest <= LARGEST_MM and volumes.min() > 0)
