"""Lesions: planted, taken out, moved and grown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from napari_relict.quality.alterations.subject import Subject, deep_place, distance, taken_out

LESION = 60_001  # label of a planted lesion: no segmenter uses it
EDGE_MM = 1.2
TRIES = 60


def soft_ball(
    shape: Sequence[int], middle: Sequence[float] | np.ndarray, spacing: Sequence[float], radius: float
) -> np.ndarray:
    """Draw a ball with a soft edge.

    Parameters
    ----------
    shape : sequence of int
        Voxels z, y, x.
    middle : sequence of float or numpy.ndarray
        In voxels z, y, x.
    spacing : sequence of float
        mm along z, y, x.
    radius : float
        In mm.

    Returns
    -------
    numpy.ndarray of shape (z, y, x)
        1 inside, 0 outside.
    """
    return np.asarray(1 / (1 + np.exp((distance(shape, middle, spacing) - radius) / EDGE_MM)))


def contrast_of(values: np.ndarray, rng: np.random.Generator) -> float:
    """Draw how much brighter, or darker, a lesion is than what lies around it.

    Parameters
    ----------
    values : numpy.ndarray of shape (voxels,)
        Brightness of what lies around it.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    float
        0.6 of what the values span, either way.
    """
    change = float(rng.choice([-1.0, 1.0]) * (np.quantile(values, 0.95) - np.quantile(values, 0.05)))
    return 0.6 * change


def add_lesion(subject: Subject, radius: float, rng: np.random.Generator, depth: float | None = None) -> Subject:
    """Plant a bright or dark ball with a soft edge, well inside what is labelled, labelled `LESION`.

    Balls of one depth and seed lie in one place.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    radius : float
        In mm.
    rng : numpy.random.Generator
        Where draws come from.
    depth : float, optional
        mm that it lies inside at least; its radius when None.

    Returns
    -------
    Subject
        The altered volume.
    """
    inside = subject.known > 0
    middle = deep_place(inside, subject.spacing, radius if depth is None else depth, rng)
    ball = soft_ball(inside.shape, middle, subject.spacing, radius)
    image = subject.image + contrast_of(subject.image[inside], rng) * ball
    return replace(subject.with_image(image), labels=np.where(ball > 0.5, LESION, subject.known).astype(np.uint16))


def remove(subject: Subject, label: int = LESION) -> Subject:
    """Take a structure out, and fill its place with what surrounds it.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    label : int, default: LESION
        Of the structure.

    Returns
    -------
    Subject
        The altered volume.
    """
    return taken_out(subject, label)[0]


def move(subject: Subject, mm: float, rng: np.random.Generator, label: int = LESION) -> Subject:
    """Take a structure out and put it down elsewhere, in a direction in which it stays inside what is labelled.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    mm : float
        How far.
    rng : numpy.random.Generator
        Where draws come from.
    label : int, default: LESION
        Of the structure.

    Returns
    -------
    Subject
        The altered volume.
    """
    without, added = taken_out(subject, label)
    where = np.argwhere(subject.known == label)
    if not len(where):
        return subject
    inside = without.known > 0
    best, step = -1.0, np.zeros(3, int)
    for _ in range(TRIES):
        direction = rng.normal(size=3)
        tried = np.rint(mm * direction / np.linalg.norm(direction) / subject.spacing).astype(int)
        there = where + tried
        fits = ((there >= 0) & (there < inside.shape)).all(1)
        share = float(inside[tuple(there[fits].T)].sum() / len(where))
        if share > best:
            best, step = share, tried
        if share == 1.0:
            break
    labels = without.known.copy()
    there = where + step
    there = there[((there >= 0) & (there < inside.shape)).all(1)]
    labels[tuple(there.T)] = label
    moved = ndimage.shift(added, step, order=1, mode="constant")
    return replace(without.with_image(without.image + moved), labels=labels)


def grow(subject: Subject, mm: float, label: int = LESION) -> Subject:
    """Make a structure larger about its own middle.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    mm : float
        By which the radius of a ball of its size grows.
    label : int, default: LESION
        Of the structure.

    Returns
    -------
    Subject
        The altered volume.
    """
    without, added = taken_out(subject, label)
    inside = subject.known == label
    if not inside.any():
        return subject
    radius = float((3 * inside.sum() * np.prod(subject.spacing) / (4 * np.pi)) ** (1 / 3))
    shrink = radius / (radius + mm)  # from the new place back to the old
    middle = np.array(ndimage.center_of_mass(inside))
    offset = middle - shrink * middle
    larger = ndimage.affine_transform(added, np.full(3, shrink), offset, order=1)
    mask = ndimage.affine_transform(inside.astype(np.float32), np.full(3, shrink), offset, order=1) > 0.5
    labels = np.where(mask, label, without.known).astype(np.uint16)
    return replace(without.with_image(without.image + larger), labels=labels)
