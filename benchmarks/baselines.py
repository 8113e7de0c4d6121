"""What others would compute on the same files: each gives a similarity of every query with every training volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import SimpleITK as sitk

from napari_relict.calibration.rules.whitening import zca
from napari_relict.measures.ssim import local_statistics, ssim
from napari_relict.volumes.affines import matrix_of, resampled
from napari_relict.volumes.grid import Grid

CALIBRATED_BY = 50  # nearest neighbours that the l2 ratio is divided by (Carlini et al. 2023; Yoon et al. 2023)


def ncc(queries: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Pearson correlation of the files' voxels as they lie (Akbar et al. 2025): (queries, training)."""
    return np.asarray(_standardised(queries) @ _standardised(training).T, np.float64)


def rotated_ncc(queries: np.ndarray, training: np.ndarray) -> np.ndarray:
    """The largest NCC over turns of the query by -12, 0 and 12 degrees about each axis and its mirror image."""
    known, grid = _standardised(training).T, Grid(queries.shape[1:], (1.0, 1.0, 1.0))
    turns = [
        matrix_of(sitk.Euler3DTransform((0, 0, 0), *(float(np.deg2rad(angle)) for angle in angles)))
        for angles in product((-12, 0, 12), repeat=3)
    ]

    def row(query: np.ndarray) -> np.ndarray:
        states = [resampled(one, grid, turn) for one in (query, query[..., ::-1]) for turn in turns]
        return np.asarray((_standardised(np.stack(states)) @ known).max(0), np.float64)

    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(row, queries)))


def calibrated_l2(queries: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Minus the distance to each training volume over the mean distance to the nearest fifty."""
    a, b = queries.reshape(len(queries), -1), training.reshape(len(training), -1)
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * (a @ b.T)
    distance = np.sqrt(np.maximum(squares, 0))
    nearest = np.sort(distance, axis=1)[:, : min(CALIBRATED_BY, distance.shape[1])]
    return -distance / np.maximum(nearest.mean(1, keepdims=True), 1e-12)


def ssim_of_all(queries: np.ndarray, training: np.ndarray) -> np.ndarray:
    """SSIM (uniform window) of every pair of files as they lie."""
    known = [local_statistics(volume) for volume in training]

    def row(query: np.ndarray) -> list[float]:
        own = local_statistics(query)
        return [ssim(query, other, statistics=(own, kept)) for other, kept in zip(training, known, strict=True)]

    with ThreadPoolExecutor() as pool:
        return np.array(list(pool.map(row, queries)))


def cosine(queries: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Raw cosine of deep features."""
    a, b = (v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12) for v in (queries, training))
    return np.asarray(a @ b.T, np.float64)


def memorization_index(queries: np.ndarray, training: np.ndarray, seed: int = 0) -> np.ndarray:
    """MI as published (arXiv 2602.13066), on one layer of features: (queries, training), NaN where undefined.

    Features are ZCA-whitened on the training cohort, W = (C + 1e-6 I)^(-1/2), and normalised; similarities are
    scaled by mean and standard deviation of the nearest similarities between halves of the training cohort (10
    bootstraps). With several layers a geometric mean is taken, so a similarity below zero has no index. Here every pair
    gets an index, and features may outnumber volumes; the rule itself is
    `napari_relict.calibration.rules.memorization_index`, which refuses then.
    """
    whiten = zca(training)
    b = whiten(training)
    own = cosine(b, b)
    rng, nulls = np.random.default_rng(seed), []
    for _ in range(10):
        order = rng.permutation(len(training))
        one, other = order[: len(order) // 2], order[len(order) // 2 :]
        nulls.append(own[np.ix_(one, other)].max(1))
    pooled = np.concatenate(nulls)
    similarity = cosine(whiten(queries), b)
    return np.where(similarity > 0, (similarity - pooled.mean()) / max(float(pooled.std()), 1e-12), np.nan)


Similarity = Callable[[np.ndarray, np.ndarray], np.ndarray]
ON_VOXELS: Mapping[str, Similarity] = {
    "raw NCC": ncc,
    "NCC, queries turned": rotated_ncc,
    "raw SSIM": ssim_of_all,
    "calibrated l2": calibrated_l2,
}
ON_FEATURES: Mapping[str, Similarity] = {"deep-feature cosine": cosine, "MI as published": memorization_index}


def _standardised(volumes: np.ndarray) -> np.ndarray:
    rows = volumes.reshape(len(volumes), -1).astype(np.float32)
    rows = rows - rows.mean(1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
