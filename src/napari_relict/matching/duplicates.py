"""Volumes that stand twice in the data: inside the training cohort, and in both training and holdout.

They come first in every report: a training volume that exists twice is more likely to be memorised, and a
holdout volume that is also a training volume makes every p-value too large.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_relict.matching.folding import shared_of
from napari_relict.matching.settling import ExactScores
from napari_relict.matching.tables import compare_all, queries_at_once
from napari_relict.progress import Progress, silent
from napari_relict.volumes.cohort import PreparedCohort


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


def find_duplicates(
    training: PreparedCohort,
    others: Sequence[PreparedCohort],
    patients: Mapping[tuple[str, str], str],
    smallest_ncc: float,
    progress: Progress = silent,
) -> list[Duplicate]:
    """Pairs with equal stored voxels, or with NCC (as it is or mirrored) of at least `smallest_ncc`; NCC is exact."""
    found: list[Duplicate] = []
    shared = shared_of(training)
    places = {name: place for place, name in enumerate(training.names)}
    equal: dict[str, set[int]] = {}  # training volumes with the same stored voxels
    for name, place in places.items():
        equal.setdefault(training.rows[name].voxels, set()).add(place)
    for cohort in (training, *others):
        done = 0
        for names in cohort.blocks(queries_at_once(training, 0)):
            first = places[names[0]] if cohort is training else 0  # each pair once
            near: dict[int, set[int]] = {row: set() for row in range(len(names))}
            for here, _, alike in compare_all(cohort, names, training, others=training.names[first:], shared=shared):
                for row, column in np.argwhere(alike.ncc + alike.ncc_bound >= smallest_ncc):
                    near[int(row)].add(first + here.start + int(column))
                progress(f"duplicates, {cohort.cohort}", done, len(cohort))
            for row, name in enumerate(names):
                same = equal.get(cohort.rows[name].voxels, set())
                places_left = {place for place in same | near[row] if cohort is not training or place > first + row}
                found += _exactly(cohort, name, training, places_left, same, patients, smallest_ncc)
            done += len(names)
            progress(f"duplicates, {cohort.cohort}", done, len(cohort))
    return sorted(found, key=lambda one: (-one.same_voxels, -one.ncc))


def _exactly(
    cohort: PreparedCohort,
    name: str,
    training: PreparedCohort,
    places: set[int],
    same: set[int],
    patients: Mapping[tuple[str, str], str],
    smallest_ncc: float,
) -> Iterator[Duplicate]:
    """Those of the training volumes at `places` that are duplicates of the named volume by their exact NCC."""
    if not places:
        return
    exact = ExactScores(cohort, name, training)
    for place in sorted(places):
        straight, flipped = exact.ncc(place)
        if place in same or max(straight, flipped) >= smallest_ncc:
            other = training.names[place]
            own = patients[(cohort.cohort, name)] == patients[("training", other)]
            ncc = max(straight, flipped)
            yield Duplicate(cohort.cohort, name, other, ncc, flipped > straight, place in same, own)
