"""Volumes that are more or less another one: what fills the range of SSIM between a copy and a stranger."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import ndimage

CONTROL_MM = 40.0  # between the control points of a deformation


def warped(image: np.ndarray, reach: float, spacing: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Bent smoothly by a displacement of about `reach` mm; float32 (z, y, x)."""
    import torch

    spread = [
        _spread(side, max(4, round(side * mm / CONTROL_MM))) for side, mm in zip(image.shape, spacing, strict=True)
    ]
    moves = []
    for axis, (side, mm) in enumerate(zip(image.shape, spacing, strict=True)):
        control = rng.normal(0, reach / mm, [len(one.T) for one in spread])
        fine = np.einsum("zi,yj,xk,ijk->zyx", *spread, control, optimize=True)
        at = np.arange(side).reshape([-1 if place == axis else 1 for place in range(3)])
        moves.append(2 * (at + fine) / (side - 1) - 1)
    places = torch.from_numpy(np.stack(moves[::-1], -1).astype(np.float32))[None]
    values = torch.from_numpy(image)[None, None]
    return np.asarray(
        torch.nn.functional.grid_sample(values, places, padding_mode="border", align_corners=True)[0, 0].numpy()
    )


@cache
def _spread(side: int, points: int) -> np.ndarray:
    """Values at voxels from values at control points, by cubic splines: (side, points)."""
    return np.asarray(ndimage.zoom(np.eye(points), (side / points, 1), order=3, mode="nearest", grid_mode=True))


def blended(image: np.ndarray, stranger: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A ball in it a stranger's, with a soft border: from a twelfth of the sides to a third in radius."""
    axes = np.ogrid[tuple(slice(0, side) for side in image.shape)]
    middle = [rng.uniform(0.2, 0.8) * side for side in image.shape]
    distance = np.sqrt(sum(((axis - at) / side) ** 2 for axis, at, side in zip(axes, middle, image.shape, strict=True)))
    weight = 1 / (1 + np.exp((distance - rng.uniform(0.08, 0.35)) / 0.02))
    return np.asarray(weight * stranger + (1 - weight) * image, np.float32)


def spotted(image: np.ndarray, spacing: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """With a bright or dark ball in it, 6 to 14 mm in radius."""
    axes = np.ogrid[tuple(slice(0, side) for side in image.shape)]
    inside = np.argwhere(image > 0.25)
    middle = inside[rng.integers(len(inside))] if len(inside) else [side // 2 for side in image.shape]
    squares = [((axis - at) * mm) ** 2 for axis, at, mm in zip(axes, middle, spacing, strict=True)]
    ball = 1 / (1 + np.exp((np.sqrt(sum(squares)) - rng.uniform(6, 14)) / 1.5))
    return np.asarray(np.clip(image + float(rng.choice([-0.4, 0.4])) * ball, 0, 1), np.float32)


def changed(image: np.ndarray, stranger: np.ndarray, spacing: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """One of them, drawn at random; deformations from a tenth of a millimetre to 8."""
    way = rng.random()
    if way < 0.6:
        return warped(image, float(np.exp(rng.uniform(np.log(0.1), np.log(8)))), spacing, rng)
    return blended(image, stranger, rng) if way < 0.8 else spotted(image, spacing, rng)
