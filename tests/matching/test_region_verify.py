"""A ball of one head in a stranger's is found, aligned and said where; strangers are not alike anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

import phantom
from napari_relict.matching.keypoint_search import votes_of
from napari_relict.matching.region_verify import FoundRegion, ball_of, compare_region
from napari_relict.matching.regions import Region, regions_of
from napari_relict.volumes.grid import Grid
from napari_relict.volumes.keypoints import Keypoints, find_keypoints

GRID = Grid((60, 70, 64), (2.0, 2.0, 2.0))
CENTRE, RADIUS = (30.0, 26.0, 40.0), 15.0
EVERYWHERE = np.ones(GRID.shape, bool)


def _head(seed: int) -> np.ndarray:
    return phantom.head(seed, GRID.shape)[0] / 1000


class Cohort:
    grid = GRID

    def __init__(self, images: list[np.ndarray]) -> None:
        self.names = [str(number) for number in range(len(images))]
        self._found = [find_keypoints(image, EVERYWHERE) for image in images]

    def keypoints(self, name: str) -> Keypoints:
        return self._found[int(name)]


@pytest.fixture(scope="module")
def training() -> list[np.ndarray]:
    return [_head(seed) for seed in range(6)]


def _regions(query: np.ndarray, training: list[np.ndarray]) -> dict[int, Region]:
    cohort = Cohort(training)
    (votes,) = votes_of(Cohort([query]), ["0"], np.array([-1]), cohort, cohort.names, np.arange(len(training)))  # type: ignore[arg-type]
    return regions_of(votes, GRID)


def _compared(query: np.ndarray, other: np.ndarray, region: Region) -> FoundRegion:
    image = np.ascontiguousarray(query[..., ::-1]) if region.mirrored else query
    return compare_region(image, EVERYWHERE, other, EVERYWHERE, GRID, region)


@pytest.mark.parametrize("flip", [False, True], ids=["as it is", "mirrored"])
@pytest.mark.parametrize("turn", [0, 9], ids=["as posed", "turned"])
def test_a_copied_region_is_found_and_said_where(training: list[np.ndarray], flip: bool, turn: int) -> None:
    query = phantom.with_region(training[3], _head(77), CENTRE, RADIUS)
    centre = np.array(CENTRE)
    if turn:
        query = ndimage.rotate(query, turn, axes=(1, 2), reshape=False, order=1)
        middle = (np.array(GRID.shape) - 1) / 2
        way = Rotation.from_euler("z", turn, degrees=True).as_matrix()[:2, :2]
        centre[1:] = middle[1:] + way @ (centre - middle)[1:]
    if flip:
        query = np.ascontiguousarray(query[..., ::-1])
        centre[2] = GRID.shape[2] - 1 - centre[2]
    found = _regions(query, training)
    best = max(found, key=lambda place: found[place].score)
    assert best == 3
    assert found[3].mirrored == flip
    told = _compared(query, training[3], found[3])
    assert np.linalg.norm((np.array(told.centre) - centre) * GRID.spacing) < 20  # well inside: the ball's radius is 30
    assert 8 < told.radius_mm < 40
    others = [_compared(query, training[place], region).fisher_z for place, region in found.items() if place != 3]
    assert told.fisher_z > max([*others, 0]) + 0.5


def test_what_was_not_seen_is_not_compared(training: list[np.ndarray]) -> None:
    region = Region(9.0, False, np.zeros(3), 20.0, np.eye(4))
    nothing, some = np.zeros(GRID.shape, bool), EVERYWHERE
    for seen, other_seen in ((nothing, some), (some, nothing)):
        told = compare_region(training[0], seen, training[0], other_seen, GRID, region)
        assert np.isnan(told.fisher_z)
    assert compare_region(training[0], some, training[0], some, GRID, region).fisher_z > 5


def test_constant_volumes_are_alike_in_nothing(training: list[np.ndarray]) -> None:
    region = Region(9.0, False, np.zeros(3), 20.0, np.eye(4))
    flat = np.full(GRID.shape, 0.5, np.float32)
    assert compare_region(flat, EVERYWHERE, training[0], EVERYWHERE, GRID, region).fisher_z == 0
    assert compare_region(training[0], EVERYWHERE, flat, EVERYWHERE, GRID, region).fisher_z == 0


def test_the_centre_of_a_mirrored_region_is_told_in_the_query_as_it_is(training: list[np.ndarray]) -> None:
    region = Region(9.0, True, np.array([11.0, 5.0, -3.0]), 20.0, np.eye(4))
    told = compare_region(training[0], EVERYWHERE, training[0], EVERYWHERE, GRID, region)
    # x grows to the left: 11 mm left of the middle in the mirror image is 11 mm right of it in the query.
    assert told.centre == (28, 37, 26)


def test_a_ball_is_round_in_mm() -> None:
    grid = Grid((30, 40, 50), (3.0, 2.0, 1.0))
    ball = ball_of(grid, np.array([2.0, -4.0, 6.0]), 12.0)
    volume = ball.sum() * 6.0
    assert volume == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.06)
    middle = (np.argwhere(ball).mean(0) - (np.array(grid.shape) - 1) / 2) * grid.spacing
    np.testing.assert_allclose(middle, [6, -4, 2], atol=0.1)
