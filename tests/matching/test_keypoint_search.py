"""The most alike keypoint nearby is the one a loop over all finds, whatever parts the training cohort is cut into."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from napari_relict.matching import keypoint_search
from napari_relict.matching.keypoint_search import NOBODY, REACH, Votes, nearer, votes_of
from napari_relict.volumes.grid import Grid
from napari_relict.volumes.keypoints import CAPACITY, LENGTH, Keypoints

GRID = Grid((40, 50, 60), (2.0, 2.0, 2.0))


class Cohort:
    """As much of a prepared cohort as the search needs."""

    grid = GRID

    def __init__(self, volumes: Sequence[Keypoints]) -> None:
        self.volumes = {str(number): one for number, one in enumerate(volumes)}
        self.names = list(self.volumes)

    def keypoints(self, name: str) -> Keypoints:
        return self.volumes[name]


def _keypoints(random: np.random.Generator, count: int, levels: int) -> Keypoints:
    """Few different values make many equally near."""
    places = random.uniform(-9, 9, (count, 3)).astype(np.float32)
    return Keypoints(places, random.random(count) < 0.5, random.integers(0, levels, (count, LENGTH)).astype(np.uint8))


def _search(
    queries: Sequence[Keypoints],
    own: Sequence[int],
    volumes: Sequence[Keypoints],
    owners: Sequence[int],
    cuts: Sequence[int],
) -> list[Votes]:
    training, edges = Cohort(volumes), [0, *sorted(cuts), len(volumes)]
    cohort = Cohort(queries)
    parts = [
        votes_of(cohort, cohort.names, np.array(own), training, training.names[a:b], np.array(owners)[a:b], a)  # type: ignore[arg-type]
        for a, b in pairwise(edges)
    ]
    return [reduce(nearer, of_query) for of_query in zip(*parts, strict=True)]


@given(
    seed=st.integers(0, 10**6),
    counts=st.lists(st.integers(0, 12), min_size=1, max_size=7),
    levels=st.sampled_from([2, 256]),
    cuts=st.lists(st.integers(0, 7), max_size=3),
    block=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_votes_are_those_of_the_slow_loop(
    seed: int, counts: list[int], levels: int, cuts: list[int], block: int
) -> None:
    random = np.random.default_rng(seed)
    volumes = [_keypoints(random, count, levels) for count in counts]
    if levels == 2:  # nearly all alike: ties
        for one in volumes:
            one.descriptions[:] = one.descriptions[:, :1]
    owners = random.integers(0, 3, len(volumes)).tolist()
    queries, own = [_keypoints(random, 9, levels) for _ in range(2)], [-1, 1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keypoint_search, "BLOCK", block)
        votes = _search(queries, own, volumes, owners, [cut for cut in cuts if cut <= len(volumes)])
    reach = REACH * float(np.mean(GRID.shape))
    for query, mine, found in zip(queries, own, votes, strict=True):
        for state, keypoints in enumerate([query, query.mirrored()]):
            for number in range(len(keypoints)):
                best = naive.nearest_keypoint(
                    keypoints.places[number],
                    keypoints.bright[number],
                    keypoints.descriptions[number],
                    list(zip(owners, volumes, strict=True)),
                    mine,
                    reach,
                )
                if best is None:
                    assert found.number[state, number] == NOBODY
                    assert found.volumes[state, number] == -1
                else:
                    distance, volume, theirs = best
                    assert found.distance[state, number] == distance
                    assert found.number[state, number] == volume * CAPACITY + theirs
                    assert found.volumes[state, number] == volume
                    assert np.array_equal(found.where[state, number], volumes[volume].places[theirs])


def test_one_s_own_keypoints_are_at_no_distance_and_left_out_where_the_patient_is_the_same() -> None:
    random = np.random.default_rng(0)
    volumes = [_keypoints(random, 30, 256) for _ in range(4)]
    (as_is,) = _search([volumes[2]], [-1], volumes, [0, 1, 2, 3], [])
    assert (as_is.distance[0] == 0).all()
    assert (as_is.volumes[0] == 2).all()
    (flipped,) = _search([volumes[2].mirrored()], [-1], volumes, [0, 1, 2, 3], [])
    assert (flipped.distance[1] == 0).all()
    (without,) = _search([volumes[2]], [7], volumes, [0, 1, 7, 3], [])
    assert not (without.volumes == 2).any()


def test_volumes_without_keypoints_have_no_votes() -> None:
    none, some = _keypoints(np.random.default_rng(0), 0, 2), _keypoints(np.random.default_rng(1), 5, 2)
    assert _search([none], [-1], [some, none], [0, 1], [1])[0].number.shape == (2, 0)
    assert (_search([some], [-1], [none, none], [0, 1], [])[0].number == NOBODY).all()
