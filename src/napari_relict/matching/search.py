"""For each synthetic volume the nearest training volumes, at three levels; the same for every holdout volume.

Every volume lies in one pose, so all pairs are compared there by dense algebra; only the nearest candidates are then
registered pair by pair and compared with measures that need it. Queries go through in blocks and the training
cohort is streamed past each block, so memory holds one block of queries, two of training volumes and one row of
scores a query, whatever the size of the training cohort.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from napari_relict.encoders import EmbeddingCache, Encoder, embed
from napari_relict.jobs.executors import Workforce, workforce
from napari_relict.jobs.progress import Progress, silent
from napari_relict.matching.candidates import Found, Nearest, PairScores, Rows, candidates_of, nearest_of
from napari_relict.matching.dense_search import Report, Shard, numbered, search_block
from napari_relict.matching.half_search import half_norms
from napari_relict.matching.pairwise_alignment import Task, Verified, verify
from napari_relict.matching.part_cache import PartCache
from napari_relict.matching.regions import regions_of
from napari_relict.matching.registered_search import registered_scores
from napari_relict.matching.tables import queries_at_once
from napari_relict.matching.verified_cache import VerifiedCache
from napari_relict.measures import Measure
from napari_relict.measures.feature import centre_of, cosine
from napari_relict.measures.registration import Alignment, Engine
from napari_relict.measures.segmentation import pack_labels, paired_sides
from napari_relict.volumes.cohort import PreparedCohort
from napari_relict.volumes.halves import HalfLayout

SIDES_FROM = 6  # training volumes that tell which labels are left and right of each other


@dataclass(frozen=True)
class Cohorts:
    """What is compared.

    Attributes
    ----------
    queries : synthetic, and what the null is made of: holdout, and training against itself.
    patients : (cohort, volume) -> patient; a training volume of the query's own patient is never its match.
    layout : of the halves that were posed; None when none were.
    same_person : pairs of training volumes, of different patients by name, that are duplicates of each other.
    """

    training: PreparedCohort
    queries: Sequence[PreparedCohort]
    patients: Mapping[tuple[str, str], str]
    layout: HalfLayout | None = None
    same_person: Sequence[tuple[str, str]] = ()

    def persons(self) -> np.ndarray:
        """Whose each training volume is, with patients that share duplicates taken for one: int (training,)."""
        names = self.training.names
        patients = list(dict.fromkeys(self.patients["training", name] for name in names))
        number = {patient: place for place, patient in enumerate(patients)}
        of_volume = np.array([number[self.patients["training", name]] for name in names])
        place = {name: at for at, name in enumerate(names)}
        ends = [[of_volume[place[one]] for one in pair] for pair in self.same_person]
        rows, columns = np.array(ends, int).reshape(-1, 2).T
        links = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(patients),) * 2)
        return np.asarray(connected_components(links, directed=False)[1][of_volume])

    @property
    def have_keypoints(self) -> bool:
        return all(row.keypoints >= 0 for one in (self.training, *self.queries) for row in one.rows.values())


@dataclass(frozen=True)
class Depth:
    """How far the search goes.

    Attributes
    ----------
    top : patients kept for each query and searched measure; each by its nearest volume, so that one patient's
        many scans do not fill the list.
    verify : of these, how many of the leading measures are aligned pair by pair.
    alignment : the transform of that alignment.
    tolerance_mm : of surface Dice.
    deformable : bend each aligned pair a little before it is compared.
    engine : of that alignment.
    """

    top: int = 5
    verify: int = 2
    alignment: Alignment = "similarity"
    tolerance_mm: float = 2.0
    deformable: bool = False
    engine: Engine = "gauss-newton"


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
    depth: Depth,
    *,
    verified: VerifiedCache | None = None,
    parts: PartCache | None = None,
    device: str = "cpu",
    force: Workforce | None = None,
    progress: Progress = silent,
) -> MatchResult:
    """Compare every query with every training volume and keep the nearest.

    Parameters
    ----------
    preparation : key of the prepared cohorts, for the embedding cache.
    verified : keeps what aligned pairs gave, for the next run; None keeps nothing.
    parts : likewise, parts of the search while it goes on.
    device : `cuda` for the products of the search; alignment stays on the CPU.
    force : who searches and verifies; this machine's threads when None. The result is the same.

    Returns
    -------
    Pairs of all queries (candidates of any measure), with level ranks counted in patients (1 = nearest); and
    the nearest training volume of each query by each measure.
    """
    training = cohorts.training
    segmented = any(measure.level == "segmentation" for measure in measures)
    labels = _labels_of([training, *cohorts.queries]) if segmented else []
    sides = _sides_of(training, labels)
    vectors = {
        encoder.name: embed(encoder, training, training.names, cache, preparation, progress=progress)
        for encoder in encoders
    }
    owners = np.array([cohorts.patients[("training", name)] for name in training.names])
    persons = cohorts.persons()
    layout = cohorts.layout if any(measure.name in ("half", "half_ncc") for measure in measures) else None
    norms = half_norms(training, list(owners), layout) if layout else None
    by_keypoints = cohorts.have_keypoints and any(measure.name in ("region", "region_ncc") for measure in measures)
    result = MatchResult([], [], sides)
    done, total = 0, sum(len(cohort) for cohort in cohorts.queries)
    with nullcontext(force) if force else workforce() as crew:
        for cohort in cohorts.queries:
            for names in cohort.blocks(queries_at_once(training, len(labels))):
                people = numbered(cohorts.patients, cohort, names, owners) if by_keypoints else None
                shard = Shard(
                    cohort, names, training, training.names, measures, labels, sides, layout, norms, people, 0, device
                )
                told = partial(_told, progress, done, len(names), total)
                scores, halves, votes = search_block(shard, crew, parts, told)
                if any(measure.name == "registered" for measure in measures):
                    scores.columns["registered"] = registered_scores(cohort, names, training, crew, told, device)
                regions = list(crew.in_order(partial(regions_of, grid=training.grid), votes))
                for encoder in encoders:
                    scores.columns[encoder.name] = _feature(
                        encoder, cohort, names, vectors[encoder.name], scores.mirrored, cache, preparation, progress
                    )
                rows = Rows(cohorts.patients, owners, persons, cohort, training, names, scores, halves, regions)
                _verify_block(rows, measures, labels, sides, depth, layout, crew, verified, result, told)
                done += len(names)
    return result


def _told(progress: Progress, done: int, names: int, total: int, stage: str, share: float) -> None:
    """Part of a block of queries counts as so many queries."""
    progress(stage, done + round(share * names), total)


def _feature(
    encoder: Encoder,
    cohort: PreparedCohort,
    names: Sequence[str],
    training: np.ndarray,
    mirrored: np.ndarray,
    cache: EmbeddingCache,
    preparation: str,
    progress: Progress,
) -> np.ndarray:
    """Cosines (names, training) in the mirror state that each pair is compared in."""
    centre = centre_of(training, encoder.centred)
    as_is, flipped = (
        cosine(embed(encoder, cohort, names, cache, preparation, mirrored=flip, progress=progress), training, centre)
        for flip in (False, True)
    )
    return np.where(mirrored, flipped, as_is)


def _verify_block(
    rows: Rows,
    measures: Sequence[Measure],
    labels: Sequence[int],
    sides: Mapping[int, int],
    depth: Depth,
    layout: HalfLayout | None,
    crew: Workforce,
    cache: VerifiedCache | None,
    result: MatchResult,
    report: Report,
) -> None:
    """Choose each query's candidates, align the leading ones, and add what was found to the result."""
    aligned = [measure.name for measure in measures if not measure.searched]
    chosen: list[tuple[Found, str | None]] = []  # with the key to keep the answer by

    def tasks() -> Iterator[Task | list[Verified]]:
        for number in range(len(rows.names)):
            found = candidates_of(rows, number, measures, labels, sides, depth.top, depth.verify if aligned else 0)
            task = Task(
                rows.cohort,
                found.query,
                rows.training,
                found.candidates(layout is not None),
                aligned,
                labels,
                sides,
                depth.alignment,
                depth.tolerance_mm,
                bool({"bend", "lesion"} & set(aligned)),
                depth.deformable,
                depth.engine,
            )
            key = cache.key(task) if cache and task.candidates else None
            kept = cache.get(key) if cache and key else None
            chosen.append((found, key if kept is None else None))
            yield task if kept is None else kept

    for number, verified in enumerate(crew.in_order(_verified, tasks()), start=1):
        found, key = chosen[number - 1]
        if cache and key:
            cache.put(key, verified)
        for pair, one in zip(found.verified, verified, strict=True):
            pair.scores |= one.scores
            pair.alignment, pair.part, pair.region = one.alignment, one.part, one.region
            pair.mirrored, pair.inverted = one.mirrored, one.inverted
            if one.change is not None:
                pair.changed_at = one.change.where
        result.pairs += found.pairs
        result.nearest += nearest_of(found, rows, measures)
        report("align and verify", number / len(rows.names))


def _verified(task: Task | list[Verified]) -> list[Verified]:
    """What an earlier run found, or else what is found now."""
    return verify(task) if isinstance(task, Task) else task


def _labels_of(cohorts: Sequence[PreparedCohort]) -> list[int]:
    """All label values of the cohorts' segmentations, without 0."""
    return sorted({label for cohort in cohorts for row in cohort.rows.values() for label in row.labels})


def _sides_of(training: PreparedCohort, labels: Sequence[int]) -> dict[int, int]:
    names = training.with_labels()[:SIDES_FROM]
    if not labels or not names:
        return {}
    maps = training.labels(names)
    return paired_sides(pack_labels(maps, labels), pack_labels(maps[..., ::-1], labels), labels)
