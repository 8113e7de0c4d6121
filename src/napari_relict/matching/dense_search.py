"""The dense part of the search: a block of queries against the whole training cohort, part by part.

A part is a run of training volumes. Each is kept on the disk once it is scored, so that a stopped search goes on with
the next one; on a cluster parts go to the workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from napari_relict.jobs.executors import Workforce
from napari_relict.matching.half_search import BLOCK, HalfNorms, HalfScores, half_scores, joined, nothing
from napari_relict.matching.keypoint_search import Votes, nearer, votes_of
from napari_relict.matching.part_cache import PartCache
from napari_relict.matching.tables import BLOCK_ROWS, Scores, score_block
from napari_relict.measures import Measure
from napari_relict.volumes.cohort import PreparedCohort
from napari_relict.volumes.halves import HalfLayout

Report = Callable[[str, float], None]  # stage, and the share of the block's work in it that is done
PART = 32 * BLOCK_ROWS  # training volumes of a part, here: minutes of work
OF_SCORES = ("mirrored", "ncc_bound", "mse_bound", "doubtful")
OF_HALVES = ("score", "half", "mirrored")
OF_VOTES = ("places", "where", "distance", "number")

Part = tuple[Scores, HalfScores, list[Votes]]


@dataclass(frozen=True)
class Owners:
    """Numbers of the patients of all queries at hand and of all training volumes; equal ones are never a match."""

    queries: np.ndarray
    training: np.ndarray


@dataclass(frozen=True)
class Shard:
    """A block of queries and a part of the training cohort; travels to the worker.

    Attributes
    ----------
    keypoints : None leaves them out.
    first : place of the first of `others` in the training cohort.
    """

    cohort: PreparedCohort
    names: Sequence[str]
    training: PreparedCohort
    others: Sequence[str]
    measures: Sequence[Measure]
    labels: Sequence[int]
    sides: Mapping[int, int]
    layout: HalfLayout | None
    norms: HalfNorms | None
    keypoints: Owners | None
    first: int
    device: str


def numbered(
    patients: Mapping[tuple[str, str], str], cohort: PreparedCohort, names: Sequence[str], owners: np.ndarray
) -> Owners:
    known, training = np.unique(owners, return_inverse=True)
    numbers = {patient: number for number, patient in enumerate(known.tolist())}
    return Owners(np.array([numbers.get(patients[(cohort.cohort, name)], -1) for name in names]), training)


def search_block(shard: Shard, crew: Workforce, cache: PartCache | None, report: Report) -> Part:
    """Scores of the block with every training volume; parts that an earlier run kept are not scored again.

    Parameters
    ----------
    shard : the block, with the whole training cohort as `others`.
    """
    count = len(shard.others)
    # Whole blocks: every product has the shape it has in one go, and so the same last digit.
    size = BLOCK * max(1, -(-count // (2 * crew.count * BLOCK))) if crew.remote else PART
    shards = [replace(shard, others=shard.others[at : at + size], first=at) for at in range(0, count, size)]
    keys = [_key(cache, one) if cache else "" for one in shards]
    parts = [_unpacked(cache.get(key)) if cache else None for key in keys]
    missing = [place for place, part in enumerate(parts) if part is None]
    if crew.remote:
        scored = crew.in_order(score_shard, [shards[place] for place in missing])
    else:
        scored = (score_shard(shards[place], _of_whole(report, shards[place], count)) for place in missing)
    for place, part in zip(missing, scored, strict=True):
        parts[place] = part
        if cache:
            cache.put(keys[place], _packed(part))
        if crew.remote:
            report("search", (place + 1) / len(shards))
    scores, halves, votes = (list(found) for found in zip(*(part for part in parts if part), strict=True))
    return _side_by_side(scores), joined(halves), [reduce(nearer, of_query) for of_query in zip(*votes, strict=True)]


def _of_whole(report: Report, shard: Shard, count: int) -> Report:
    """Shares of a part, told as shares of the whole."""
    return lambda stage, share: report(stage, (shard.first + share * len(shard.others)) / count)


def _key(cache: PartCache, shard: Shard) -> str:
    """Everything that the scores depend on: volumes by what they hold and how they were prepared."""

    def held(cohort: PreparedCohort, names: Sequence[str]) -> list[tuple[str, str]]:
        return [(cohort.rows[name].content, cohort.rows[name].stamp) for name in names]

    people = shard.keypoints
    norms = None if shard.norms is None else [getattr(shard.norms, one) for one in vars(shard.norms)]
    return cache.key(
        "search",
        held(shard.cohort, shard.names),
        held(shard.training, shard.others),
        [measure.name for measure in shard.measures if measure.searched],
        list(shard.labels),
        sorted(shard.sides.items()),
        norms,
        None if people is None else [people.queries, people.training],
        shard.first,
        shard.device,
    )


def _packed(part: Part) -> dict[str, np.ndarray]:
    scores, halves, votes = part
    arrays = {f"column {name}": values for name, values in scores.columns.items()}
    arrays |= {f"scores {name}": getattr(scores, name) for name in OF_SCORES}
    arrays |= {f"halves {name}": getattr(halves, name) for name in OF_HALVES}
    for number, one in enumerate(votes):
        arrays |= {f"votes {number} {name}": getattr(one, name) for name in OF_VOTES}
    return arrays


def _unpacked(arrays: Mapping[str, np.ndarray] | None) -> Part | None:
    if arrays is None:
        return None
    columns = {name.removeprefix("column "): values for name, values in arrays.items() if name.startswith("column ")}
    scores = Scores(columns, *(arrays[f"scores {name}"] for name in OF_SCORES))
    halves = HalfScores(*(arrays[f"halves {name}"] for name in OF_HALVES))
    queries = sum(name.startswith("votes ") for name in arrays) // len(OF_VOTES)
    votes = [Votes(*(arrays[f"votes {number} {name}"] for name in OF_VOTES)) for number in range(queries)]
    return scores, halves, votes


def score_shard(shard: Shard, report: Report = lambda stage, share: None) -> Part:
    """Scores of the shard's queries with its training volumes."""
    count = len(shard.others)
    scores = score_block(
        shard.cohort,
        shard.names,
        shard.training,
        [measure for measure in shard.measures if measure.searched],
        shard.labels,
        shard.sides,
        others=shard.others,
        device=shard.device,
        report=lambda compared: report("search", compared / count),
    )
    halves, votes = nothing(len(shard.names), count), []
    if shard.layout is not None and shard.norms is not None:
        halves = half_scores(
            shard.cohort,
            shard.names,
            shard.training,
            shard.others,
            shard.layout,
            shard.norms,
            report=lambda compared: report("search halves", compared / count),
        )
    if shard.keypoints is not None:
        owners = shard.keypoints.training[shard.first : shard.first + count]
        votes = votes_of(
            shard.cohort, shard.names, shard.keypoints.queries, shard.training, shard.others, owners, shard.first,
            report=lambda compared: report("search regions", compared / count),
        )  # fmt: skip
    return scores, halves, votes


def _side_by_side(parts: Sequence[Scores]) -> Scores:
    fields: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts], axis=1)
        for name in ("mirrored", "ncc_bound", "mse_bound", "doubtful")
    }
    columns = {name: np.concatenate([part.columns[name] for part in parts], axis=1) for name in parts[0].columns}
    return Scores(columns, **fields)
