"""A volume with its labels, and what all local alterations share: distances, and what lies behind a structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage


@dataclass(frozen=True, eq=False)
class Subject:
    """One volume.

    Attributes
    ----------
    image : float32 (z, y, x), 0 to 1.
    labels : uint16 (z, y, x), or None.
    spacing : mm along z, y, x.
    """

    image: np.ndarray
    labels: np.ndarray | None
    spacing: tuple[float, float, float]

    @property
    def known(self) -> np.ndarray:
        """The labels, where an alteration cannot do without."""
        if self.labels is None:
            raise ValueError("a local alteration needs labels")
        return self.labels

    def with_image(self, image: np.ndarray) -> Subject:
        """The same with other intensities, cut off at 0 and 1."""
        return replace(self, image=np.clip(image, 0, 1).astype(np.float32))


def distance(shape: Sequence[int], middle: Sequence[float] | np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Distance (z, y, x) in mm from `middle`, in voxels."""
    axes = np.ogrid[tuple(slice(0, side) for side in shape)]
    squares = [((axis - m) * step) ** 2 for axis, m, step in zip(axes, middle, spacing, strict=True)]
    return np.asarray(np.sqrt(sum(squares)), dtype=np.float64)


def depth(inside: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Distance (z, y, x) in mm of each voxel inside from the nearest one outside; beyond the grid is outside."""
    return np.asarray(ndimage.distance_transform_edt(np.pad(inside, 1), sampling=spacing)[1:-1, 1:-1, 1:-1])


def deep_place(inside: np.ndarray, spacing: Sequence[float], mm: float, rng: np.random.Generator) -> np.ndarray:
    """A voxel at least `mm` inside; where nothing is as deep, among the deepest fifth: int (3,)."""
    deep = depth(inside, spacing)
    places = np.argwhere(deep > min(mm, float(deep.max()) * 0.8))
    return np.asarray(places[rng.integers(len(places))])


def taken_out(subject: Subject, label: int) -> tuple[Subject, np.ndarray]:
    """The volume without a structure, and what the structure added to it: image minus what lies behind.

    Behind a structure lies what surrounds it: a Gaussian mean of the voxels outside, as narrow as reaches. Its labels
    become those of the nearest voxel outside.
    """
    inside = subject.known == label
    if not inside.any():
        return subject, np.zeros_like(subject.image)
    hidden = ndimage.binary_dilation(inside, iterations=1)  # voxels at the edge show half of it
    behind = subject.image.copy()
    for mm in (16.0, 8.0, 4.0, 2.0):
        widths = [mm / step for step in subject.spacing]
        weight = ndimage.gaussian_filter((~hidden).astype(np.float32), widths, truncate=3)
        total = ndimage.gaussian_filter(np.where(hidden, 0, subject.image), widths, truncate=3)
        reached = hidden & (weight > 0.02)
        behind[reached] = total[reached] / weight[reached]
    nearest = ndimage.distance_transform_edt(inside, return_distances=False, return_indices=True)
    return replace(subject, image=behind, labels=subject.known[tuple(nearest)]), subject.image - behind
