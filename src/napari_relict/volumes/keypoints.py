"""Keypoints: places of a volume that are found again in a copy of them, each with a description of what lies around.

Places are the extrema of one difference of Gaussians; the description is a histogram of the gradient's directions in
27 parts of the neighbourhood (after Lowe, Distinctive image features from scale-invariant keypoints, IJCV 2004, and
Toews and Wells, Efficient and robust model-to-image alignment using 3D scale-invariant features, MedIA 2013). Volumes
lie in one pose already, so neither scale nor orientation is looked for: a small leftover turn costs a few matches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import ndimage

SIGMA = 1.7  # of the finer Gaussian, voxels: coarse enough that noise is gone, fine enough for dozens in a small region
RATIO = 1.4  # of the coarser Gaussian to the finer one
CONTRAST = 0.002  # smallest difference of Gaussians, of intensities 0 to 1
AIR = 0.05  # below this, blurred, lies no tissue
EDGE = 6  # voxels between a keypoint and the edge of what was seen: about the reach of its description
CAPACITY = 2000  # keypoints a volume keeps: those with the most contrast
PARTS = 3  # of the neighbourhood along each axis
AXES = 6  # directions: towards -z, +z, -y, +y, -x, +x
LENGTH = PARTS**3 * AXES
STEPS = 4  # samples to each side of the keypoint
STEP = SIGMA  # voxels between two samples
UNIT = 255  # norm of a stored description


@dataclass(frozen=True)
class Keypoints:
    """Of one volume.

    Attributes
    ----------
    places : float32 (n, 3), voxels along z, y, x from the middle of the grid.
    bright : bool (n,), brighter than its surroundings.
    descriptions : uint8 (n, LENGTH), norm about `UNIT`. Whole numbers, so that sums over them are exact everywhere.
    """

    places: np.ndarray
    bright: np.ndarray
    descriptions: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    def mirrored(self) -> Keypoints:
        """Those of the volume with left and right exchanged."""
        parts = self.descriptions.reshape(-1, PARTS, PARTS, PARTS, AXES)[:, :, :, ::-1][..., [0, 1, 2, 3, 5, 4]]
        return Keypoints(
            self.places * np.array([1, 1, -1], np.float32), self.bright, np.ascontiguousarray(parts).reshape(-1, LENGTH)
        )

    def padded(self) -> tuple[np.ndarray, np.ndarray]:
        """As stored: float16 (CAPACITY, 4) of place and 1 (bright) or 0, uint8 (CAPACITY, LENGTH); the rest is 0."""
        places, descriptions = np.zeros((CAPACITY, 4), np.float16), np.zeros((CAPACITY, LENGTH), np.uint8)
        places[: len(self), :3], places[: len(self), 3] = self.places, self.bright
        descriptions[: len(self)] = self.descriptions
        return places, descriptions


def unpadded(places: np.ndarray, descriptions: np.ndarray, count: int) -> Keypoints:
    """The inverse of `Keypoints.padded`."""
    return Keypoints(places[:count, :3].astype(np.float32), places[:count, 3] > 0.5, descriptions[:count])


def find_keypoints(image: np.ndarray, seen: np.ndarray) -> Keypoints:
    """Keypoints of an image on the common grid, those with the most contrast first.

    Parameters
    ----------
    image : (z, y, x), 0 to 1, as the search compares it.
    seen : bool (z, y, x), the field of view; a box, however turned.
    """
    fine = ndimage.gaussian_filter(image.astype(np.float32), SIGMA, truncate=3, mode="nearest")
    coarse = ndimage.gaussian_filter(fine, SIGMA * np.sqrt(RATIO**2 - 1), truncate=3, mode="nearest")
    difference = coarse - fine
    voxels = _extrema(difference, (coarse > AIR) & (np.abs(difference) >= CONTRAST))
    voxels = voxels[_inside(voxels, seen)]
    strength = np.abs(difference[tuple(voxels.T)])
    voxels = voxels[np.argsort(-strength, kind="stable")[:CAPACITY]]
    places = voxels + _offsets(difference, voxels)
    sums = np.zeros((len(places), LENGTH), np.float32)
    _describe(fine, places, sums)
    middle = (np.array(image.shape) - 1) / 2
    return Keypoints((places - middle).astype(np.float32), difference[tuple(voxels.T)] < 0, _rooted(sums))


def _extrema(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Voxels (n, 3) of `where` that none of their 26 neighbours exceeds, or none falls below."""
    peaks = (values > 0) & (values == ndimage.maximum_filter(values, 3))
    peaks |= (values < 0) & (values == ndimage.minimum_filter(values, 3))
    return np.argwhere(peaks & where)


def _inside(voxels: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Which voxels have a cube of `EDGE` about them in the field of view: where its corners lie in it."""
    inside = np.asarray(((voxels >= EDGE) & (voxels < np.array(seen.shape) - EDGE)).all(1))
    for corner in np.stack(np.meshgrid(*[(-EDGE, EDGE)] * 3), -1).reshape(-1, 3):
        inside[inside] &= seen[tuple((voxels[inside] + corner).T)]
    return inside


def _offsets(values: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """From voxels to the tops of parabolas through each and its neighbours along the axes; half a voxel at most."""
    here, offsets = values[tuple(voxels.T)].astype(np.float64), np.zeros(voxels.shape)
    for axis, step in enumerate(np.eye(3, dtype=np.int64)):
        before, after = (values[tuple((voxels + sign * step).T)].astype(np.float64) for sign in (-1, 1))
        bend = before - 2 * here + after
        offsets[:, axis] = np.divide(before - after, 2 * bend, out=np.zeros(len(here)), where=bend != 0)
    return np.asarray(np.clip(offsets, -0.5, 0.5))


def _rooted(sums: np.ndarray) -> np.ndarray:
    """Histograms to square roots of shares (Arandjelovic and Zisserman, CVPR 2012), uint8: the norm is `UNIT`."""
    total = sums.sum(1, keepdims=True)
    shares = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
    return np.asarray(np.rint(UNIT * np.sqrt(shares)), np.uint8)


@njit(cache=True, nogil=True)
def _describe(image: np.ndarray, places: np.ndarray, sums: np.ndarray) -> None:
    """Add up gradients around each place, by part of the neighbourhood (shared with the next one) and direction."""
    side = 2 * STEPS + 1
    for k in range(len(places)):
        for a in range(-STEPS, STEPS + 1):
            for b in range(-STEPS, STEPS + 1):
                for c in range(-STEPS, STEPS + 1):
                    apart = (a * a + b * b + c * c) / (STEPS + 0.5) ** 2
                    z = int(np.floor(places[k, 0] + STEP * a + 0.5))
                    y = int(np.floor(places[k, 1] + STEP * b + 0.5))
                    x = int(np.floor(places[k, 2] + STEP * c + 0.5))
                    inside = 0 < z < image.shape[0] - 1 and 0 < y < image.shape[1] - 1 and 0 < x < image.shape[2] - 1
                    if apart > 1.4 or not inside:
                        continue
                    gz = image[z + 1, y, x] - image[z - 1, y, x]
                    gy = image[z, y + 1, x] - image[z, y - 1, x]
                    gx = image[z, y, x + 1] - image[z, y, x - 1]
                    weight = np.exp(-apart)
                    # Where the sample lies, in parts: 0 is the middle of the first.
                    fz = (a + STEPS + 0.5) / side * PARTS - 0.5
                    fy = (b + STEPS + 0.5) / side * PARTS - 0.5
                    fx = (c + STEPS + 0.5) / side * PARTS - 0.5
                    for jz in range(PARTS):
                        wz = weight * max(0.0, 1.0 - abs(fz - jz))
                        if wz == 0:
                            continue
                        for jy in range(PARTS):
                            wy = wz * max(0.0, 1.0 - abs(fy - jy))
                            if wy == 0:
                                continue
                            for jx in range(PARTS):
                                w = wy * max(0.0, 1.0 - abs(fx - jx))
                                if w == 0:
                                    continue
                                first = ((jz * PARTS + jy) * PARTS + jx) * AXES
                                sums[k, first + (1 if gz > 0 else 0)] += w * abs(gz)
                                sums[k, first + (3 if gy > 0 else 2)] += w * abs(gy)
                                sums[k, first + (5 if gx > 0 else 4)] += w * abs(gx)
