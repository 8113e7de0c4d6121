"""Labelled structures: enlarged, and mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from napari_relict.quality.alterations.subject import Subject, depth

REACH_MM = 15.0  # how far around a structure tissue gives way
SMOOTH_MM = 3.0
MARGIN_MM = 4.0


def deepest_label(labels: Sequence[np.ndarray], spacing: Sequence[float]) -> int | None:
    """Find the label that lies deepest inside all that is labelled, in the median over volumes.

    In a brain with fluid labelled these are the ventricles.

    Parameters
    ----------
    labels : sequence of numpy.ndarray of shape (z, y, x)
        Of each volume.
    spacing : sequence of float
        mm along z, y, x.

    Returns
    -------
    int or None
        None where no label is in all volumes.
    """
    everywhere = set.intersection(*(set(np.unique(volume)) - {0} for volume in labels)) if len(labels) else set()
    if not everywhere:
        return None
    depths: dict[int, list[float]] = {int(label): [] for label in everywhere}
    for volume in labels:
        deep = depth(volume > 0, spacing)
        for label, of_label in depths.items():
            of_label.append(float(np.median(deep[volume == label])))
    return max(sorted(depths), key=lambda label: float(np.median(depths[label])))


def outward(inside: np.ndarray, spacing: Sequence[float], mm: float) -> np.ndarray:
    """Make a smooth displacement field that pushes the border of a structure outward.

    Parameters
    ----------
    inside : numpy.ndarray of bool, shape (z, y, x)
        The structure.
    spacing : sequence of float
        mm along z, y, x.
    mm : float
        By about so much.

    Returns
    -------
    numpy.ndarray of shape (3, z, y, x)
        In mm.
    """
    signed = ndimage.distance_transform_edt(~inside, sampling=spacing) - ndimage.distance_transform_edt(
        inside, sampling=spacing
    )
    smooth = ndimage.gaussian_filter(signed, [1.0 / step for step in spacing])
    normal = np.array(np.gradient(smooth, *spacing))
    normal /= np.maximum(np.linalg.norm(normal, axis=0), 1e-6)
    strength = mm * np.exp(-((np.maximum(signed, 0) / REACH_MM) ** 2))
    # Where both sides of a structure are near, the field turns round; so smooth that nothing folds there.
    widths = [max(SMOOTH_MM, mm) / step for step in spacing]
    return np.array([ndimage.gaussian_filter(part * strength, widths) for part in normal])


def enlarge(subject: Subject, mm: float, label: int) -> Subject:
    """Move the border of a structure outward; what is around it gives way, and labels with it.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    mm : float
        By about so much.
    label : int
        Of the structure.

    Returns
    -------
    Subject
        The altered volume.
    """
    inside = subject.known == label
    if not inside.any():
        return subject
    field = outward(inside, subject.spacing, mm)
    places = np.indices(inside.shape, dtype=np.float64)
    back = places - field / np.reshape(subject.spacing, (3, 1, 1, 1))
    image = ndimage.map_coordinates(subject.image, back, order=1, mode="nearest")
    labels = ndimage.map_coordinates(subject.known, back, order=0, mode="nearest")
    return replace(subject.with_image(image), labels=labels)


def mirror_structure(subject: Subject, label: int) -> Subject:
    """Exchange left and right inside a structure and a rim about it, about its own middle; all else stays.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    label : int
        Of the structure.

    Returns
    -------
    Subject
        The altered volume.
    """
    inside = subject.known == label
    if not inside.any():
        return subject
    twice = round(2 * float(np.argwhere(inside)[:, 2].mean()))  # a half voxel, so that mirrored voxels lie on voxels
    other = twice - np.arange(inside.shape[2])
    there = (other >= 0) & (other < inside.shape[2])
    other = np.clip(other, 0, inside.shape[2] - 1)
    both = inside | (inside[..., other] & there)
    apart = ndimage.distance_transform_edt(~both, sampling=subject.spacing)
    weight = np.clip(1 - apart / MARGIN_MM, 0, 1) * there
    image = weight * subject.image[..., other] + (1 - weight) * subject.image
    labels = np.where(weight > 0.5, subject.known[..., other], subject.known).astype(np.uint16)
    return replace(subject.with_image(image), labels=labels)
