"""For every keypoint of the queries the training keypoint nearby that is described most alike, exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit

from napari_relict.jobs.executors import workers
from napari_relict.matching.tables import unheard
from napari_relict.volumes.cohort import PreparedCohort
from napari_relict.volumes.keypoints import CAPACITY, LENGTH, Keypoints

BLOCK = 64  # training volumes whose keypoints are compared at a time
REACH = 0.12  # how far apart poses may put the same place, as a share of the grid's mean side
NOBODY = np.iinfo(np.int64).max
THIRD = LENGTH // 3  # of a description: compared before a look at whether the rest matters


@dataclass(frozen=True)
class Votes:
    """Of one query, as it is and mirrored: whom each of its keypoints resembles most.

    Attributes
    ----------
    places, where : float32 (2, n, 3), voxels from the middle of the grid: of the keypoint, and of the training one.
    distance : int32 (2, n), squared, between their descriptions.
    number : int64 (2, n), the place of the training volume x CAPACITY + the keypoint's number there; `NOBODY` where
        none lies within reach. Of equally near ones the smallest, so that the order of looking does not matter.
    """

    places: np.ndarray
    where: np.ndarray
    distance: np.ndarray
    number: np.ndarray

    @property
    def volumes(self) -> np.ndarray:
        """int64 (2, n), places of the training volumes; -1 for nobody."""
        return np.where(self.number == NOBODY, -1, self.number // CAPACITY)


def nearer(one: Votes, other: Votes) -> Votes:
    """Of one query's votes among two parts of the training cohort, those among both."""
    better = (other.distance < one.distance) | ((other.distance == one.distance) & (other.number < one.number))
    return Votes(
        one.places,
        np.where(better[..., None], other.where, one.where),
        np.where(better, other.distance, one.distance),
        np.where(better, other.number, one.number),
    )


def votes_of(
    cohort: PreparedCohort,
    names: Sequence[str],
    own: np.ndarray,
    training: PreparedCohort,
    others: Sequence[str],
    owners: np.ndarray,
    first: int = 0,
    report: Callable[[int], None] = unheard,
) -> list[Votes]:
    """Votes of each named query among the training volumes `others`, a block of these in memory at a time.

    Parameters
    ----------
    own, owners : int64, number of each query's and of each other's patient; nobody's match is of the same patient.
    first : place of the first of `others` in the whole training cohort.
    report : told after each block how many of `others` were compared; may raise.
    """
    reach = REACH * float(np.mean(training.grid.shape))
    queries = [_states(cohort.keypoints(name)) for name in names]
    votes = [_nobody(states) for states in queries]
    with ThreadPoolExecutor(workers()) as pool:
        for start in range(0, len(others), BLOCK):
            some = slice(start, start + BLOCK)
            block = _Block([training.keypoints(name) for name in others[some]], owners[some], first + start, reach)
            list(pool.map(block.look, queries, votes, own.tolist()))
            report(min(start + BLOCK, len(others)))
    return votes


def _states(keypoints: Keypoints) -> tuple[Keypoints, Keypoints]:
    return keypoints, keypoints.mirrored()


def _nobody(states: tuple[Keypoints, Keypoints]) -> Votes:
    shape = (2, len(states[0]))
    places = np.stack([state.places for state in states])
    return Votes(
        places, np.zeros_like(places), np.full(shape, np.iinfo(np.int32).max, np.int32), np.full(shape, NOBODY)
    )


class _Block:
    """Keypoints of some training volumes: dark before bright ones, and those by the cell of the grid they lie in."""

    def __init__(self, volumes: Sequence[Keypoints], owners: np.ndarray, first: int, reach: float) -> None:
        self.reach, self.side = reach, reach / 3
        counts = [len(one) for one in volumes]
        places = np.concatenate([one.places for one in volumes])
        # The corner all cells are counted from; queries may lie beyond it.
        self.corner = places.min(0) if len(places) else np.zeros(3, np.float32)
        cells = np.floor((places - self.corner) / self.side).astype(np.int64)
        self.shape = 1 + cells.max(0, initial=0)
        bright = np.concatenate([one.bright for one in volumes])
        keys = ((bright * self.shape[0] + cells[:, 0]) * self.shape[1] + cells[:, 1]) * self.shape[2] + cells[:, 2]
        order = np.argsort(keys, kind="stable")
        self.starts = np.searchsorted(keys[order], np.arange(2 * self.shape.prod() + 1))
        self.places = places[order]
        self.descriptions = _thirds(np.concatenate([one.descriptions for one in volumes])[order])
        self.owners = np.repeat(owners, counts)[order]
        numbers = [(first + i) * CAPACITY + np.arange(count) for i, count in enumerate(counts)]
        self.numbers = np.concatenate(numbers)[order]

    def look(self, query: tuple[Keypoints, Keypoints], votes: Votes, own: int) -> None:
        """Note in a query's votes who of this block is nearer."""
        for state, keypoints in enumerate(query):
            _look(
                keypoints.places, keypoints.bright, _thirds(keypoints.descriptions), own,
                self.places, self.descriptions, self.owners, self.numbers,
                self.starts, self.shape, self.corner, self.side, self.reach,
                votes.where[state], votes.distance[state], votes.number[state],
            )  # fmt: skip


def _thirds(descriptions: np.ndarray) -> np.ndarray:
    return descriptions.reshape(-1, 3, THIRD)


@njit(cache=True, nogil=True)
def _look(
    places: np.ndarray,
    bright: np.ndarray,
    descriptions: np.ndarray,
    own: int,
    their_places: np.ndarray,
    their_descriptions: np.ndarray,
    owners: np.ndarray,
    numbers: np.ndarray,
    starts: np.ndarray,
    shape: np.ndarray,
    corner: np.ndarray,
    side: float,
    reach: float,
    where: np.ndarray,
    distance: np.ndarray,
    number: np.ndarray,
) -> None:
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for q in range(len(places)):
        for axis in range(3):
            low[axis] = max(0, int(np.floor((places[q, axis] - reach - corner[axis]) / side)))
            high[axis] = min(shape[axis] - 1, int(np.floor((places[q, axis] + reach - corner[axis]) / side)))
        if high[2] < low[2]:
            continue
        best, who, at = distance[q], number[q], -1
        for z in range(low[0], high[0] + 1):
            for y in range(low[1], high[1] + 1):
                line = ((bright[q] * shape[0] + z) * shape[1] + y) * shape[2]
                for k in range(starts[line + low[2]], starts[line + high[2] + 1]):
                    if owners[k] == own:
                        continue
                    dz, dy = their_places[k, 0] - places[q, 0], their_places[k, 1] - places[q, 1]
                    dx = their_places[k, 2] - places[q, 2]
                    if dz * dz + dy * dy + dx * dx > reach * reach:
                        continue
                    # From the middle of the neighbourhood on: it differs most, so most need no more than that.
                    found = _squared(descriptions, q, their_descriptions, k, 1)
                    if found > best:
                        continue
                    found += _squared(descriptions, q, their_descriptions, k, 0)
                    if found > best:
                        continue
                    found += _squared(descriptions, q, their_descriptions, k, 2)
                    if found < best or (found == best and numbers[k] < who):
                        best, who, at = found, numbers[k], k
        if at >= 0:
            distance[q], number[q], where[q] = best, who, their_places[at]


@njit(cache=True, nogil=True)
def _squared(one: np.ndarray, q: int, other: np.ndarray, k: int, third: int) -> int:
    """Squared distance of a third of two descriptions. Types and length are such that it runs on whole vectors."""
    total = np.uint32(0)
    for i in range(THIRD):
        apart = np.int16(np.int16(one[q, third, i]) - np.int16(other[k, third, i]))
        total = np.uint32(total + np.uint32(np.int32(apart) * np.int32(apart)))
    return int(total)
