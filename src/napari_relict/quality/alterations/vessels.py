"""Vessels: planted, cut and narrowed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree
from skimage.morphology import skeletonize

from napari_relict.quality.alterations.lesions import EDGE_MM, soft_ball
from napari_relict.quality.alterations.subject import Subject, deep_place, depth, taken_out

VESSEL = 60_002  # label of a planted vessel
RADIUS_MM, LENGTH_MM = 3.0, 70.0


def add_vessel(subject: Subject, rng: np.random.Generator, radius: float = RADIUS_MM) -> Subject:
    """Plant a bright winding tube inside what is labelled, labelled `VESSEL`.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    rng : numpy.random.Generator
        Where draws come from.
    radius : float, default: RADIUS_MM
        In mm.

    Returns
    -------
    Subject
        The altered volume.
    """
    inside = subject.known > 0
    path = _path(inside, subject.spacing, rng)
    voxels = np.argwhere(inside)
    apart = KDTree(path).query(voxels * subject.spacing, distance_upper_bound=radius + 6 * EDGE_MM)[0]
    weight = np.zeros(inside.shape)
    weight[tuple(voxels.T)] = 1 / (1 + np.exp(np.minimum(apart - radius, 50.0) / (EDGE_MM / 2)))
    values = subject.image[inside]
    brighter = 0.6 * float(np.quantile(values, 0.95) - np.quantile(values, 0.05))
    labels = np.where(weight > 0.5, VESSEL, subject.known).astype(np.uint16)
    return replace(subject.with_image(subject.image + brighter * weight), labels=labels)


def cut(subject: Subject, mm: float, rng: np.random.Generator, label: int = VESSEL) -> Subject:
    """Cut a gap into a vessel, at a place on its centreline drawn at random.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    mm : float
        Length of the gap.
    rng : numpy.random.Generator
        Where draws come from.
    label : int, default: VESSEL
        Of the structure.

    Returns
    -------
    Subject
        The altered volume.
    """
    line = np.argwhere(skeletonize(subject.known == label))
    if not len(line):
        return subject
    without, added = taken_out(subject, label)
    gap = soft_ball(added.shape, line[rng.integers(len(line))], subject.spacing, mm / 2)
    labels = np.where(gap > 0.5, without.known, subject.known).astype(np.uint16)
    return replace(without.with_image(without.image + added * (1 - gap)), labels=labels)


def narrow(subject: Subject, share: float, label: int = VESSEL) -> Subject:
    """Narrow a vessel all along: every voxel shows what lay farther from the centreline.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    share : float
        Of the radius that is lost.
    label : int, default: VESSEL
        Of the structure.

    Returns
    -------
    Subject
        The altered volume.
    """
    inside = subject.known == label
    line = np.argwhere(skeletonize(inside))
    if not len(line):
        return subject
    without, added = taken_out(subject, label)
    around = np.argwhere(ndimage.binary_dilation(inside, iterations=2))
    middles = line[KDTree(line * subject.spacing).query(around * subject.spacing)[1]]
    back = (middles + (around - middles) / (1 - share)).T
    narrowed = np.zeros_like(added)
    narrowed[tuple(around.T)] = ndimage.map_coordinates(added, back, order=1)
    mask = np.zeros(inside.shape, bool)
    mask[tuple(around.T)] = ndimage.map_coordinates(inside.astype(np.float32), back, order=1) > 0.5
    labels = np.where(mask, label, without.known).astype(np.uint16)
    return replace(without.with_image(without.image + narrowed), labels=labels)


def _path(inside: np.ndarray, spacing: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """Points (n, 3) in mm, half a millimetre apart, along a line that bends inward where it gets shallow."""
    deep = depth(inside, spacing)
    inward = np.array([ndimage.gaussian_filter(part, 2.0) for part in np.gradient(deep)])
    point = deep_place(inside, spacing, 15.0, rng) * np.array(spacing)
    way = rng.normal(size=3)
    way /= np.linalg.norm(way)
    points = [point]
    for _ in range(int(LENGTH_MM / 0.5)):
        at = tuple(np.clip(np.rint(point / spacing).astype(int), 0, np.array(inside.shape) - 1))
        pull = inward[(slice(None), *at)] * max(0.0, 1 - float(deep[at]) / 12.0)
        way = way + 0.06 * rng.normal(size=3) + 0.15 * pull
        way /= np.linalg.norm(way)
        point = point + 0.5 * way
        points.append(point)
    return np.array(points)
