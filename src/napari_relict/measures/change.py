"""What was changed between two aligned volumes: anatomy bent, or something put in or taken out.

An exact replica differs in noise, sharpness, brightness and contrast alone. So contrast and sharpness are matched
first; what then still moves is bent anatomy, and what then still differs over several millimetres is a lesion (or
its absence).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

BINS = 64
WINDOW_MM = 10.0  # standard deviation of the Gaussian window in which one displacement is estimated
STEADY = 0.02  # share of the mean structure added to every window, so that flat tissue does not move
BLURS = (0.0, 0.75, 1.25, 1.75)  # voxels, tried on either volume
LESION_MM = 5.0  # standard deviation of the Gaussian that a lesion has to fill
SHADING_MM = 20.0  # differences wider than this are uneven sensitivity, not lesions
STANDS_OUT = 70.0  # times the median of all local differences: less is what noise and sharpness leave
FEWEST_VOXELS = 1000


@dataclass(frozen=True)
class Change:
    """How one volume differs from another that it was aligned with.

    Attributes
    ----------
    bend_mm : root mean square over the body of the local displacement, without its affine part.
    difference : largest local difference, as a share of the body's range of brightness.
    contrast : how far it stands out from the rest of the body's local differences (times their median).
    where : voxel (z, y, x) of the largest local difference.
    """

    bend_mm: float
    difference: float
    contrast: float
    where: tuple[int, int, int]

    @property
    def lesion(self) -> float:
        """`difference` where it stands out, else 0."""
        return self.difference if self.contrast >= STANDS_OUT else self.contrast * 0.0


def find_change(fixed: np.ndarray, moving: np.ndarray, body: np.ndarray, spacing: tuple[float, float, float]) -> Change:
    """Compare two aligned volumes.

    Local displacements are least-squares optical flow (Lucas and Kanade 1981) in Gaussian windows, two rounds.

    Parameters
    ----------
    fixed, moving : float32 (z, y, x), 0 to 1.
    body : bool, where both show anatomy.
    spacing : mm along z, y, x.

    Returns
    -------
    All NaN where the body is smaller than 1,000 voxels.
    """
    if body.sum() < FEWEST_VOXELS:
        return Change(np.nan, np.nan, np.nan, (0, 0, 0))
    box = _around(body, [int(np.ceil(2 * WINDOW_MM / step)) for step in spacing])
    fixed, moving, body = fixed[box], moving[box], body[box]
    fixed, moving = _equally_sharp(fixed, moving, body)
    shift, rest = _flow(fixed, moving, body, np.array(spacing))
    bend = float(np.sqrt((_without_affine(shift, body) ** 2).sum(1).mean()))
    difference, contrast, where = _lesion(fixed, rest, body, np.array(spacing))
    place = tuple(int(cut.start + index) for cut, index in zip(box, where, strict=True))
    return Change(bend, difference, contrast, (place[0], place[1], place[2]))


def same_contrast(fixed: np.ndarray, moving: np.ndarray, body: np.ndarray) -> np.ndarray:
    """`moving` with each brightness replaced by what `fixed` shows there on average; any contrast becomes another."""
    codes = np.clip((moving * BINS).astype(np.int64), 0, BINS - 1)
    count = np.bincount(codes[body], minlength=BINS)
    total = np.bincount(codes[body], fixed[body], minlength=BINS)
    known = count > max(10, count.sum() // 20000)
    middles = (np.arange(BINS) + 0.5) / BINS
    table = np.interp(middles, middles[known], total[known] / count[known])
    return np.asarray(np.interp(moving, middles, ndimage.gaussian_filter1d(table, 1.0)), np.float32)


def _equally_sharp(fixed: np.ndarray, moving: np.ndarray, body: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sharper of the two blurred until they agree best: a blurred edge looks like one that moved."""
    best = (-1.0, fixed, moving)
    for blur in BLURS:
        for one, other in ((_smooth(fixed, blur), moving), (fixed, _smooth(moving, blur))):
            seen = same_contrast(one, other, body)
            # How much of the one the other explains, on what is finer than a few voxels.
            a, b = one - _smooth(one, 3.0), seen - _smooth(seen, 3.0)
            agreement = float(np.corrcoef(a[body], b[body])[0, 1]) if a[body].std() > 0 < b[body].std() else 0.0
            if agreement > best[0]:
                best = (agreement, one, other)
            if not blur:
                break
    return best[1], best[2]


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(ndimage.gaussian_filter(values, sigma, truncate=3.0)) if sigma else values


def _flow(
    fixed: np.ndarray, moving: np.ndarray, body: np.ndarray, spacing: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Displacement (3, z, y, x) in mm such that moving(x + u) looks like fixed(x), and what then still differs."""
    window = WINDOW_MM / spacing
    weight = _smooth(body.astype(np.float32), 1.0)
    points = np.indices(fixed.shape).astype(np.float32)
    shift = np.zeros((3, *fixed.shape), np.float32)
    for _ in range(2):
        seen = same_contrast(fixed, _warped(moving, points, shift, spacing), body)
        one, other = _smooth(fixed, 0.8), _smooth(seen, 0.8)
        rest = (one - other) * weight
        # A lesion is no displacement: differences far beyond the usual are cut.
        usual = 1.4826 * float(np.median(np.abs(rest[body]))) + 1e-6
        rest = np.clip(rest, -4 * usual, 4 * usual)
        slope = np.stack(np.gradient(other, *spacing)) * weight
        matrix = np.empty((int(body.sum()), 3, 3), np.float32)
        right = np.empty((len(matrix), 3, 1), np.float32)
        for i in range(3):
            right[:, i, 0] = ndimage.gaussian_filter(slope[i] * rest, window, truncate=2.5)[body]
            for j in range(i, 3):
                matrix[:, i, j] = ndimage.gaussian_filter(slope[i] * slope[j], window, truncate=2.5)[body]
                matrix[:, j, i] = matrix[:, i, j]
        steady = STEADY * float(np.trace(matrix, axis1=1, axis2=2).mean()) + 1e-12
        matrix[:, range(3), range(3)] += steady
        shift[:, body] += np.linalg.solve(matrix, right)[..., 0].T
    return shift, fixed - same_contrast(fixed, _warped(moving, points, shift, spacing), body)


def _warped(moving: np.ndarray, points: np.ndarray, shift: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    if not shift.any():
        return moving
    return np.asarray(
        ndimage.map_coordinates(moving, points + shift / spacing[:, None, None, None], order=1, mode="nearest")
    )


def _without_affine(shift: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Displacements (n, 3) of some of the body's voxels, less the affine motion that fits them best."""
    places = np.argwhere(body)[:: max(1, int(body.sum() // 50_000))]
    moved = shift[:, places[:, 0], places[:, 1], places[:, 2]].T.astype(np.float64)
    design = np.column_stack([(places - places.mean(0)) / 50.0, np.ones(len(places))])
    fit, *_ = np.linalg.lstsq(design, moved, rcond=None)
    return np.asarray(moved - design @ fit)


def _lesion(
    fixed: np.ndarray, rest: np.ndarray, body: np.ndarray, spacing: np.ndarray
) -> tuple[float, float, tuple[int, ...]]:
    inner = ndimage.binary_erosion(body, iterations=max(1, round(4.0 / float(spacing.mean()))))
    if inner.sum() < FEWEST_VOXELS:
        return np.nan, np.nan, (0, 0, 0)
    local = np.abs(_mean_inside(rest, inner, LESION_MM / spacing) - _mean_inside(rest, inner, SHADING_MM / spacing))
    local = np.where(inner, local, 0)
    low, high = np.quantile(fixed[inner], (0.05, 0.95))
    peak = float(local.max())
    where = np.unravel_index(int(local.argmax()), local.shape)
    usual = float(np.median(local[inner]))
    return peak / max(float(high - low), 1e-6), peak / max(usual, 1e-6), tuple(int(i) for i in where)


def _mean_inside(values: np.ndarray, inside: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    weight = ndimage.gaussian_filter(inside.astype(np.float32), sigma, truncate=3.0)
    total = ndimage.gaussian_filter(np.where(inside, values, 0).astype(np.float32), sigma, truncate=3.0)
    return np.asarray(total / np.maximum(weight, 1e-2))


def _around(body: np.ndarray, margin: list[int]) -> tuple[slice, slice, slice]:
    found = ndimage.find_objects(body.astype(np.uint8))[0]
    cuts = [
        slice(max(0, cut.start - more), min(side, cut.stop + more))
        for cut, more, side in zip(found, margin, body.shape, strict=True)
    ]
    return cuts[0], cuts[1], cuts[2]
