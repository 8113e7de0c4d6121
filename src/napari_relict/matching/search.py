"""For each synthetic volume the nearest training volumes, at three levels; the same for every holdout volume.

Queries go through in blocks and the training cohort is streamed past each block, so memory holds one block of
queries, a handful of training volumes and one row of scores a query, whatever the size of the training cohort.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from napari_relict.encoders import EmbeddingCache, Encoder, embed
from napari_relict.matching.tables import Embeddings, score_block
from napari_relict.measures import Measure
from napari_relict.measures.feature import centre_of
from napari_relict.measures.registry import Level, primaries
from napari_relict.measures.segmentation import dice_per_label, mean_dice, pack_labels, paired_sides
from napari_relict.measures.voxel import ssim
from napari_relict.progress import Progress, silent
from napari_relict.volumes.cohort import PreparedCohort, mirror_labels
from napari_relict.volumes.preparing import workers

QUERY_BYTES = 1 << 30  # of one block of queries, both mirror states
SIDES_FROM = 6  # training volumes that tell which labels are left and right of each other


@dataclass(frozen=True)
class Cohorts:
    """What is compared.

    Attributes
    ----------
    queries : synthetic, and what the null is made of: holdout, or training against itself.
    patients : (cohort, volume) -> patient; a training volume of the query's own patient is never its match.
    """

    training: PreparedCohort
    queries: Sequence[PreparedCohort]
    patients: Mapping[tuple[str, str], str]


@dataclass
class PairScores:
    """One query volume and one training volume."""

    cohort: str
    query: str
    training: str
    mirrored: bool
    level_ranks: dict[Level, int]
    scores: dict[str, float]
    label_dice: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Nearest:
    """The nearest training volume of one query by one measure."""

    cohort: str
    query: str
    measure: str
    training: str
    score: float


@dataclass
class MatchResult:
    pairs: list[PairScores]
    nearest: list[Nearest]
    sides: dict[int, int]  # labels that exchange their places in a mirror


def match_cohorts(
    cohorts: Cohorts,
    measures: Sequence[Measure],
    encoders: Sequence[Encoder],
    cache: EmbeddingCache,
    preparation: str,
    *,
    top: int,
    progress: Progress = silent,
) -> MatchResult:
    """Compare every query with every training volume and keep the nearest.

    Parameters
    ----------
    top : patients kept for each query and searched measure; each by its nearest volume, so that one patient's
        many scans do not fill the list.
    preparation : key of the prepared cohorts, for the embedding cache.

    Returns
    -------
    Pairs of all queries (candidates of any measure), with level ranks counted in patients (1 = nearest); and
    the nearest training volume of each query by each measure.
    """
    training = cohorts.training
    searched = [measure for measure in measures if measure.searched]
    labels = _labels_of([training, *cohorts.queries]) if any(m.level == "segmentation" for m in searched) else []
    sides = _sides_of(training, labels)
    vectors = {
        encoder.name: embed(encoder, training, training.names, cache, preparation, progress=progress)
        for encoder in encoders
    }
    centres = {name: centre_of(rows) for name, rows in vectors.items()}
    result = MatchResult([], [], sides)
    total = sum(len(cohort) for cohort in cohorts.queries)
    done = 0
    # Both mirror states of a query: float32 voxels, and one bit a label.
    bytes_a_query = 2 * int(np.prod(training.grid.shape)) * (4 + len(labels) / 8)
    size = max(1, min(64, int(QUERY_BYTES / bytes_a_query)))
    for cohort in cohorts.queries:
        for names in cohort.blocks(size):
            embeddings = {}
            for encoder in encoders:
                as_is = embed(encoder, cohort, names, cache, preparation, progress=progress)
                flipped = embed(encoder, cohort, names, cache, preparation, mirrored=True, progress=progress)
                embeddings[encoder.name] = Embeddings(vectors[encoder.name], as_is, flipped, centres[encoder.name])
            scores, mirrored = score_block(cohort, names, training, searched, labels, sides, embeddings)
            progress("search", done, total)
            with ThreadPoolExecutor(workers()) as pool:
                tasks = [
                    pool.submit(_one_query, cohorts, cohort, name, i, scores, mirrored, measures, labels, sides, top)
                    for i, name in enumerate(names)
                ]
                for task in tasks:
                    pairs, nearest = task.result()
                    result.pairs += pairs
                    result.nearest += nearest
                    done += 1
                    progress("search", done, total)
    return result


def _one_query(
    cohorts: Cohorts,
    cohort: PreparedCohort,
    name: str,
    row: int,
    scores: Mapping[str, np.ndarray],
    mirrored: np.ndarray,
    measures: Sequence[Measure],
    labels: Sequence[int],
    sides: Mapping[int, int],
    top: int,
) -> tuple[list[PairScores], list[Nearest]]:
    training = cohorts.training
    owners = np.array([cohorts.patients[("training", other)] for other in training.names])
    allowed = owners != cohorts.patients[(cohort.cohort, name)]
    orders: dict[str, np.ndarray] = {}
    candidates: set[int] = set()
    for measure in measures:
        if measure.name in scores:
            order = _by_patient(measure.closeness(scores[measure.name][row]), owners, allowed)
            orders[measure.name] = order
            candidates.update(order[:top].tolist())
    ranked_by = primaries(measures)
    query_image = cohort.images([name])[0]
    query_labels = cohort.labels([name]) if labels and cohort.rows[name].has_labels else None
    pairs = []
    for index in sorted(candidates):
        other, flip = training.names[index], bool(mirrored[row, index])
        pair = PairScores(cohort.cohort, name, other, flip, {}, {})
        for measure in measures:
            if measure.name in scores:
                pair.scores[measure.name] = float(scores[measure.name][row, index])
            elif measure.name == "ssim":
                image = query_image[..., ::-1] if flip else query_image
                pair.scores["ssim"] = ssim(np.ascontiguousarray(image), training.images([other])[0])
        for level, measure in ranked_by.items():
            if measure.name in orders:
                rank = _rank(orders[measure.name], owners, index)
                if rank is not None:
                    pair.level_ranks[level] = rank
        if query_labels is not None and training.rows[other].has_labels:
            maps = [query_labels[..., ::-1], mirror_labels(query_labels, sides)] if flip else [query_labels]
            packed = pack_labels(training.labels([other]), labels)
            dice = max(
                (dice_per_label(pack_labels(one, labels), packed) for one in maps),
                key=lambda found: float(np.nan_to_num(mean_dice(found))[0, 0]),
            )
            pair.label_dice = {
                label: float(value) for label, value in zip(labels, dice[0, 0], strict=True) if np.isfinite(value)
            }
        pairs.append(pair)
    return pairs, _nearest(cohort.cohort, name, row, scores, measures, orders, training.names, pairs)


def _nearest(
    cohort: str,
    name: str,
    row: int,
    scores: Mapping[str, np.ndarray],
    measures: Sequence[Measure],
    orders: Mapping[str, np.ndarray],
    names: Sequence[str],
    pairs: Sequence[PairScores],
) -> list[Nearest]:
    nearest = []
    for measure in measures:
        if measure.name in orders and len(orders[measure.name]):
            index = int(orders[measure.name][0])
            score = float(scores[measure.name][row, index])
            nearest.append(Nearest(cohort, name, measure.name, names[index], score))
        elif measure.name not in scores:
            known = [pair for pair in pairs if np.isfinite(pair.scores.get(measure.name, np.nan))]
            if known:
                values = np.array([pair.scores[measure.name] for pair in known])
                best = int(np.argmax(measure.closeness(values)))
                nearest.append(Nearest(cohort, name, measure.name, known[best].training, float(values[best])))
    return nearest


def _by_patient(closeness: np.ndarray, owners: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Training volumes from nearest to farthest, the nearest one of each patient only; NaN and own patient out."""
    usable = np.flatnonzero(allowed & np.isfinite(closeness))
    order = usable[np.argsort(-closeness[usable], kind="stable")]
    _, first = np.unique(owners[order], return_index=True)
    return order[np.sort(first)]


def _rank(order: np.ndarray, owners: np.ndarray, index: int) -> int | None:
    """Place of the volume's patient in `order`, from 1."""
    found = np.flatnonzero(owners[order] == owners[index])
    return int(found[0]) + 1 if found.size else None


def _labels_of(cohorts: Sequence[PreparedCohort]) -> list[int]:
    """All label values of the cohorts' segmentations, without 0."""
    return sorted({label for cohort in cohorts for row in cohort.rows.values() for label in row.labels})


def _sides_of(training: PreparedCohort, labels: Sequence[int]) -> dict[int, int]:
    names = training.with_labels()[:SIDES_FROM]
    if not labels or not names:
        return {}
    maps = training.labels(names)
    return paired_sides(pack_labels(maps, labels), pack_labels(maps[..., ::-1], labels), labels)
