"""Where two volumes differ most."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, maximum_filter


def largest_differences(
    differs: npt.NDArray[np.float32],
    inside: npt.NDArray[np.bool_],
    spacing: tuple[float, float, float],
    n: int = 5,
    smooth_mm: float = 4.0,
    apart_mm: float = 15.0,
) -> list[tuple[int, int, int]]:
    """Where two volumes differ most, the largest first.

    Parameters
    ----------
    differs : how much each voxel differs, with its sign. Smoothed with it, the two sides of an edge that lies a little
        elsewhere make up for each other, and a lesion stands out.
    inside : voxels of the anatomy; others do not count.
    n : as many places at most.
    smooth_mm : standard deviation of the smoothing: a lone voxel is noise.
    apart_mm : places nearer than this are one place.

    Returns
    -------
    Voxels (z, y, x). Places that differ by less than a twentieth of the first are left out.
    """
    sigma = [smooth_mm / step for step in spacing]
    smooth = np.abs(gaussian_filter(np.where(inside, differs, 0).astype(np.float32), sigma, truncate=2.5))
    smooth[~inside] = 0
    # Tops alone: beside a large difference there are always places that differ more than a small one does.
    tops = np.argwhere((smooth == maximum_filter(smooth, size=3)) & (smooth > 1e-6))
    heights = smooth[tuple(tops.T)]
    places: list[tuple[int, int, int]] = []
    for at in np.argsort(-heights, kind="stable"):
        if len(places) == n or heights[at] < heights.max() / 20:
            break
        away = (np.array(places or [(10**9,) * 3]) - tops[at]) * spacing
        if ((away**2).sum(1) > apart_mm**2).all():
            z, y, x = (int(index) for index in tops[at])
            places.append((z, y, x))
    return places
