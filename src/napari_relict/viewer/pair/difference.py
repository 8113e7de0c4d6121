"""What differs between two volumes on one grid, as images. Pure numpy, no napari.

The two sides are called left and right, as on the screen: which of them is synthetic may be hidden.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_opening
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
