"""Structural similarity of one pair of volumes (Wang et al. 2003, 2004); what each brings is kept for all its pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, overload

import numpy as np

from napari_relict.measures.windows import SIDES, Weights, Window, compare, halve, moments, window_that_fits

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
EVERYWHERE, NO_MAP = np.empty((0, 0, 0), bool), np.empty((0, 0, 0), np.float32)


@dataclass(frozen=True)
class LocalStatistics:
    """What a volume brings to every SSIM it takes part in: one value per window that lies inside it.

    Attributes
    ----------
    mean : float64 (z', y', x'), each side shorter than the volume's by the window's less 1.
    variance : float32, same shape.
    weights : the window.
    """

    mean: np.ndarray
    variance: np.ndarray
    weights: Weights


@dataclass(frozen=True)
class Scale:
    """A volume at one of the scales of MS-SSIM: float32 (z, y, x), and its statistics."""

    image: np.ndarray
    statistics: LocalStatistics


def local_statistics(image: np.ndarray, window: Window = "uniform") -> LocalStatistics | None:
    """Mean and variance of `image` (z, y, x) in every window; None when a side is shorter than 3."""
    weights = window_that_fits(window, image.shape)
    return None if weights is None else _statistics(_plain(image), weights)


@overload
def ssim(
    one: np.ndarray,
    other: np.ndarray,
    window: Window = ...,
    *,
    statistics: tuple[LocalStatistics | None, LocalStatistics | None] = ...,
    mask: np.ndarray | None = ...,
    full: Literal[False] = ...,
) -> float: ...
@overload
def ssim(
    one: np.ndarray,
    other: np.ndarray,
    window: Window = ...,
    *,
    statistics: tuple[LocalStatistics | None, LocalStatistics | None] = ...,
    mask: np.ndarray | None = ...,
    full: Literal[True],
) -> tuple[float, np.ndarray]: ...
def ssim(
    one: np.ndarray,
    other: np.ndarray,
    window: Window = "uniform",
    *,
    statistics: tuple[LocalStatistics | None, LocalStatistics | None] = (None, None),
    mask: np.ndarray | None = None,
    full: bool = False,
) -> float | tuple[float, np.ndarray]:
    """Mean structural similarity of two volumes with values 0 to 1, over the windows that lie inside them.

    Parameters
    ----------
    one, other : (z, y, x), one shape.
    window : "uniform", 7 voxels a side, sample covariance (scikit-image's default); "gaussian", 11 voxels,
        sigma 1.5, as published. The largest odd window that fits where the volume is smaller.
    statistics : `local_statistics` of either volume with this window, where there are any.
    mask : bool (z, y, x): mean over the windows whose centre is inside.
    full : return the map as well.

    Returns
    -------
    The mean; NaN when a side is shorter than 3 or the mask holds no centre of a window. With `full` also the map,
    float32 (z, y, x); windows at the border see the volume mirrored.
    """
    if len({image.shape for image in (one, other, mask) if image is not None}) > 1:
        raise ValueError(f"volumes and mask are on different grids: {one.shape}, {other.shape}")
    weights = window_that_fits(window, one.shape)
    if weights is None:
        return (float("nan"), np.full(one.shape, np.nan, np.float32)) if full else float("nan")
    radius = len(weights.half) - 1
    inside = EVERYWHERE if mask is None else _plain(mask[(slice(radius, -radius),) * 3], bool)
    similarity, _, windows = _sums(_plain(one), _plain(other), weights, statistics, inside)
    mean = similarity / windows if windows else float("nan")
    if not full:
        return mean
    out = np.empty(one.shape, np.float32)
    one, other = (np.pad(_plain(image), radius, "symmetric") for image in (one, other))
    _sums(one, other, weights, out=out)
    return mean, out


def scales_of(image: np.ndarray) -> tuple[Scale, ...] | None:
    """`image` (z, y, x) at the scales that `ms_ssim` takes; None when a side is shorter than 3."""
    weights = window_that_fits("gaussian", image.shape)
    if weights is None:
        return None
    image = _plain(image)
    scales = [Scale(image, _statistics(image, weights))]
    while len(scales) < len(SCALE_WEIGHTS) and min(image.shape) > 2 * (SIDES["gaussian"] - 1):
        half = np.empty([-(-side // 2) for side in image.shape], np.float32)
        halve(image, half)
        image = half
        scales.append(Scale(image, _statistics(image, weights)))
    return tuple(scales)


def ms_ssim(
    one: np.ndarray,
    other: np.ndarray,
    *,
    scales: tuple[tuple[Scale, ...] | None, tuple[Scale, ...] | None] = (None, None),
) -> float:
    """Multi-scale structural similarity of two volumes with values 0 to 1 (Wang et al. 2003).

    Gaussian window of 11 voxels, sigma 1.5; each scale is the one before, averaged over 2x2x2 voxels (odd sides
    with a plane of zeros before and after, as in pytorch-msssim). There are five scales, or as many as leave room
    for the window: from 161 voxels a side five, from 81 four, from 41 three, from 21 two. The weights of fewer are
    the first of `SCALE_WEIGHTS`, scaled to sum to 1. Below 11 voxels it is one scale, the largest odd window that fits.
    A scale with a mean below 0 counts as 0.

    Parameters
    ----------
    one, other : (z, y, x), one shape.
    scales : `scales_of` either volume, where there are any.

    Returns
    -------
    0 to 1; NaN when a side is shorter than 3.
    """
    if one.shape != other.shape:
        raise ValueError(f"the volumes are on different grids: {one.shape}, {other.shape}")
    first, second = scales[0] or scales_of(one), scales[1] or scales_of(other)
    if first is None or second is None:
        return float("nan")
    share = np.array(SCALE_WEIGHTS[: len(first)])
    if len(share) < len(SCALE_WEIGHTS):
        share /= share.sum()
    product = 1.0
    for place, (a, b) in enumerate(zip(first, second, strict=True)):
        similarity, contrast, windows = _sums(a.image, b.image, a.statistics.weights, (a.statistics, b.statistics))
        last = place == len(share) - 1
        product *= max((similarity if last else contrast) / windows, 0.0) ** share[place]
    return float(product)


def _plain(image: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """As the kernels are compiled for: contiguous, writeable, of one type; a copy only where it is not."""
    return np.require(image, dtype, ["C", "W"])


def _statistics(image: np.ndarray, weights: Weights) -> LocalStatistics:
    shape = [side - 2 * len(weights.half) + 2 for side in image.shape]
    found = LocalStatistics(np.empty(shape), np.empty(shape, np.float32), weights)
    moments(image, weights.half, weights.scale, found.mean, found.variance)
    return found


def _sums(
    one: np.ndarray,
    other: np.ndarray,
    weights: Weights,
    statistics: tuple[LocalStatistics | None, LocalStatistics | None] = (None, None),
    mask: np.ndarray = EVERYWHERE,
    out: np.ndarray = NO_MAP,
) -> tuple[float, float, int]:
    """`compare`, with the statistics that are not there yet."""
    a, b = statistics[0] or _statistics(one, weights), statistics[1] or _statistics(other, weights)
    if not a.weights == b.weights == weights or a.mean.shape != b.mean.shape:
        raise ValueError("the statistics are of another window or of another grid")
    found: tuple[float, float, int] = compare(one, other, a.mean, b.mean, a.variance, b.variance, *weights, mask, out)
    return found
