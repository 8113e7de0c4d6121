"""One volume brought onto another: the pairwise step after the common pose, for candidates only."""

from __future__ import annotations

from typing import Literal

import numpy as np
import SimpleITK as sitk

from napari_relict.registration import Contrast, Kind, Pyramid, register
from napari_relict.volumes.affines import matrix_of, on_grid, transform_of
from napari_relict.volumes.grid import Grid

Alignment = Literal["rigid", "similarity", "affine"]
Engine = Literal["gauss-newton", "simpleitk"]
KINDS = {"rigid": Kind.RIGID, "similarity": Kind.SIMILARITY, "affine": Kind.AFFINE}
LARGEST_SIDE = 64  # SimpleITK's registration runs on a grid of at most about this many voxels a side
FEWEST_VOXELS = 500
SAMPLED = 0.1


def align(
    fixed: np.ndarray,
    moving: np.ndarray,
    grid: Grid,
    *,
    fixed_mask: np.ndarray,
    moving_mask: np.ndarray,
    start: np.ndarray | None = None,
    kind: Alignment = "similarity",
    contrasts_differ: bool = False,
    engine: Engine = "gauss-newton",
) -> np.ndarray:
    """The transform that shows `moving` as `fixed` shows it.

    Correlation inside both masks (mutual information where the contrasts differ), coarse to fine. Where that fails, the
    start is returned.

    Parameters
    ----------
    fixed, moving : ndarray of float32, (z, y, x)
        On `grid`.
    grid : Grid
    fixed_mask, moving_mask : ndarray of bool, (z, y, x)
        Where they count (their fields of view).
    start : ndarray of float64, (4, 4), or None
        Grid mm of `fixed` -> grid mm of `moving`; identity when None.
    kind : {"rigid", "similarity", "affine"}
    contrasts_differ : bool
    engine : {"gauss-newton", "simpleitk"}

    Returns
    -------
    ndarray of float64, (4, 4)
        Likewise.
    """
    begin = np.eye(4) if start is None else start
    if fixed_mask.sum() < FEWEST_VOXELS or moving_mask.sum() < FEWEST_VOXELS:
        return begin
    if engine == "simpleitk":
        return _with_simpleitk(fixed, moving, grid, fixed_mask, moving_mask, begin, kind, contrasts_differ)
    pyramids = Pyramid(fixed, grid.spacing, fixed_mask), Pyramid(moving, grid.spacing, moving_mask)
    contrast: Contrast = "different" if contrasts_differ else "same"
    return register(*pyramids, starts=[begin], kind=KINDS[kind], contrast=contrast).matrix


def _with_simpleitk(
    fixed: np.ndarray,
    moving: np.ndarray,
    grid: Grid,
    fixed_mask: np.ndarray,
    moving_mask: np.ndarray,
    begin: np.ndarray,
    kind: Alignment,
    contrasts_differ: bool,
) -> np.ndarray:
    method, one, other, _ = set_up(fixed, moving, grid, fixed_mask, moving_mask, contrasts_differ)
    # A tenth of the voxels, always the same ones: as near to the optimum, at a third of the time.
    method.SetMetricSamplingPercentage(SAMPLED, 1)
    # The correlation's gradient is small long before the optimum: only the length of the step says when to stop.
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=1e-3, numberOfIterations=150, relaxationFactor=0.8, gradientMagnitudeTolerance=1e-8
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([2, 1])
    method.SetSmoothingSigmasPerLevel([1, 0])
    # The start goes before the optimised part, so that any start can be refined by any kind.
    method.SetMovingInitialTransform(transform_of(begin))
    kinds = {"rigid": sitk.Euler3DTransform, "similarity": sitk.Similarity3DTransform}
    method.SetInitialTransform(kinds[kind]() if kind in kinds else sitk.AffineTransform(3), inPlace=False)
    try:
        optimised = method.Execute(one, other)
    except RuntimeError:  # too little overlap, or no structure
        return begin
    # ITK applies the optimised transform first, then the moving initial one.
    return np.asarray(begin @ matrix_of(optimised))


def set_up(
    fixed: np.ndarray,
    moving: np.ndarray,
    grid: Grid,
    fixed_mask: np.ndarray,
    moving_mask: np.ndarray,
    contrasts_differ: bool,
) -> tuple[sitk.ImageRegistrationMethod, sitk.Image, sitk.Image, sitk.Image]:
    """Metric, masks and sampling of a pair (see `align`); the fixed and the moving image and the fixed mask, coarse."""
    shrink = [max(1, round(side / LARGEST_SIDE + 0.25)) for side in grid.shape[::-1]]
    one, other = (sitk.BinShrink(on_grid(np.ascontiguousarray(v), grid), shrink) for v in (fixed, moving))
    masks = [sitk.BinShrink(on_grid(mask.astype(np.float32), grid), shrink) > 0.5 for mask in (fixed_mask, moving_mask)]
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)  # pairs run side by side; sums in one order
    if contrasts_differ:
        method.SetMetricAsMattesMutualInformation(32)
    else:
        method.SetMetricAsCorrelation()
    method.SetMetricFixedMask(masks[0])
    method.SetMetricMovingMask(masks[1])
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetInterpolator(sitk.sitkLinear)
    return method, one, other, masks[0]
