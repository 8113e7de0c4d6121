"""Volumes that are more or less another one: what fills the range of SSIM between a copy and a stranger."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import ndimage

CONTROL_MM = 40.0  # between the control points of a deformation


def warped(image: np.ndarray, reach: float, spacing: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Bend a volume smoothly.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        0 to 1.
    reach : float
        By about so many mm.
    spacing : sequence of float
        mm along z, y, x.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)

    """
    shape = _sides(image)
    return sampled(image, places_of(shape, tuple(spacing)) + displacement(shape, spacing, reach, rng), spacing)


def another_patient(image: np.ndarray, spacing: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Bend a volume so far that it is somebody else, of the same texture.

    Stretched by up to 6% an axis, displaced by 4 to 8 mm over 6 cm and by 1.5 to 4 mm over 3 cm.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        0 to 1.
    spacing : sequence of float
        mm along z, y, x.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)

    """
    shape = _sides(image)
    stretch = 1 + rng.uniform(-0.06, 0.06, (3, 1, 1, 1)).astype(np.float32)
    places = stretch * places_of(shape, tuple(spacing))
    places += displacement(shape, spacing, rng.uniform(4, 8), rng, control=60.0)
    places += displacement(shape, spacing, rng.uniform(1.5, 4), rng, control=30.0)
    return sampled(image, places, spacing)


def displacement(
    shape: tuple[int, int, int],
    spacing: Sequence[float],
    reach: float,
    rng: np.random.Generator,
    *,
    control: float = CONTROL_MM,
    axes: int = 3,
) -> np.ndarray:
    """Draw smooth random fields.

    Parameters
    ----------
    shape : tuple of 3 int
        Voxels z, y, x.
    spacing : sequence of float
        mm along z, y, x.
    reach : float
        Standard deviation at control points, about.
    rng : numpy.random.Generator
        Where draws come from.
    control : float, default: CONTROL_MM
        mm between control points.
    axes : int, default: 3
        How many fields.

    Returns
    -------
    numpy.ndarray of float32, shape (axes, z, y, x)
        In the unit of `reach`.
    """
    z, y, x = (_spread(side, max(4, round(side * mm / control))) for side, mm in zip(shape, spacing, strict=True))
    points = np.float32(reach) * rng.standard_normal((axes, z.shape[1], y.shape[1], x.shape[1]), np.float32)
    return np.asarray(np.einsum("zi,yj,xk,aijk->azyx", z, y, x, points, optimize=True))


def sampled(image: np.ndarray, places: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Read a volume at other places.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        0 to 1.
    places : numpy.ndarray of shape (3, z, y, x)
        mm z, y, x about its middle.
    spacing : sequence of float
        mm along z, y, x.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)
        0 beyond the volume.
    """
    import torch

    half = np.array([(side - 1) / 2 * mm for side, mm in zip(image.shape, spacing, strict=True)], np.float32)
    where = np.ascontiguousarray((places / half[:, None, None, None])[::-1].transpose(1, 2, 3, 0))
    values = torch.from_numpy(np.ascontiguousarray(image))[None, None]
    values_there = torch.nn.functional.grid_sample(values, torch.from_numpy(where)[None], align_corners=True)
    return np.asarray(values_there[0, 0].numpy())


@cache
def places_of(shape: tuple[int, int, int], spacing: tuple[float, ...]) -> np.ndarray:
    """Say where voxels lie.

    Parameters
    ----------
    shape : tuple of 3 int
        Voxels z, y, x.
    spacing : tuple of float
        mm along z, y, x.

    Returns
    -------
    numpy.ndarray of float32, shape (3, z, y, x)
        mm z, y, x about the middle.
    """
    middle = [(side - 1) / 2 for side in shape]
    places = [(at - half) * mm for at, half, mm in zip(np.indices(shape), middle, spacing, strict=True)]
    return np.stack(places).astype(np.float32)


@cache
def _spread(side: int, points: int) -> np.ndarray:
    """Values at voxels from values at control points, by cubic splines: float32 (side, points)."""
    spread = ndimage.zoom(np.eye(points), (side / points, 1), order=3, mode="nearest", grid_mode=True)
    return np.asarray(spread, np.float32)


def _sides(image: np.ndarray) -> tuple[int, int, int]:
    z, y, x = image.shape
    return z, y, x


def blended(image: np.ndarray, stranger: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put a ball of a stranger's volume into it, with a soft border: a twelfth to a third of the sides in radius.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        0 to 1.
    stranger : numpy.ndarray of float32, shape (z, y, x)
        Another patient's.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)

    """
    axes = np.ogrid[tuple(slice(0, side) for side in image.shape)]
    middle = [rng.uniform(0.2, 0.8) * side for side in image.shape]
    distance = np.sqrt(sum(((axis - at) / side) ** 2 for axis, at, side in zip(axes, middle, image.shape, strict=True)))
    weight = 1 / (1 + np.exp((distance - rng.uniform(0.08, 0.35)) / 0.02))
    return np.asarray(weight * stranger + (1 - weight) * image, np.float32)


def spotted(image: np.ndarray, spacing: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Put a bright or dark ball into it, 6 to 14 mm in radius.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        0 to 1.
    spacing : sequence of float
        mm along z, y, x.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)

    """
    axes = np.ogrid[tuple(slice(0, side) for side in image.shape)]
    inside = np.argwhere(image > 0.25)
    middle = inside[rng.integers(len(inside))] if len(inside) else [side // 2 for side in image.shape]
    squares = [((axis - at) * mm) ** 2 for axis, at, mm in zip(axes, middle, spacing, strict=True)]
    ball = 1 / (1 + np.exp((np.sqrt(sum(squares)) - rng.uniform(6, 14)) / 1.5))
    return np.asarray(np.clip(image + float(rng.choice([-0.4, 0.4])) * ball, 0, 1), np.float32)


def changed(image: np.ndarray, stranger: np.ndarray, spacing: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Change a volume in one of these ways, drawn at random; deformations from a tenth of a millimetre to 8.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        0 to 1.
    stranger : numpy.ndarray of float32, shape (z, y, x)
        Another patient's.
    spacing : sequence of float
        mm along z, y, x.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)

    """
    way = rng.random()
    if way < 0.6:
        return warped(image, float(np.exp(rng.uniform(np.log(0.1), np.log(8)))), spacing, rng)
    return blended(image, stranger, rng) if way < 0.8 else spotted(image, spacing, rng)
