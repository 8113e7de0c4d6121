"""What a generator may do to a training volume it has memorised: the planted copies of the demo.

An operator takes the training volume with its labels and a random generator and returns the copy. Labels move
with the anatomy and keep their values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from napari_relict.demo.deformation import Scale, random_field
from napari_relict.demo.sample import (
    Doubles,
    Floats,
    Sample,
    centre_of,
    moved,
    rounded,
    values_of,
    with_values,
)
from napari_relict.demo.simulate import pose
from napari_relict.quality.alterations.lesions import contrast_of, soft_ball
from napari_relict.quality.alterations.subject import deep_place

Relation = Literal["exact replica", "near replica", "no replica"]
Operator = Callable[[Sample, np.random.Generator], Sample]


@dataclass(frozen=True)
class Planting:
    """One kind of copy.

    An exact replica shows the very anatomy of the training volume, however it is lit, posed or mirrored; in
    a near replica the anatomy itself was changed a little.

    Attributes
    ----------
    relation : Relation
        What it is to the training volume.
    words : str
        What it is in plain words.
    make : Operator
        How it is made.
    """

    relation: Relation
    words: str
    make: Operator


def resave(sample: Sample, rng: np.random.Generator) -> Sample:
    """Keep the same numbers, and nothing else.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Sample
        The copy.
    """
    return sample


def add_noise(sample: Sample, rng: np.random.Generator) -> Sample:
    """Add Gaussian noise with a standard deviation of 2% of the brightness range.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Sample
        The copy.
    """
    values = values_of(sample)
    noise = rng.normal(0, 0.02 * _range(values), values.shape)
    return _with_values(sample, np.maximum(values + noise, sample.air))


def change_intensity(sample: Sample, rng: np.random.Generator) -> Sample:
    """Give it another contrast (a power) and another brightness.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Sample
        The copy.
    """
    values = values_of(sample) - sample.air
    top = max(float(np.quantile(values, 0.995)), 1e-6)
    gamma = float(rng.choice([rng.uniform(0.65, 0.8), rng.uniform(1.25, 1.5)]))
    changed = np.power(np.clip(values / top, 0, None), gamma) * top * rng.uniform(0.6, 1.4)
    return _with_values(sample, changed + sample.air)


def blur(sample: Sample, rng: np.random.Generator) -> Sample:
    """Smooth by a Gaussian of 0.7 to 0.9 voxels.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Sample
        The copy.
    """
    return _with_values(sample, ndimage.gaussian_filter(values_of(sample), rng.uniform(0.7, 0.9)))


def rotate(sample: Sample, rng: np.random.Generator) -> Sample:
    """Turn by 8 to 15 degrees about an axis drawn at random, and shift by up to 6 mm per axis.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Sample
        The copy.
    """
    axis = rng.normal(size=3)
    degrees = rng.uniform(8, 15) * axis / np.linalg.norm(axis)
    return _moved(sample, pose(centre_of(sample.image), degrees, rng.uniform(-6, 6, 3)))


def shift(sample: Sample, rng: np.random.Generator) -> Sample:
    """Shift by up to 10 mm per axis.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Sample
        The copy.
    """
    return _moved(sample, pose(centre_of(sample.image), np.zeros(3), rng.uniform(-10, 10, 3)))


def mirror(sample: Sample, rng: np.random.Generator) -> Sample:
    """Exchange left and right, about the middle of the grid in the world's own left-right direction.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Sample
        The copy.
    """
    centre = centre_of(sample.image)
    reflection = sitk.AffineTransform(3)
    reflection.SetMatrix((-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    reflection.SetCenter(centre)
    return _moved(sample, reflection)


def mirror_and_rotate(sample: Sample, rng: np.random.Generator) -> Sample:
    """Do `mirror`, then `rotate`.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Sample
        The copy.
    """
    return rotate(mirror(sample, rng), rng)


def bend(sample: Sample, rng: np.random.Generator) -> Sample:
    """Deform weakly and smoothly, about a millimetre on average.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Sample
        The copy.
    """
    half = [side * step for side, step in zip(sample.image.GetSize(), sample.image.GetSpacing(), strict=True)]
    field = random_field(rng, (half[0], half[1], half[2]), (Scale(40, 5),), step=5.0)
    back = sitk.TranslationTransform(3, [-c for c in centre_of(sample.image)])
    forth = sitk.TranslationTransform(3, list(centre_of(sample.image)))
    return _moved(sample, sitk.CompositeTransform([forth, field, back]))


def add_lesion(sample: Sample, rng: np.random.Generator) -> Sample:
    """Add a bright or dark ball with a soft edge, 8 to 12 mm in radius, well inside what is labelled.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Sample
        The copy.
    """
    labels = sitk.GetArrayViewFromImage(sample.labels) > 0
    spacing = sample.image.GetSpacing()[::-1]
    radius = float(rng.uniform(8, 12))
    middle = deep_place(labels, spacing, radius, rng)
    values = values_of(sample)
    change = contrast_of(values[labels], rng)
    ball = soft_ball(values.shape, middle, spacing, radius)
    return _with_values(sample, np.maximum(values + change * ball, sample.air))


def bend_and_add_lesion(sample: Sample, rng: np.random.Generator) -> Sample:
    """Do `bend`, then `add_lesion`.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Sample
        The copy.
    """
    return add_lesion(bend(sample, rng), rng)


def crop(sample: Sample, rng: np.random.Generator) -> Sample:
    """Cut a sixth to a quarter of the slices off below, their voxels gone.

    Parameters
    ----------
    sample : Sample
        The training volume with its labels.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Sample
        The copy.
    """
    first = int(rng.uniform(1 / 6, 1 / 4) * sample.image.GetSize()[2])
    return Sample(sample.image[:, :, first:], sample.labels[:, :, first:], sample.air)


PLANTINGS: Mapping[str, Planting] = {
    "resaved": Planting("exact replica", "the training volume itself, saved again", resave),
    "noise": Planting("exact replica", "with a little noise added", add_noise),
    "intensity": Planting("exact replica", "with another contrast and brightness", change_intensity),
    "blur": Planting("exact replica", "slightly blurred", blur),
    "rotated": Planting("exact replica", "turned by 8 to 15 degrees and shifted", rotate),
    "shifted": Planting("exact replica", "shifted by up to 10 mm per axis", shift),
    "mirrored": Planting("exact replica", "with left and right exchanged", mirror),
    "mirrored and rotated": Planting(
        "exact replica", "with left and right exchanged, then turned and shifted", mirror_and_rotate
    ),
    "cropped scan": Planting("exact replica", "as thirty slices of it that its publisher saved apart", resave),
    "cropped": Planting("exact replica", "with the lowest slices cut off", crop),
    "bent": Planting("near replica", "bent by about a millimetre", bend),
    "lesion": Planting("near replica", "with a lesion added", add_lesion),
    "bent with lesion": Planting(
        "near replica", "bent by about a millimetre, with a lesion added", bend_and_add_lesion
    ),
}
"""Every kind of copy, by its name in `truth.csv`. A "cropped scan" is a file of its own, see `recipes.py`."""


def _moved(sample: Sample, transform: sitk.Transform) -> Sample:
    return rounded(moved(sample, transform))


def _with_values(sample: Sample, values: Floats | Doubles) -> Sample:
    return rounded(with_values(sample, values.astype(np.float32)))


def _range(values: Floats) -> float:
    low, high = np.quantile(values, (0.005, 0.995))
    return float(high - low)
