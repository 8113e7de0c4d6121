"""Scores of a block of query volumes against every training volume, at every level and in both mirror states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_relict.measures import Measure
from napari_relict.measures.feature import cosine
from napari_relict.measures.segmentation import (
    PackedLabels,
    dice_per_label,
    mean_dice,
    pack_labels,
    volume_difference,
)
from napari_relict.measures.voxel import Standardised, ncc_and_mse, standardise
from napari_relict.volumes.cohort import PreparedCohort, mirror_labels

TRAINING_BLOCK = 16  # training volumes in memory at a time


@dataclass(frozen=True)
class Embeddings:
    """One encoder's vectors: of the training cohort, and of the queries as they are and mirrored."""

    training: np.ndarray
    queries: np.ndarray
    mirrored: np.ndarray
    centre: np.ndarray


def score_block(
    cohort: PreparedCohort,
    names: Sequence[str],
    training: PreparedCohort,
    measures: Sequence[Measure],
    labels: Sequence[int],
    sides: Mapping[int, int],
    embeddings: Mapping[str, Embeddings],
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Every searched measure of each named volume with every training volume.

    Each pair is compared as it is and with the query mirrored; the state with the higher NCC counts, for all
    measures alike, so that a row of scores speaks of one and the same comparison.

    Parameters
    ----------
    labels : label values to compare, without 0.
    sides : labels that exchange their places in a mirror (see `paired_sides`).
    embeddings : by encoder name; its query rows are those of `names`.

    Returns
    -------
    Scores by measure name, float64 (len(names), len(training)), NaN where undefined; and bool of the same shape:
    compared mirrored.
    """
    images = cohort.images(names)
    states = [standardise(images), standardise(images[..., ::-1])]
    maps = cohort.labels(names) if labels else np.zeros((len(names), 1, 1, 1), np.uint16)
    segmented = [pack_labels(maps, labels), pack_labels(maps[..., ::-1], labels)] if labels else []
    if segmented and sides:
        segmented.append(pack_labels(mirror_labels(maps, sides), labels))
    del images, maps
    wanted = {measure.name for measure in measures}
    columns: dict[str, list[np.ndarray]] = {}
    flips: list[np.ndarray] = []
    start = 0
    for block in training.blocks(TRAINING_BLOCK):
        here = slice(start, start + len(block))
        start += len(block)
        voxel = _voxel(states, standardise(training.images(block)))
        flipped = voxel[1]["ncc"] > voxel[0]["ncc"]
        both = [voxel]
        if segmented:
            both.append(_segmentation(segmented, pack_labels(training.labels(block), labels)))
        both += [_feature(name, vectors, here) for name, vectors in embeddings.items()]
        for as_is, mirrored in both:
            for name in as_is.keys() & wanted:
                columns.setdefault(name, []).append(np.where(flipped, mirrored[name], as_is[name]))
        flips.append(flipped)
    scores = {name: np.concatenate(parts, axis=1) for name, parts in columns.items()}
    for name in ("dice", "volume_difference"):
        if name in scores:
            _blank_unsegmented(scores[name], cohort, names, training)
    return scores, np.concatenate(flips, axis=1)


def _voxel(states: Iterable[Standardised], block: Standardised) -> list[dict[str, np.ndarray]]:
    return [dict(zip(("ncc", "mse"), ncc_and_mse(state, block), strict=True)) for state in states]


def _segmentation(states: Sequence[PackedLabels], block: PackedLabels) -> list[dict[str, np.ndarray]]:
    """As it is, and mirrored: with sided labels as stored or exchanged, whichever overlaps better."""
    as_is, mirrored, *exchanged = (
        {"dice": mean_dice(dice_per_label(state, block)), "volume_difference": volume_difference(state, block)}
        for state in states
    )
    for other in exchanged:
        better = other["dice"] > mirrored["dice"]
        mirrored = {name: np.where(better, other[name], mirrored[name]) for name in mirrored}
    return [as_is, mirrored]


def _feature(name: str, vectors: Embeddings, here: slice) -> list[dict[str, np.ndarray]]:
    return [
        {name: cosine(queries, vectors.training[here], vectors.centre)}
        for queries in (vectors.queries, vectors.mirrored)
    ]


def _blank_unsegmented(
    scores: np.ndarray, cohort: PreparedCohort, names: Sequence[str], training: PreparedCohort
) -> None:
    scores[[not cohort.rows[name].has_labels for name in names]] = np.nan
    scores[:, [not training.rows[name].has_labels for name in training.names]] = np.nan
