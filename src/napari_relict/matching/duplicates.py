"""Volumes that stand twice in the data: inside the training cohort, and in both training and holdout.

They come first in every report: a training volume that exists twice is more likely to be memorised, and a
holdout volume that is also a training volume makes every p-value too large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np

from napari_relict.jobs.executors import Workforce, workforce
from napari_relict.jobs.progress import Progress, silent
from napari_relict.matching.exact_top_k import ExactScores
from napari_relict.matching.part_cache import PartCache
from napari_relict.matching.tables import compare_all, queries_at_once, unheard
from napari_relict.volumes.cohort import PreparedCohort

PART = 8192  # training volumes of a part, where one machine does them one after the other


@dataclass(frozen=True)
class Duplicate:
    """A volume of `cohort` that looks like a copy of the training volume `training`.

    Attributes
    ----------
    same_voxels : stored voxels are equal, bit for bit.
    same_patient : both belong to one patient, so the likeness may be a second scan.
    """

    cohort: str
    volume: str
    training: str
    ncc: float
    mirrored: bool
    same_voxels: bool
    same_patient: bool


@dataclass(frozen=True)
class _Part:
    """A block of a cohort and a run of training volumes to compare it with; travels to the worker.

    Attributes
    ----------
    volumes, others : places in the names of `cohort` and of `training`.
    first : where the runs of this block begin.
    """

    cohort: PreparedCohort
    volumes: range
    training: PreparedCohort
    others: range
    first: int
    smallest_ncc: float
    device: str

    @property
    def within(self) -> bool:
        """The training cohort is compared with itself."""
        return self.cohort.cohort == self.training.cohort

    def done(self, compared: int) -> int:
        """Volumes of the cohort that are as good as finished when so many of `others` were compared."""
        compared += self.others.start - self.first
        return self.volumes.start + len(self.volumes) * compared // (len(self.training) - self.first)


@dataclass(frozen=True)
class _Pair:
    """Two places, and the exact NCC as they are and mirrored."""

    volume: int
    training: int
    straight: float
    flipped: float

    @property
    def ncc(self) -> float:
        return max(self.straight, self.flipped)


def find_duplicates(
    training: PreparedCohort,
    others: Sequence[PreparedCohort],
    patients: Mapping[tuple[str, str], str],
    smallest_ncc: float,
    *,
    device: str = "cpu",
    force: Workforce | None = None,
    parts: PartCache | None = None,
    progress: Progress = silent,
) -> list[Duplicate]:
    """Pairs with equal stored voxels, or with NCC (as it is or mirrored) of at least `smallest_ncc`; NCC is exact.

    Parameters
    ----------
    device : where the product is made, `cpu` or `cuda`.
    force : a cluster's workers compare parts of the training cohort; this machine when None. The result is the same.
    parts : keeps what was looked at while the look goes on; None keeps nothing.
    """
    found: list[Duplicate] = []
    with nullcontext(force) if force else workforce() as crew:
        for cohort in (training, *others):
            for part, pairs in _looked(cohort, training, smallest_ncc, device, crew, parts, progress):
                found += [_duplicate(part, pair, patients) for pair in pairs]
    return sorted(found, key=lambda one: (-one.same_voxels, -one.ncc, one.cohort, one.volume, one.training))


def _looked(
    cohort: PreparedCohort,
    training: PreparedCohort,
    smallest_ncc: float,
    device: str,
    crew: Workforce,
    cache: PartCache | None,
    progress: Progress,
) -> Iterator[tuple[_Part, list[_Pair]]]:
    """Every part with what is in it: one after the other here, side by side on a cluster."""
    block = queries_at_once(training, 0)
    # Each is kept once it is done: here a part takes minutes.
    size = -(-len(training) // (2 * crew.count)) if crew.remote else PART
    parts = [
        _Part(cohort, volumes, training, range(begin, min(begin + size, len(training))), first, smallest_ncc, device)
        for start in range(0, len(cohort), block)
        for volumes in [range(start, min(start + block, len(cohort)))]
        for first in [start if cohort is training else 0]  # each pair once
        for begin in range(first, len(training), size)
    ]
    keys = [_key(cache, part) if cache else "" for part in parts]
    kept = [cache.get(key) if cache else None for key in keys]
    missing = [part for part, found in zip(parts, kept, strict=True) if found is None]

    def told(part: _Part, compared: int) -> None:
        progress(f"duplicates, {cohort.cohort}", part.done(compared), len(cohort))

    if crew.remote:
        looked = crew.in_order(_look, missing)
    else:
        looked = (_look(part, partial(told, part)) for part in missing)
    for part, key, found in zip(parts, keys, kept, strict=True):
        if found is not None:
            yield part, _unpacked(found)
        else:
            pairs = next(looked)
            if cache:
                cache.put(key, _packed(pairs))
            yield part, pairs
        told(part, len(part.others))


def _key(cache: PartCache, part: _Part) -> str:
    def held(cohort: PreparedCohort, places: range) -> list[tuple[str, str]]:
        return [(row.content, row.voxels) for row in (cohort.rows[cohort.names[place]] for place in places)]

    where = (part.volumes.start, part.others.start, part.within)
    return cache.key(
        "duplicates", held(part.cohort, part.volumes), held(part.training, part.others), where, part.smallest_ncc,
        part.device,
    )  # fmt: skip


def _packed(pairs: Sequence[_Pair]) -> dict[str, np.ndarray]:
    return {
        "places": np.array([(pair.volume, pair.training) for pair in pairs], np.int64).reshape(-1, 2),
        "ncc": np.array([(pair.straight, pair.flipped) for pair in pairs], np.float64).reshape(-1, 2),
    }


def _unpacked(arrays: Mapping[str, np.ndarray]) -> list[_Pair]:
    return [_Pair(*place, *ncc) for place, ncc in zip(arrays["places"].tolist(), arrays["ncc"].tolist(), strict=True)]


def _look(part: _Part, report: Callable[[int], None] = unheard) -> list[_Pair]:
    """The pairs of one part that are duplicates by their exact NCC or their stored voxels."""
    names = part.cohort.names[part.volumes.start : part.volumes.stop]
    others = part.training.names[part.others.start : part.others.stop]
    equal: dict[str, set[int]] = {}
    for place, other in zip(part.others, others, strict=True):
        equal.setdefault(part.training.rows[other].voxels, set()).add(place)
    same = [equal.get(part.cohort.rows[name].voxels, set()) for name in names]
    near = [set(places) for places in same]
    for here, _, alike in compare_all(part.cohort, names, part.training, others=others, device=part.device):
        for row, column in np.argwhere(alike.ncc + alike.ncc_bound >= part.smallest_ncc):
            near[int(row)].add(part.others.start + here.start + int(column))
        report(here.stop)
    found: list[_Pair] = []
    for row, volume in enumerate(part.volumes):
        places = sorted(place for place in near[row] if not part.within or place > volume)
        if not places:
            continue
        exact = ExactScores(part.cohort, names[row], part.training)
        pairs = [_Pair(volume, place, *exact.ncc(place)) for place in places]
        found += [pair for pair in pairs if pair.training in same[row] or pair.ncc >= part.smallest_ncc]
    return found


def _duplicate(part: _Part, pair: _Pair, patients: Mapping[tuple[str, str], str]) -> Duplicate:
    volume, other = part.cohort.names[pair.volume], part.training.names[pair.training]
    return Duplicate(
        part.cohort.cohort,
        volume,
        other,
        pair.ncc,
        mirrored=pair.flipped > pair.straight,
        same_voxels=part.cohort.rows[volume].voxels == part.training.rows[other].voxels,
        same_patient=patients[(part.cohort.cohort, volume)] == patients[("training", other)],
    )
