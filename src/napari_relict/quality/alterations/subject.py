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
    image : numpy.ndarray
        Float32 (z, y, x), 0 to 1.
    labels : numpy.ndarray or None
        Uint16 (z, y, x), or None.
    spacing : tuple of 3 float
        mm along z, y, x.
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
        """Give it other intensities, cut off at 0 and 1.

        Parameters
        ----------
        image : numpy.ndarray of shape (z, y, x)
            Whatever they are.

        Returns
        -------
        Subject
            The volume with them.
        """
        return replace(self, image=np.clip(image, 0, 1).astype(np.float32))


def distance(shape: Sequence[int], middle: Sequence[float] | np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Measure how far each voxel is from a place.

    Parameters
    ----------
    shape : sequence of int
        Voxels z, y, x.
    middle : sequence of float or numpy.ndarray
        The place, in voxels z, y, x.
    spacing : sequence of float
        mm along z, y, x.

    Returns
    -------
    numpy.ndarray of shape (z, y, x)
        In mm.
    """
    axes = np.ogrid[tuple(slice(0, side) for side in shape)]
    squares = [((axis - m) * step) ** 2 for axis, m, step in zip(axes, middle, spacing, strict=True)]
    return np.asarray(np.sqrt(sum(squares)), dtype=np.float64)


def depth(inside: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Measure how far each voxel inside is from the nearest one outside; beyond the grid is outside.

    Parameters
    ----------
    inside : numpy.ndarray of bool, shape (z, y, x)
        What counts as inside.
    spacing : sequence of float
        mm along z, y, x.

    Returns
    -------
    numpy.ndarray of shape (z, y, x)
        In mm.
    """
    return np.asarray(ndimage.distance_transform_edt(np.pad(inside, 1), sampling=spacing)[1:-1, 1:-1, 1:-1])


def deep_place(inside: np.ndarray, spacing: Sequence[float], mm: float, rng: np.random.Generator) -> np.ndarray:
    """Draw a voxel deep inside.

    Parameters
    ----------
    inside : numpy.ndarray of bool, shape (z, y, x)
        Where it may lie.
    spacing : sequence of float
        mm along z, y, x.
    mm : float
        Its least depth; where nothing is as deep, it is among the deepest fifth.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    numpy.ndarray of int, shape (3,)

    """
    deep = depth(inside, spacing)
    places = np.argwhere(deep > min(mm, float(deep.max()) * 0.8))
    return np.asarray(places[rng.integers(len(places))])


def taken_out(subject: Subject, label: int) -> tuple[Subject, np.ndarray]:
    """Take a structure out of a volume.

    Behind a structure lies what surrounds it: a Gaussian mean of the voxels outside, as narrow as reaches. Its labels
    become those of the nearest voxel outside.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    label : int
        Of the structure.

    Returns
    -------
    tuple of (Subject, numpy.ndarray)
        The volume without it, and what the structure added to it: image minus what lies behind.
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
