"""What was changed between two aligned volumes: anatomy bent, or something put in or taken out.

An exact replica differs in noise, sharpness, brightness and contrast alone. So contrast and sharpness are matched
first; what then still moves is bent anatomy, and what then still differs over several millimetres is a lesion (or
its absence).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_relict.measures.contrast import same_contrast
from napari_relict.measures.flow import WINDOW_MM, find_flow, warped

BLURS = (0.0, 0.75, 1.25, 1.75)  # voxels, tried on either volume
LESION_MM = 5.0  # standard deviation of the Gaussian that a lesion has to fill
SHADING_MM = 20.0  # differences wider than this are uneven sensitivity, not lesions
STANDS_OUT = 45.0  # times the median of all local differences: less is what noise and sharpness leave
# Median local difference, as a share of the brightness, from which on nothing can stand out: two people. On real heads
# copies of every kind had .004 and less, strangers .014 and more.
ALL_OVER = 0.01
SKIN_MM = 10.0  # from the surface inwards: bright edges there differ however well a pair is aligned
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
        """`difference` where it stands out, or where the two differ all over; else 0."""
        usual = self.difference / self.contrast if self.contrast > 0 else 0.0
        if self.contrast >= STANDS_OUT or usual >= ALL_OVER:
            return self.difference
        return self.contrast * 0.0  # unknown stays unknown


def find_change(fixed: np.ndarray, moving: np.ndarray, body: np.ndarray, spacing: tuple[float, float, float]) -> Change:
    """Compare two aligned volumes; local displacements are those of `find_flow`.

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
    steps = np.array(spacing)
    flow = find_flow(fixed, moving, body, steps)
    moved = warped(moving, np.indices(fixed.shape).astype(np.float32), flow.shift, steps)
    rest = fixed - same_contrast(fixed, moved, body)
    difference, contrast, where = _lesion(fixed, rest, body, steps)
    place = tuple(int(cut.start + index) for cut, index in zip(box, where, strict=True))
    return Change(flow.bend_mm, difference, contrast, (place[0], place[1], place[2]))


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


def _lesion(
    fixed: np.ndarray, rest: np.ndarray, body: np.ndarray, spacing: np.ndarray
) -> tuple[float, float, tuple[int, ...]]:
    inner = interior(body, float(spacing.mean()))
    if inner.sum() < FEWEST_VOXELS:
        return np.nan, np.nan, (0, 0, 0)
    local = np.abs(_mean_inside(rest, inner, LESION_MM / spacing) - _mean_inside(rest, inner, SHADING_MM / spacing))
    local = np.where(inner, local, 0)
    low, high = np.quantile(fixed[inner], (0.05, 0.95))
    peak = float(local.max())
    where = np.unravel_index(int(local.argmax()), local.shape)
    usual = float(np.median(local[inner]))
    return peak / max(float(high - low), 1e-6), peak / max(usual, 1e-6), tuple(int(i) for i in where)


def interior(body: np.ndarray, step: float) -> np.ndarray:
    """The body without its skin, with what is dark inside (bone, or a lesion that made a hole in the mask).

    Parameters
    ----------
    body : bool (z, y, x). step : mm, of a voxel on average.
    """
    closed = ndimage.binary_closing(body, iterations=max(1, round(4.0 / step)))
    filled = np.stack([ndimage.binary_fill_holes(one) for one in closed])  # axial: a head is open below
    return np.asarray(ndimage.binary_erosion(filled, iterations=max(1, round(SKIN_MM / step))))


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
