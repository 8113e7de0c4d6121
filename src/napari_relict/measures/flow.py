"""Where anatomy still moves between two aligned volumes: least-squares optical flow (Lucas and Kanade 1981)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_relict.measures.contrast import same_contrast

WINDOW_MM = 10.0  # standard deviation of the Gaussian window in which one displacement is estimated
STEADY = 0.02  # share of the mean structure added to every window, so that flat tissue does not move
ROUNDS = 2
BLOCK = 2  # voxels a side of the blocks that windows are made of: they are far smoother than a voxel
SMOOTH = 0.8  # voxels, before slopes are taken


@dataclass(frozen=True)
class Flow:
    """Displacements u in mm along z, y, x such that moving(x + u) looks like fixed(x).

    Attributes
    ----------
    shift : float32 (3, z, y, x).
    places : float64 (n, 3), voxels in the body, z y x, where the next two are given.
    one, other : float64 (n, 3), displacements found from two halves of the voxels (a checkerboard of blocks):
        noise is independent in them, what moved is not.
    """

    shift: np.ndarray
    places: np.ndarray
    one: np.ndarray
    other: np.ndarray

    @property
    def bend_mm(self) -> float:
        """Root mean square of the displacement without its affine part; what noise makes of it taken away."""
        both = (_without_affine(self.one, self.places) * _without_affine(self.other, self.places)).sum(1).mean()
        return float(np.sqrt(max(both, 0.0)))


def find_flow(fixed: np.ndarray, moving: np.ndarray, body: np.ndarray, spacing: np.ndarray) -> Flow:
    """Local displacements between two volumes (z, y, x), 0 to 1, whatever their contrasts.

    Parameters
    ----------
    body : bool, where both show anatomy.
    spacing : float64 (3,), mm along z, y, x.
    """
    weight = _smooth(body.astype(np.float32), 1.0)
    points = np.indices(fixed.shape).astype(np.float32)
    inside = _blocks(body.astype(np.float32)) > 0
    even = (np.indices(inside.shape).sum(0) % 2 == 0).astype(np.float32)
    window = WINDOW_MM / spacing / BLOCK
    shift = np.zeros((3, *inside.shape), np.float32)
    halves = [shift, shift]
    for _ in range(ROUNDS):
        seen = same_contrast(fixed, warped(moving, points, _on_voxels(shift, fixed.shape), spacing), body)
        one, other = _smooth(fixed, SMOOTH), _smooth(seen, SMOOTH)
        rest = (one - other) * weight
        # A lesion is no displacement: differences far beyond the usual are cut.
        usual = 1.4826 * float(np.median(np.abs(rest[body]))) + 1e-6
        rest = np.clip(rest, -4 * usual, 4 * usual)
        slope = np.stack(np.gradient(other, *spacing)) * weight
        sums = _equations(slope, rest, (even, 1 - even), window, inside)
        found = []
        for matrix, right in (*sums, (sums[0][0] + sums[1][0], sums[0][1] + sums[1][1])):
            steady = STEADY * float(np.trace(matrix, axis1=1, axis2=2).mean()) + 1e-12
            moved = shift.copy()
            moved[:, inside] += np.linalg.solve(matrix + steady * np.eye(3, dtype=np.float32), right)[..., 0].T
            found.append(moved)
        *halves, shift = found
    places = BLOCK * np.argwhere(inside) + (BLOCK - 1) / 2
    one, other = (half[:, inside].T.astype(np.float64) for half in halves)
    return Flow(_on_voxels(shift, fixed.shape), places, one, other)


def warped(moving: np.ndarray, points: np.ndarray, shift: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """`moving` seen through displacements (3, z, y, x) in mm; `points` are the indices of its voxels."""
    if not shift.any():
        return moving
    return np.asarray(
        ndimage.map_coordinates(moving, points + shift / spacing[:, None, None, None], order=1, mode="nearest")
    )


def _equations(
    slope: np.ndarray, rest: np.ndarray, masks: Sequence[np.ndarray], window: np.ndarray, inside: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Normal equations of every window, (n, 3, 3) and (n, 3, 1), of the blocks in each mask alone."""
    count = int(inside.sum())
    equations = [(np.empty((count, 3, 3), np.float32), np.empty((count, 3, 1), np.float32)) for _ in masks]

    def totals(values: np.ndarray) -> list[np.ndarray]:
        blocks = _blocks(values)
        return [np.asarray(ndimage.gaussian_filter(blocks * mask, window, truncate=2.5)[inside]) for mask in masks]

    for i in range(3):
        for (_, right), total in zip(equations, totals(slope[i] * rest), strict=True):
            right[:, i, 0] = total
        for j in range(i, 3):
            for (matrix, _), total in zip(equations, totals(slope[i] * slope[j]), strict=True):
                matrix[:, i, j] = matrix[:, j, i] = total
    return equations


def _blocks(values: np.ndarray) -> np.ndarray:
    """Sums of blocks of voxels; a side that does not divide is filled up with zeros."""
    padded = np.pad(values, [(0, -side % BLOCK) for side in values.shape])
    z, y, x = (side // BLOCK for side in padded.shape)
    return np.asarray(padded.reshape(z, BLOCK, y, BLOCK, x, BLOCK).sum((1, 3, 5)))


def _on_voxels(shift: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Displacements of blocks (3, ...) between which voxels are interpolated, axis by axis: (3, *shape)."""
    for axis, side in enumerate(shape, start=1):
        blocks = shift.shape[axis]
        where = np.clip((np.arange(side, dtype=np.float32) - (BLOCK - 1) / 2) / BLOCK, 0, blocks - 1)
        low = np.minimum(where.astype(np.int64), max(blocks - 2, 0))
        share = (where - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(4)])
        first, second = (np.take(shift, np.minimum(low + more, blocks - 1), axis=axis) for more in (0, 1))
        shift = first + share * (second - first)
    return shift


def _without_affine(moved: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Displacements (n, 3), less the affine motion that fits them best."""
    design = np.column_stack([(places - places.mean(0)) / 50.0, np.ones(len(places))])
    fit, *_ = np.linalg.lstsq(design, moved, rcond=None)
    return np.asarray(moved - design @ fit)


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(ndimage.gaussian_filter(values, sigma, truncate=3.0))
