"""Radiomics-like features: brightness, texture and, where there are labels, shape.

Through scikit-image and SimpleITK, with radiomics' definitions where those libraries have them; not the values of
pyradiomics, whose binning and neighbourhoods differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import SimpleITK as sitk
from scipy import stats
from skimage.feature import graycomatrix, graycoprops

LEVELS = 32  # grey levels of the co-occurrence matrix, from 0 to 1
SLICES = 20  # axial, at equal fractions of the grid, the outermost tenth left out
TISSUE = 0.02  # what is darker is air
TEXTURE = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation")
# Of the 26 neighbours of a voxel, one of each two that lie opposite each other.
DIRECTIONS = tuple(step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0))
ANGLES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
FIRST_ORDER = ("mean", "spread", "skewness", "kurtosis", "entropy", "p10", "p90")
SHAPE = ("volume", "surface", "roundness", "elongation", "flatness", "mean", "spread")


def volume_features(
    image: np.ndarray, labels: np.ndarray | None, values: Sequence[int], spacing: Sequence[float]
) -> np.ndarray:
    """Describe a volume: first order and texture of its tissue, then size, shape and brightness of each label.

    Parameters
    ----------
    image : numpy.ndarray
        Float32 (z, y, x), 0 to 1.
    labels : numpy.ndarray of shape (z, y, x) or None
        Or None.
    values : sequence of int
        Labels that every volume of the study may have; one that is not there counts as of no size, with the image's own
        brightness.
    spacing : sequence of float
        mm along z, y, x.

    Returns
    -------
    numpy.ndarray of float64, shape (features,)
        As many for every volume that is asked with the same `values`.
    """
    whole = [*_first_order(image[image > TISSUE]), *_texture(_matrix_3d(image))]
    return np.array([*whole, *_shapes(image, labels, values, spacing)])


def slice_features(image: np.ndarray) -> np.ndarray:
    """Compute first order and texture of each of `SLICES` axial slices.

    Parameters
    ----------
    image : numpy.ndarray of shape (z, y, x)
        0 to 1.

    Returns
    -------
    numpy.ndarray of shape (slices, features)
        Float64.
    """
    rows = []
    for part in slices_of(image):
        matrix = graycomatrix(_grey(part), [1], ANGLES, levels=LEVELS, symmetric=True).astype(float)
        rows.append([*_first_order(part[part > TISSUE]), *_texture(matrix[..., 0, :].sum(-1))])
    return np.array(rows)


def slices_of(image: np.ndarray) -> np.ndarray:
    """Take `SLICES` axial slices, at the same heights in every volume.

    Parameters
    ----------
    image : numpy.ndarray of shape (z, y, x)
        0 to 1.

    Returns
    -------
    numpy.ndarray of shape (slices, y, x)
        As they are.
    """
    places = np.rint(np.linspace(0.1, 0.9, SLICES) * (len(image) - 1)).astype(int)
    return np.asarray(image[places])


def _first_order(tissue: np.ndarray) -> list[float]:
    if tissue.size < 2 or float(np.ptp(tissue)) == 0.0:
        level = float(tissue.mean()) if tissue.size else 0.0
        return [level, 0.0, 0.0, 0.0, 0.0, level, level]
    counts = np.bincount(_grey(tissue).ravel(), minlength=LEVELS)
    p10, p90 = np.quantile(tissue, (0.1, 0.9))
    tissue = tissue.astype(np.float64)
    return [
        float(tissue.mean()),
        float(tissue.std()),
        float(stats.skew(tissue)),
        float(stats.kurtosis(tissue)),
        float(stats.entropy(counts, base=2)),
        float(p10),
        float(p90),
    ]


def _grey(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.minimum(np.clip(values, 0, 1) * LEVELS, LEVELS - 1), np.uint8)


def _matrix_3d(image: np.ndarray) -> np.ndarray:
    """Co-occurrence of grey levels of neighbours in 13 directions, symmetric: float64 (levels, levels).

    scikit-image has slices only. Pairs in which both voxels are air do not count.
    """
    grey = _grey(image).astype(np.int32)
    counts = np.zeros(LEVELS * LEVELS)
    for step in DIRECTIONS:
        one, other = (
            grey[
                tuple(
                    slice(max(0, sign * s), side + min(0, sign * s)) for s, side in zip(step, grey.shape, strict=True)
                )
            ]
            for sign in (1, -1)
        )
        counts += np.bincount((one * LEVELS + other).ravel(), minlength=LEVELS * LEVELS)
    matrix = counts.reshape(LEVELS, LEVELS)
    return np.asarray(matrix + matrix.T)


def _texture(matrix: np.ndarray) -> list[float]:
    """Haralick's measures of a co-occurrence matrix; pairs of air do not count."""
    matrix = matrix.copy()
    matrix[0, 0] = 0
    total = matrix.sum()
    if total == 0:
        return [0.0] * (len(TEXTURE) + 1)
    shares = (matrix / total)[..., None, None]
    measures = [float(graycoprops(shares, name)[0, 0]) for name in TEXTURE]
    return [*measures, float(stats.entropy(matrix.ravel(), base=2))]


def _shapes(
    image: np.ndarray, labels: np.ndarray | None, values: Sequence[int], spacing: Sequence[float]
) -> list[float]:
    if labels is None or not values:
        return []
    mask = sitk.GetImageFromArray(labels.astype(np.uint16))
    mask.SetSpacing([float(mm) for mm in spacing[::-1]])
    brightness = sitk.GetImageFromArray(image.astype(np.float32))
    brightness.CopyInformation(mask)
    shape, inside = sitk.LabelShapeStatisticsImageFilter(), sitk.LabelIntensityStatisticsImageFilter()
    shape.Execute(mask)
    inside.Execute(mask, brightness)
    there = set(shape.GetLabels())
    numbers: list[float] = []
    for label in values:
        if label not in there:
            numbers += [0.0, 0.0, 0.0, 1.0, 1.0, float(image.mean()), 0.0]
            continue
        size = shape.GetPhysicalSize(label)
        numbers += [
            np.cbrt(size),  # mm, as the surface: sizes of organs are nearer to normal so
            np.sqrt(shape.GetPerimeter(label)),
            shape.GetRoundness(label),
            *(min(ratio, 100.0) for ratio in (shape.GetElongation(label), shape.GetFlatness(label))),
            inside.GetMean(label),
            inside.GetStandardDeviation(label) if shape.GetNumberOfPixels(label) > 1 else 0.0,
        ]
    return [value if np.isfinite(value) else 0.0 for value in map(float, numbers)]
