"""Describes prepared volumes, once each: texture, shape, looks and, pair by pair, MS-SSIM."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_relict.files.vector_cache import VectorCache
from napari_relict.jobs.executors import Workforce
from napari_relict.jobs.progress import Progress, silent
from napari_relict.measures.ssim import ms_ssim, scales_of
from napari_relict.quality.appearance import NAMES, appearance
from napari_relict.quality.radiomics import SLICES, slice_features, volume_features
from napari_relict.volumes.cohort import PreparedCohort

VERSION = "1"  # raised when a description changes
PARTNERS = 20  # others that each volume is compared with by MS-SSIM; all of up to 41 volumes


class DescriptorCache(VectorCache):
    """What describes volumes, by kind, preparation and content of the volume.

    Parameters
    ----------
    file : pathlib.Path
        Pathlib.Path The SQLite file; made where it is missing.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(file, "descriptor", {"kind": "TEXT", "preparation": "TEXT", "volume": "TEXT"})


@dataclass(frozen=True, eq=False)
class Description:
    """What describes one volume.

    Attributes
    ----------
    whole : numpy.ndarray of shape (features,)
        Of the volume.
    slices : numpy.ndarray of shape (slices, features)
        Of its slices.
    looks : numpy.ndarray of shape (measures,)
        As in `appearance.NAMES`.
    """

    whole: np.ndarray
    slices: np.ndarray
    looks: np.ndarray


def describe(
    image: np.ndarray, labels: np.ndarray | None, values: Sequence[int], spacing: Sequence[float]
) -> Description:
    """Describe one volume; see `volume_features`. Rounded as the cache rounds, so that kept ones are the same.

    Parameters
    ----------
    image : numpy.ndarray of shape (z, y, x)
        0 to 1.
    labels : numpy.ndarray of shape (z, y, x) or None
        Its segmentation.
    values : sequence of int
        Labels whose shape counts.
    spacing : sequence of float
        mm along z, y, x.

    Returns
    -------
    Description
        Texture and shape, of slices too, and looks.
    """
    parts = volume_features(image, labels, values, spacing), slice_features(image), appearance(image)
    return Description(*(part.astype(np.float32).astype(np.float64) for part in parts))


def describe_cohort(
    cohort: PreparedCohort,
    names: Sequence[str],
    values: Sequence[int],
    file: Path,
    force: Workforce,
    progress: Progress = silent,
) -> list[Description]:
    """Describe volumes that are not in the cache yet; each is kept once it is there.

    Parameters
    ----------
    cohort : PreparedCohort
        Where the volumes are.
    names : sequence of str
        Which of its volumes.
    values : sequence of int
        Labels whose shape counts; none where not all volumes of the study have a segmentation.
    file : pathlib.Path
        The cache, a `DescriptorCache`.
    force : Workforce
        Who does the work.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    list of Description
        In the order of `names`.
    """
    cache = DescriptorCache(file)
    kind, preparation = f"texture and shape {VERSION}", f"{','.join(map(str, values))}:{cohort.key}"

    def described(name: str) -> Description:
        row = cohort.rows[name]
        content = hashlib.sha256(f"{row.content}:{row.stamp if values else ''}".encode()).hexdigest()
        vector = cache.get(kind, preparation, content)
        if vector is not None:
            return _unpacked(vector)
        labels = cohort.labels([name])[0] if values else None
        description = describe(cohort.images([name])[0], labels, values, cohort.grid.spacing)
        packed = np.concatenate([description.whole, description.slices.ravel(), description.looks])
        cache.put(kind, preparation, content, vector=packed)
        return description

    descriptions = []
    for done, description in enumerate(force.in_order(described, names), start=1):
        descriptions.append(description)
        progress(f"texture and shape, {cohort.cohort}", done, len(names))
    return descriptions


def _unpacked(vector: np.ndarray) -> Description:
    vector = vector.astype(np.float64)
    looks = len(vector) - len(NAMES)
    features = _SLICE_FEATURES * SLICES
    return Description(vector[: looks - features], vector[looks - features : looks].reshape(SLICES, -1), vector[looks:])


_SLICE_FEATURES = slice_features(np.zeros((2, 2, 2), np.float32)).shape[1]


def partners(volumes: int) -> int:
    """Count the volumes after it, in a circle, that each is compared with.

    Parameters
    ----------
    volumes : int
        How many there are.

    Returns
    -------
    int
        At most `PARTNERS`.
    """
    return min(PARTNERS, volumes // 2)


def similar_to_next(read: Callable[[int], np.ndarray], place: int, volumes: int) -> np.ndarray:
    """Compute MS-SSIM of one volume with those after it in a circle.

    What the others bring is made anew for each pair: kept for a whole cohort it would fill the memory.

    Parameters
    ----------
    read : callable
        Place -> image (z, y, x).
    place : int
        Of the volume.
    volumes : int
        How many there are.

    Returns
    -------
    numpy.ndarray of float32, shape (partners,)

    """
    image = read(place)
    scales = scales_of(image)
    others = [(place + step) % volumes for step in range(1, partners(volumes) + 1)]
    return np.array([ms_ssim(image, read(other), scales=(scales, None)) for other in others], np.float32)


def from_circle(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Lay rows of `similar_to_next` out as a symmetric matrix.

    Parameters
    ----------
    rows : sequence of numpy.ndarray
        One a volume.

    Returns
    -------
    numpy.ndarray of shape (volumes, volumes)
        NaN for pairs that were not compared.
    """
    volumes = len(rows)
    similarity = np.full((volumes, volumes), np.nan)
    for place, values in enumerate(rows):
        others = (place + 1 + np.arange(len(values))) % volumes
        similarity[place, others] = similarity[others, place] = values
    return similarity


def halved(image: np.ndarray) -> np.ndarray:
    """Average each 2 x 2 x 2 voxels; a last odd plane is left out.

    Parameters
    ----------
    image : numpy.ndarray of shape (z, y, x)
        Brightness.

    Returns
    -------
    numpy.ndarray of float32, shape (z // 2, y // 2, x // 2)

    """
    z, y, x = (side // 2 for side in image.shape)
    return np.asarray(image[: 2 * z, : 2 * y, : 2 * x].reshape(z, 2, y, 2, x, 2).mean((1, 3, 5)), np.float32)
