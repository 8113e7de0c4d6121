"""One simulated scan of one simulated patient: an anatomy deformed, posed, shaded and made noisy.

Everything is drawn from two generators, one of the patient (shape, contrast) and one of the scan (pose,
shading, noise, brightness), so two scans of a patient share the first and differ in the second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from napari_relict.demo.deformation import Scale, random_field
from napari_relict.demo.sample import (
    Doubles,
    Floats,
    Grid,
    Sample,
    centre_of,
    moved,
    rounded,
    values_of,
    with_values,
)


@dataclass(frozen=True)
class Variety:
    """How much patients and scans differ.

    Attributes
    ----------
    grid : Grid
        The grid scans are made on.
    half : tuple of 3 float
        Half the side of the deformed box, mm (x, y, z); it should reach further than the grid.
    shape : tuple of Scale
        Deformation per patient, see `random_field`.
    stretch : float
        Deformation per patient, see `random_field`.
    tilt : float
        Largest rotation per axis of the pose, degrees.
    shift : float
        Largest shift per axis, mm.
    gamma : float, default: 0.0
        Contrast goes as brightness to a power between 1/(1 + gamma) and 1 + gamma; MR only.
    shading : float, default: 0.0
        Strength of the smooth brightness error across the volume; MR only.
    noise : float, default: 0.0
        Share of the brightest tissue (MR) or Hounsfield units (CT), standard deviation.
    oblique : float, default: 0.0
        Share of scans made on a tilted grid, which shows in the file's direction cosines alone.
    """

    grid: Grid
    half: tuple[float, float, float]
    shape: tuple[Scale, ...]
    stretch: float
    tilt: float
    shift: float
    gamma: float = 0.0
    shading: float = 0.0
    noise: float = 0.0
    oblique: float = 0.0


def scan_mr(
    anatomy: Sample,
    variety: Variety,
    patient: np.random.Generator,
    scan: np.random.Generator,
    *,
    shape: sitk.Transform | None = None,
) -> Sample:
    """Simulate an MR scan of a simulated patient.

    Parameters
    ----------
    anatomy : Sample
        Intensities from 0 to about 1000.
    variety : Variety
        How much patients and scans differ.
    patient : numpy.random.Generator
        Draws what belongs to the patient.
    scan : numpy.random.Generator
        Draws what belongs to the scan.
    shape : SimpleITK.Transform, optional
        Deforms the anatomy; without it one is drawn for the patient.

    Returns
    -------
    Sample
        Int16 intensities of some brightness and scanner-like (Rician) noise, on a grid like `variety.grid`.
    """
    if shape is None:
        shape = random_field(patient, variety.half, variety.shape, stretch=variety.stretch)
    gamma = _around_one(patient, variety.gamma) * _around_one(scan, variety.gamma / 3)
    posed = moved(anatomy, _posed(shape, variety, scan), _grid(variety, scan).empty())
    values = np.power(np.clip(values_of(posed) / 1000, 0, None), gamma, dtype=np.float32)
    values *= shading(scan, posed.image, variety.shading)
    values = rician(scan, values, variety.noise * scan.uniform(0.7, 1.3))
    return rounded(with_values(posed, values * scan.uniform(500, 1500)))


def scan_ct(anatomy: Sample, variety: Variety, patient: np.random.Generator, scan: np.random.Generator) -> Sample:
    """Simulate a CT scan of a simulated patient.

    Parameters
    ----------
    anatomy : Sample
        A real volume with its labels.
    variety : Variety
        How much patients and scans differ.
    patient : numpy.random.Generator
        Draws what belongs to the patient.
    scan : numpy.random.Generator
        Draws what belongs to the scan.

    Returns
    -------
    Sample
        Int16 Hounsfield units, labels carried along unchanged.
    """
    shape = random_field(patient, variety.half, variety.shape, stretch=variety.stretch)
    posed = moved(anatomy, _posed(shape, variety, scan), _grid(variety, scan).empty())
    values = values_of(posed)
    values += scan.normal(0, variety.noise, values.shape)
    return rounded(with_values(posed, np.clip(values, -1024, 3071)))


def pose(centre: tuple[float, ...], degrees: Doubles, shift: Doubles) -> sitk.Transform:
    """Make a rigid transform: turn, then shift.

    Parameters
    ----------
    centre : tuple of float
        World coordinates x, y, z in mm that it turns about.
    degrees : numpy.ndarray of shape (3,)
        About x, y and z.
    shift : numpy.ndarray of shape (3,)
        mm along x, y and z.

    Returns
    -------
    SimpleITK.Transform
        Of world points.
    """
    transform = sitk.Euler3DTransform()
    transform.SetCenter(centre)
    transform.SetRotation(*(float(angle) for angle in np.deg2rad(degrees)))
    transform.SetTranslation([float(s) for s in shift])
    return transform


def shading(rng: np.random.Generator, like: sitk.Image, strength: float) -> Floats:
    """Draw a smooth factor around 1, as the uneven sensitivity of a receive coil gives.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where draws come from.
    like : SimpleITK.Image
        On the grid that is wanted.
    strength : float
        Standard deviation of its logarithm at coarse points.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)

    """
    coarse = sitk.GetImageFromArray(rng.normal(0, strength, (4, 4, 4)))
    coarse.SetSpacing([side * step / 2 for side, step in zip(like.GetSize(), like.GetSpacing(), strict=True)])
    coarse.SetOrigin([float(o) for o in _corner(coarse, centre_of(like))])
    smooth = sitk.Resample(coarse, like, sitk.Transform(), sitk.sitkBSpline, 0.0, sitk.sitkFloat32)
    return np.asarray(np.exp(sitk.GetArrayFromImage(smooth)), dtype=np.float32)


def rician(rng: np.random.Generator, values: Floats, sigma: float) -> Floats:
    """Add the noise of a magnitude image.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where draws come from.
    values : numpy.ndarray of shape (z, y, x)
        Intensities.
    sigma : float
        Standard deviation of each of two channels.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)

    """
    real = values + rng.normal(0, sigma, values.shape)
    return np.asarray(np.hypot(real, rng.normal(0, sigma, values.shape)), dtype=np.float32)


def _posed(shape: sitk.Transform, variety: Variety, rng: np.random.Generator) -> sitk.Transform:
    tilt, shift = variety.tilt, variety.shift
    rigid = pose(variety.grid.centre, rng.uniform(-tilt, tilt, 3), rng.uniform(-shift, shift, 3))
    # The last one is applied first: from the scan to the upright patient, from there to the anatomy.
    return sitk.CompositeTransform([shape, rigid])


def _grid(variety: Variety, rng: np.random.Generator) -> Grid:
    degrees = rng.uniform(-18, 18, 3)
    if rng.random() >= variety.oblique:
        return variety.grid
    turn = pose((0.0, 0.0, 0.0), degrees, np.zeros(3))
    columns = [turn.TransformVector(axis, (0.0, 0.0, 0.0)) for axis in np.eye(3).tolist()]
    cosines = tuple(float(c) for c in np.transpose(columns).ravel())
    return Grid(variety.grid.size, variety.grid.spacing, variety.grid.centre, cosines)


def _around_one(rng: np.random.Generator, spread: float) -> float:
    """Draw a factor as likely to shrink as to grow, at most by 1 + `spread`."""
    return float(np.exp(rng.uniform(-1, 1) * np.log1p(spread)))


def _corner(image: sitk.Image, centre: tuple[float, ...]) -> Doubles:
    """Origin that puts the middle of `image` (axes along the world's) on `centre`."""
    half = (np.array(image.GetSize()) - 1) / 2 * np.array(image.GetSpacing())
    return np.asarray(np.array(centre) - half, dtype=np.float64)
