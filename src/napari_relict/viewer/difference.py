"""What differs between two volumes on one grid, as images. Pure numpy, no napari.

The two sides are called left and right, as on the screen: which of them is synthetic may be hidden.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_opening, gaussian_filter, maximum_filter
from skimage.filters import threshold_otsu

from napari_relict.measures.segmentation import ONLY_LEFT, ONLY_RIGHT


def signed_difference(left: npt.NDArray[np.float32], right: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Left minus right of images from 0 to 1: 0 alike, +1 and -1 as different as can be."""
    _same_grid(left, right)
    return np.subtract(left, right, dtype=np.float32)


def windowed(image: npt.NDArray[np.float32], window: tuple[float, float]) -> npt.NDArray[np.float32]:
    """0 and 1 at the ends of the window and beyond them: what is displayed as black and white."""
    low, high = np.float32(window[0]), np.float32(window[1])
    return np.clip((image - low) / (high - low), 0, 1)


def surfaces(compared: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """What one side has alone and is at least two voxels thick every way: fit to be seen as surfaces.

    Thinner differences lie all over the borders of any two segmentations; as surfaces they hide everything.
    """
    out = np.zeros(compared.shape, np.uint8)
    for side in (ONLY_LEFT, ONLY_RIGHT):
        out[binary_opening(compared == side, np.ones((2, 2, 2), bool))] = side
    return out


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
        away = (np.array(places or [(np.inf,) * 3]) - tops[at]) * spacing
        if ((away**2).sum(1) > apart_mm**2).all():
            z, y, x = (int(index) for index in tops[at])
            places.append((z, y, x))
    return places


def difference_limit(difference: npt.NDArray[np.float32], foreground: npt.NDArray[np.bool_]) -> float:
    """A symmetric display limit: the 99.5th percentile of what differs inside the anatomy, at least 0.2.

    The floor keeps an exact copy dark: without it, rounding noise would be stretched to full colour.
    """
    inside = np.abs(difference[foreground])
    if inside.size == 0:
        return 1.0
    return float(np.clip(np.percentile(inside[:: max(1, inside.size // 200_000)], 99.5), 0.2, 1.0))


def anatomy_level(image: npt.NDArray[np.float32]) -> float:
    """Brightness above which a voxel is likely no air: half of Otsu's threshold, on every eighth voxel."""
    some = image[::2, ::2, ::2]
    return 0.5 if some.min() == some.max() else 0.5 * float(threshold_otsu(some))


def anatomy_bounds(*images: npt.NDArray[np.float32], level: float) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """First and last voxel index (z, y, x) brighter than `level` in any image; the grid when nothing is.

    Cells are framed on this box: prepared volumes carry a margin of air that would shrink the anatomy.
    """
    shape = images[0].shape
    first, last = [], []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        # A few bright voxels are noise, not anatomy: ask for a two-hundredth of the plane.
        needed = max(1, int(0.005 * np.prod([shape[a] for a in others])))
        filled = np.zeros(shape[axis], bool)
        for image in images:
            filled |= (image > level).sum(axis=others) >= needed
        where = np.flatnonzero(filled)
        first.append(int(where[0]) if where.size else 0)
        last.append(int(where[-1]) if where.size else shape[axis] - 1)
    return (first[0], first[1], first[2]), (last[0], last[1], last[2])


def _same_grid(left: npt.NDArray[np.generic], right: npt.NDArray[np.generic]) -> None:
    if left.shape != right.shape:
        raise ValueError(f"the two volumes are on different grids: {left.shape} and {right.shape}")
