"""Windows that move over volumes: weighted local means in one pass, the kernels of SSIM.

Windows are separable. A kernel walks along z with the last few planes in a ring that stays in the processor's cache;
no map of products is ever written to memory. Sums are float64: in float32 the cancellation in E[xy] - E[x]E[y] would
show where an image is constant. Kernels release the GIL, so pairs can be compared on threads.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numba import njit

Window = Literal["uniform", "gaussian"]
SIDES: dict[Window, int] = {"uniform": 7, "gaussian": 11}  # 11: a gaussian cut at 3.5 sigma
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2  # Wang et al. 2004, for values 0 to 1

# Sums may be reordered, so that they vectorise; NaN and infinity keep their meaning.
kernel = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"})


class Weights(NamedTuple):
    """A window.

    Attributes
    ----------
    half : weights along one axis, from the centre outwards; with their mirror image they sum to 1.
    scale : what a variance under these weights is multiplied by; n / (n - 1) makes it that of a sample.
    """

    half: tuple[float, ...]
    scale: float


def window_that_fits(window: Window, shape: tuple[int, ...]) -> Weights | None:
    """The window with its usual side (`SIDES`), or the largest odd one that `shape` has room for; None below 3."""
    side = min(SIDES[window], *[length - 1 + length % 2 for length in shape])
    if side < 3:
        return None
    distance = np.arange(side // 2 + 1)
    weights = np.ones(distance.size) if window == "uniform" else np.exp(-(distance**2) / (2 * SIGMA**2))
    half = tuple((weights / (2 * weights.sum() - weights[0])).tolist())
    return Weights(half, side**3 / (side**3 - 1) if window == "uniform" else 1.0)


@kernel
def _row(rows: np.ndarray, place: int) -> np.ndarray:
    row: np.ndarray = rows[place - len(rows) if place >= len(rows) else place]
    return row


@kernel
def _across(rows: np.ndarray, first: int, half: tuple[float, ...], out: np.ndarray) -> None:
    """Weighted sum of the rows from `first` on; after the last row comes the first one. (n, x) -> out (x)."""
    radius = len(half) - 1
    centre = first + radius
    middle, low, high = _row(rows, centre), _row(rows, centre - 1), _row(rows, centre + 1)
    for x in range(out.size):
        out[x] = half[0] * middle[x] + half[1] * (low[x] + high[x])
    # Two pairs of rows at a time: fewer passes over `out`, and few enough arrays for the loop to vectorise.
    for k in range(2, radius, 2):
        low, high = _row(rows, centre - k), _row(rows, centre + k)
        lower, higher = _row(rows, centre - k - 1), _row(rows, centre + k + 1)
        for x in range(out.size):
            out[x] += half[k] * (low[x] + high[x]) + half[k + 1] * (lower[x] + higher[x])
    if radius % 2 == 0:
        low, high = _row(rows, centre - radius), _row(rows, centre + radius)
        for x in range(out.size):
            out[x] += half[radius] * (low[x] + high[x])


@kernel
def _along(row: np.ndarray, x: int, half: tuple[float, ...]) -> float:
    """Weighted sum of the values of `row` from `x` on."""
    radius = len(half) - 1
    total: float = half[0] * row[x + radius]
    for k in range(1, radius + 1):
        total += half[k] * (row[x + radius - k] + row[x + radius + k])
    return total


@kernel
def moments(image: np.ndarray, half: tuple[float, ...], scale: float, mean: np.ndarray, variance: np.ndarray) -> None:
    """Local mean and variance of `image` (z, y, x), written to `mean` and `variance`.

    These two have one value per window that lies inside the volume. `scale` multiplies the variance.
    """
    taps = 2 * len(half) - 1
    _, height, width = image.shape
    planes, squares = np.empty((height, width)), np.empty((height, width))
    ring, ring_of_squares = np.empty((mean.shape[1], taps, width)), np.empty((mean.shape[1], taps, width))
    row, row_of_squares = np.empty(width), np.empty(width)
    for z in range(image.shape[0]):
        for y in range(height):
            for x in range(width):
                value = np.float64(image[z, y, x])
                planes[y, x] = value
                squares[y, x] = value * value
        for y in range(mean.shape[1]):
            _across(planes, y, half, ring[y, z % taps])
            _across(squares, y, half, ring_of_squares[y, z % taps])
        top = z - taps + 1
        if top < 0:
            continue
        for y in range(mean.shape[1]):
            _across(ring[y], top % taps, half, row)
            _across(ring_of_squares[y], top % taps, half, row_of_squares)
            for x in range(mean.shape[2]):
                here = _along(row, x, half)
                mean[top, y, x] = here
                variance[top, y, x] = scale * max(_along(row_of_squares, x, half) - here * here, 0.0)


@kernel
def compare(
    one: np.ndarray,
    other: np.ndarray,
    means: np.ndarray,
    other_means: np.ndarray,
    variances: np.ndarray,
    other_variances: np.ndarray,
    half: tuple[float, ...],
    scale: float,
    mask: np.ndarray,
    out: np.ndarray,
) -> tuple[float, float, int]:
    """Sums over all windows of SSIM and of its contrast-structure term, and the number of windows.

    Parameters
    ----------
    one, other : float32 (z, y, x).
    means, other_means, variances, other_variances : of each window, from `moments`.
    scale : of the covariance, as in `moments`.
    mask : bool, one value per window: where to sum; empty to sum everywhere.
    out : float32, one value per window, receives the SSIM map; empty to leave it out.
    """
    taps = 2 * len(half) - 1
    _, height, width = one.shape
    products = np.empty((height, width))
    ring = np.empty((means.shape[1], taps, width))
    row = np.empty(width)
    similarity, contrast = np.empty(means.shape[2]), np.empty(means.shape[2])
    similarities, contrasts, windows = 0.0, 0.0, 0
    for z in range(one.shape[0]):
        for y in range(height):
            for x in range(width):
                products[y, x] = np.float64(one[z, y, x]) * np.float64(other[z, y, x])
        for y in range(means.shape[1]):
            _across(products, y, half, ring[y, z % taps])
        top = z - taps + 1
        if top < 0:
            continue
        for y in range(means.shape[1]):
            _across(ring[y], top % taps, half, row)
            for x in range(means.shape[2]):
                a, b = means[top, y, x], other_means[top, y, x]
                covariance = scale * (_along(row, x, half) - a * b)
                spread = np.float64(variances[top, y, x]) + np.float64(other_variances[top, y, x])
                levels = a * a + b * b + C1
                # One division for both terms: it takes as long as all the rest of this loop.
                share = (2 * covariance + C2) / (levels * (spread + C2))
                contrast[x] = share * levels
                similarity[x] = share * (2 * a * b + C1)
            if mask.size:
                for x in range(means.shape[2]):
                    similarities += similarity[x] * mask[top, y, x]
                    contrasts += contrast[x] * mask[top, y, x]
                    windows += mask[top, y, x]
            else:
                for x in range(means.shape[2]):
                    similarities += similarity[x]
                    contrasts += contrast[x]
                windows += means.shape[2]
            if out.size:
                for x in range(means.shape[2]):
                    out[top, y, x] = similarity[x]
    return similarities, contrasts, windows


@kernel
def halve(image: np.ndarray, out: np.ndarray) -> None:
    """Means of blocks of 2x2x2 voxels; a side of odd length has a plane of zeros before it and one after it."""
    depth, height, width = image.shape
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                total = 0.0
                for i in range(max(2 * z - depth % 2, 0), min(2 * z - depth % 2 + 2, depth)):
                    for j in range(max(2 * y - height % 2, 0), min(2 * y - height % 2 + 2, height)):
                        for k in range(max(2 * x - width % 2, 0), min(2 * x - width % 2 + 2, width)):
                            total += image[i, j, k]
                out[z, y, x] = total / 8
