"""Every kind of copy the detection benchmark plants, each with the relation it has by the way it was made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from napari_relict.demo import operators
from napari_relict.demo.sample import Doubles, Floats, Sample, centre_of, moved, rounded, values_of, with_values
from napari_relict.demo.simulate import pose

Relation = Literal["exact replica", "near replica", "part of a patient", "no replica"]
SIDES = ("left", "right", "front", "back", "upper", "lower")


@dataclass(frozen=True)
class Kind:
    """One kind of copy.

    Attributes
    ----------
    make : (training sample, a stranger's sample on the same grid, random generator) -> copy.
    shows_lesion : the training volume has a lesion that the copy lacks.
    """

    relation: Relation
    words: str
    make: Callable[[Sample, Sample, np.random.Generator], Sample]
    shows_lesion: bool = False


def turned(degrees: float) -> operators.Operator:
    """A turn by exactly `degrees`, either way, about an axis drawn at random."""

    def turn(sample: Sample, rng: np.random.Generator) -> Sample:
        axis = rng.normal(size=3)
        vector = rng.choice([-1, 1]) * degrees * axis / np.linalg.norm(axis)
        return rounded(moved(sample, pose(centre_of(sample.image), vector, np.zeros(3))))

    return turn


def zoom(sample: Sample, rng: np.random.Generator) -> Sample:
    """Larger or smaller by 5 to 10%."""
    factor = float(rng.choice([rng.uniform(0.9, 0.95), rng.uniform(1.05, 1.1)]))
    scale = sitk.ScaleTransform(3, (factor,) * 3)
    scale.SetCenter(centre_of(sample.image))
    return rounded(moved(sample, scale))


def low_resolution(sample: Sample, rng: np.random.Generator) -> Sample:
    """Down to voxels twice as wide along each axis and back up."""
    values = values_of(sample)
    small = ndimage.zoom(ndimage.gaussian_filter(values, 0.8), 0.5, order=1)
    back = ndimage.zoom(small, np.divide(values.shape, small.shape), order=1)
    return rounded(with_values(sample, back.astype(np.float32)))


def invert_contrast(sample: Sample, rng: np.random.Generator) -> Sample:
    """Dark tissue bright and bright tissue dark; air stays black."""
    values = values_of(sample) - sample.air
    top = float(np.quantile(values, 0.995))
    inside = ndimage.binary_fill_holes(ndimage.gaussian_filter(values, 2) > 0.12 * top)
    inverted = np.where(inside, np.clip(1.1 * top - values, 0, None), values)
    return rounded(with_values(sample, (inverted + sample.air).astype(np.float32)))


def half(sample: Sample, stranger: Sample, rng: np.random.Generator) -> Sample:
    """One half of the training volume, the other half a stranger's."""
    return _blended(sample, stranger, _half_weight(sample, str(rng.choice(SIDES))))


def region(sample: Sample, stranger: Sample, rng: np.random.Generator) -> Sample:
    """A ball of 35 to 45 mm radius of the training volume in a stranger's head."""
    inside = sitk.GetArrayViewFromImage(sample.labels) > 0
    spacing = np.array(sample.image.GetSpacing()[::-1])
    depth = ndimage.distance_transform_edt(inside, sampling=spacing)
    places = np.argwhere(depth > 0.5 * depth.max())
    middle = places[rng.integers(len(places))]
    axes = np.ogrid[tuple(slice(0, side) for side in inside.shape)]
    distance = np.sqrt(sum(((axis - m) * step) ** 2 for axis, m, step in zip(axes, middle, spacing, strict=True)))
    return _blended(sample, stranger, 1 / (1 + np.exp((distance - rng.uniform(35, 45)) / 2)))


def _half_weight(sample: Sample, side: str) -> Floats:
    """1 on the named side of the middle of the brain, 0 on the other, over some 6 mm between."""
    inside = sitk.GetArrayViewFromImage(sample.labels) > 0
    axis = {"left": 2, "right": 2, "front": 1, "back": 1, "upper": 0, "lower": 0}[side]
    middle = float(np.argwhere(inside)[:, axis].mean())
    along = (np.arange(inside.shape[axis]) - middle) * sample.image.GetSpacing()[2 - axis]
    rising = 1 / (1 + np.exp(-along / 2))
    weight = rising if side in ("left", "back", "upper") else 1 - rising
    shape = [1, 1, 1]
    shape[axis] = -1
    return np.broadcast_to(weight.reshape(shape), inside.shape).astype(np.float32)


def _blended(sample: Sample, stranger: Sample, weight: Floats | Doubles) -> Sample:
    other = moved(stranger, sitk.Transform(), like=sample.image)
    # A generator would not show two brightnesses in one head: the stranger is lit like the training volume.
    mine, theirs = values_of(sample), values_of(other)
    theirs = theirs * (np.quantile(mine, 0.99) / max(float(np.quantile(theirs, 0.99)), 1e-6))
    values = weight * mine + (1 - weight) * theirs
    labels = np.where(weight > 0.5, sitk.GetArrayViewFromImage(sample.labels), sitk.GetArrayViewFromImage(other.labels))
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(sample.image)
    return rounded(replace(with_values(sample, values.astype(np.float32)), labels=image))


def _alone(*steps: operators.Operator) -> Callable[[Sample, Sample, np.random.Generator], Sample]:
    def make(sample: Sample, stranger: Sample, rng: np.random.Generator) -> Sample:
        for step in steps:
            sample = step(sample, rng)
        return sample

    return make


EXACT, NEAR, PART = "exact replica", "near replica", "part of a patient"
KINDS: Mapping[str, Kind] = {
    "noise": Kind(EXACT, "noise, 2% of the range", _alone(operators.add_noise)),
    "intensity": Kind(EXACT, "another contrast and brightness", _alone(operators.change_intensity)),
    "inverted": Kind(EXACT, "contrast inverted", _alone(invert_contrast)),
    "rotated 3": Kind(EXACT, "turned by 3 degrees", _alone(turned(3))),
    "rotated 5": Kind(EXACT, "turned by 5 degrees", _alone(turned(5))),
    "rotated 15": Kind(EXACT, "turned by 15 degrees", _alone(turned(15))),
    "mirrored": Kind(EXACT, "left and right exchanged", _alone(operators.mirror)),
    "shifted": Kind(EXACT, "shifted by up to 10 mm an axis", _alone(operators.shift)),
    "cropped": Kind(EXACT, "a sixth to a quarter cut off below", _alone(operators.crop)),
    "zoomed": Kind(EXACT, "5 to 10% larger or smaller", _alone(zoom)),
    "blurred": Kind(EXACT, "blurred, 0.7 to 0.9 voxels", _alone(operators.blur)),
    "low resolution": Kind(EXACT, "half the resolution", _alone(low_resolution)),
    "all at once": Kind(
        EXACT,
        "mirrored, turned by 8 to 15 degrees, another contrast, noise",
        _alone(operators.mirror, operators.rotate, operators.change_intensity, operators.add_noise),
    ),
    "bent": Kind(NEAR, "bent by about a millimetre", _alone(operators.bend)),
    "bent, rotated": Kind(NEAR, "bent, turned by 8 to 15 degrees", _alone(operators.bend, operators.rotate)),
    "lesion added": Kind(NEAR, "a lesion added", _alone(operators.add_lesion)),
    "lesion added, rotated": Kind(
        NEAR, "a lesion added, turned by 8 to 15 degrees", _alone(operators.add_lesion, operators.rotate)
    ),
    "lesion removed": Kind(NEAR, "without the training volume's lesion", _alone(operators.resave), True),
    "lesion removed, rotated": Kind(
        NEAR, "without the training volume's lesion, turned by 8 to 15 degrees", _alone(operators.rotate), True
    ),
    "half": Kind(PART, "one half of the patient, the other a stranger's", half),
    "region": Kind(PART, "a ball of 35 to 45 mm radius in a stranger's head", region),
}
"""Novel and related volumes copy nobody and are made by `cohorts.py`."""
