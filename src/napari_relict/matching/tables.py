"""Scores of a block of query volumes against every training volume, at every level and in both mirror states."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from napari_relict.jobs.executors import workers
from napari_relict.matching.mirror_decomposition import Folded, shared_of
from napari_relict.matching.pairwise_ncc import Comparer, Comparison, Kind, choose_kind, multipliers, precision_of
from napari_relict.measures import Measure
from napari_relict.measures.segmentation import (
    PackedLabels,
    dice_per_label,
    mean_dice,
    pack_labels,
    volume_difference,
)
from napari_relict.volumes.cohort import PreparedCohort, mirror_labels

BLOCK_BYTES = 1 << 28  # of the training volumes that are compared at a time; the next ones are read meanwhile
BLOCK_ROWS = 256
QUERY_BYTES = 1 << 32  # of the queries at hand, where the machine has eight times as much
QUERY_ROWS = 1024
SCORE_BYTES = 100  # of one pair, while the columns are put together


def unheard(compared: int) -> None:
    """Takes reports of how many training volumes were compared, and says nothing."""


@dataclass(frozen=True)
class Scores:
    """Of a block of queries with every training volume; arrays are (queries, training).

    Attributes
    ----------
    columns : float64 by measure name, NaN where undefined.
    mirrored : bool, compared mirrored.
    ncc_bound, mse_bound : float64, no farther than this are NCC and MSE from their exact values.
    doubtful : bool, NCC is so alike in both mirror states that the exact one may prefer the other.
    """

    columns: dict[str, np.ndarray]
    mirrored: np.ndarray
    ncc_bound: np.ndarray
    mse_bound: np.ndarray
    doubtful: np.ndarray


def queries_at_once(training: PreparedCohort, labels: int) -> int:
    """How many queries one pass through the training cohort serves: as many as memory has room for."""
    voxels = int(np.prod(training.grid.shape))
    # Voxels in float32; one bit a label, as it is, mirrored and exchanged; a row of scores with its bounds.
    bytes_a_query = voxels * (4 + 3 * labels / 8) + SCORE_BYTES * len(training)
    return int(max(1, min(QUERY_ROWS, min(QUERY_BYTES, _memory() / 8) / bytes_a_query)))


def _memory() -> float:
    """Bytes of this machine; a guess where it does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):  # Windows
        return 2.0**33


def score_block(
    cohort: PreparedCohort,
    names: Sequence[str],
    training: PreparedCohort,
    measures: Sequence[Measure],
    labels: Sequence[int],
    sides: Mapping[int, int],
    *,
    others: Sequence[str] | None = None,
    device: str = "cpu",
    kind: Kind | None = None,
    report: Callable[[int], None] = unheard,
) -> Scores:
    """Voxel and segmentation measures of each named volume with every training volume.

    Each pair is compared as it is and with the query mirrored; the state with the higher NCC counts, for all
    measures alike, so that a row of scores speaks of one and the same comparison.

    Parameters
    ----------
    labels : label values to compare, without 0.
    sides : labels that exchange their places in a mirror (see `paired_sides`).
    others : training volumes to compare with; without it, all.
    device : where the product is made, `cpu` or `cuda`.
    kind : of product; without it, the fastest here.
    report : is told after each block how many training volumes were compared, and may raise.
    """
    maps = cohort.labels(names) if labels else np.zeros((len(names), 1, 1, 1), np.uint16)
    segmented = [pack_labels(maps, labels), pack_labels(maps[..., ::-1], labels)] if labels else []
    if segmented and sides:
        segmented.append(pack_labels(mirror_labels(maps, sides), labels))
    del maps
    wanted = {measure.name for measure in measures}
    columns: dict[str, list[np.ndarray]] = {}
    found: list[Comparison] = []
    for here, block, voxel in compare_all(cohort, names, training, others=others, device=device, kind=kind):
        found.append(voxel)
        alike = [{"ncc": voxel.ncc, "mse": voxel.mse}] * 2  # of the nearer state already
        both = [alike, *([_segmentation(segmented, pack_labels(training.labels(block), labels))] if segmented else [])]
        for as_is, mirrored in both:
            for name in as_is.keys() & wanted:
                columns.setdefault(name, []).append(np.where(voxel.mirrored, mirrored[name], as_is[name]))
        report(here.stop)
    scores = {name: np.concatenate(parts, axis=1) for name, parts in columns.items()}
    for name in ("dice", "volume_difference"):
        if name in scores:
            scores[name][[not cohort.rows[one].has_labels for one in names]] = np.nan
            scores[name][:, [not training.rows[one].has_labels for one in others or training.names]] = np.nan
    fields = ("mirrored", "ncc_bound", "mse_bound", "doubtful")
    return Scores(scores, *(np.concatenate([getattr(one, name) for one in found], axis=1) for name in fields))


def compare_all(
    cohort: PreparedCohort,
    names: Sequence[str],
    training: PreparedCohort,
    *,
    others: Sequence[str] | None = None,
    device: str = "cpu",
    kind: Kind | None = None,
) -> Iterator[tuple[slice, list[str], Comparison]]:
    """NCC and MSE of the named volumes with all training volumes, a block of these at a time, in their order.

    Blocks are read and folded while the one before is multiplied; memory holds the queries and two blocks.

    Parameters
    ----------
    others : training volumes to compare with; without it, all.

    Yields
    ------
    Which of the training volumes, their names, and the comparison.
    """
    others = training.names if others is None else others
    shape, voxels = training.grid.shape, int(np.prod(training.grid.shape))
    kind = kind or choose_kind(len(names), len(others), voxels, device)
    precision, shared = precision_of(kind), shared_of(training)
    size = int(max(1, min(BLOCK_ROWS, len(others), BLOCK_BYTES // (voxels * (2 if precision == "bfloat16" else 4)))))
    blocks = [list(others[start : start + size]) for start in range(0, len(others), size)]
    with multipliers(kind) as crew, ThreadPoolExecutor(workers()) as pool:
        queries = Folded(shape, len(names), precision, shared)
        waiting = queries.fill(cohort, names, pool)
        buffers = [Folded(shape, size, precision, shared) for _ in blocks[:2]]
        ahead = buffers[0].fill(training, blocks[0], pool)
        for one in waiting:
            one.result()
        comparer = Comparer(queries, kind, crew, device)
        for number, block in enumerate(blocks):
            for one in ahead:
                one.result()
            if number + 1 < len(blocks):
                ahead = buffers[(number + 1) % 2].fill(training, blocks[number + 1], pool)
            start = number * size
            yield slice(start, start + len(block)), block, comparer(buffers[number % 2])


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
