"""Random smooth deformations: what makes many patients out of one anatomy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.interpolate import BSpline

from napari_relict.demo.sample import Doubles

# A cubic B-spline deformation cannot fold as long as no control point moves further than this share of the
# distance between control points (Choi and Lee 2000).
NO_FOLD = 0.40

_LATTICE_MM = 4.0


@dataclass(frozen=True)
class Scale:
    """One scale of deformation: control points `spacing` mm apart, each moved up to `reach` mm per axis."""

    spacing: float
    reach: float


def random_field(
    rng: np.random.Generator,
    half: tuple[float, float, float],
    scales: tuple[Scale, ...],
    *,
    stretch: float = 0.0,
    step: float = _LATTICE_MM,
) -> sitk.Transform:
    """A random smooth deformation of the box from -`half` to +`half` mm (x, y, z).

    It is a transform of world points. `stretch` lets the size along each axis vary by up to this share. Outside
    the box nothing moves, so the box should reach further than the volume. Each axis of the box is cut into
    steps of `step` mm.
    """
    axes = [np.linspace(-h, h, 1 + round(2 * h / step)) for h in half]
    field = np.zeros((*(len(axis) for axis in reversed(axes)), 3))
    for scale in scales:
        field += _bspline_values(rng, axes, scale)
    factors = rng.uniform(-stretch, stretch, 3)
    x, y, z = axes
    field[..., 0] += factors[0] * x[None, None, :]
    field[..., 1] += factors[1] * y[None, :, None]
    field[..., 2] += factors[2] * z[:, None, None]
    image = sitk.GetImageFromArray(field, isVector=True)
    image.SetOrigin([float(axis[0]) for axis in axes])
    image.SetSpacing([float(axis[1] - axis[0]) for axis in axes])
    return sitk.DisplacementFieldTransform(image)


def _bspline_values(rng: np.random.Generator, axes: list[Doubles], scale: Scale) -> Doubles:
    """Displacement (z, y, x, 3) in mm at the crossings of `axes` (x, y, z)."""
    bases = [_basis(axis, scale.spacing) for axis in axes]
    points = rng.uniform(-scale.reach, scale.reach, (bases[2].shape[1], bases[1].shape[1], bases[0].shape[1], 3))
    # One axis at a time: three small matrix products instead of 64 weights per voxel.
    points = np.tensordot(bases[2], points, (1, 0))
    points = np.tensordot(bases[1], points, (1, 1)).transpose(1, 0, 2, 3)
    return np.tensordot(bases[0], points, (1, 2)).transpose(1, 2, 0, 3)


def _basis(axis: Doubles, spacing: float) -> Doubles:
    """Weights (positions, control points) of the uniform cubic B-spline with knots `spacing` mm apart."""
    first = axis[0] - 3.5 * spacing
    knots = first + spacing * np.arange(int((axis[-1] - first) / spacing) + 6)
    return np.asarray(BSpline.design_matrix(axis, knots, 3).toarray(), dtype=np.float64)


def smallest_jacobian(transform: sitk.Transform, like: sitk.Image) -> float:
    """Smallest local volume factor of `transform` on the grid of `like`; above zero: nothing folds."""
    shift = sitk.TransformToDisplacementField(
        transform,
        sitk.sitkVectorFloat64,
        like.GetSize(),
        like.GetOrigin(),
        like.GetSpacing(),
        like.GetDirection(),
    )
    factors = sitk.DisplacementFieldJacobianDeterminant(shift)
    return float(sitk.GetArrayViewFromImage(factors).min())
