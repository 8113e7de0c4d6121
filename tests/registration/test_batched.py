"""Many pairs at once, in torch: what the compiled climb finds of each by itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import phantom
from napari_relict.registration import Kind, Pyramid
from napari_relict.registration.batched import Climbed, Many, climb_many
from napari_relict.registration.climbing import climb
from napari_relict.registration.coarse import outline, register_all
from napari_relict.registration.transforms import stepped

SHAPE, SPACING = (32, 36, 34), (4.0, 3.5, 4.0)
HEADS = [np.asarray(phantom.head(seed, SHAPE)[0] / 1000, np.float32) for seed in range(4)]
LEVELS = [Pyramid(ndimage.gaussian_filter(head, 1), SPACING, points=1500).level(1) for head in HEADS]


def _starts(kind: Kind) -> np.ndarray:
    step = np.array([3.0, -2.0, 1.5, 0.08, -0.05, 0.1, 0.03])
    moved = [stepped(np.eye(4), scale * step, np.zeros(3), int(Kind.SIMILARITY)) for scale in (1, -1, 0.5, 0)]
    return np.stack(moved)


def _together(kind: Kind, either_sign: bool, iterations: int, *, single: bool = False) -> Climbed:
    first = LEVELS[0]
    many = Many.of(
        first.points, first.at_points, np.stack([level.values for level in LEVELS]),
        np.stack([level.cells for level in LEVELS]), first.spacing, first.origin, single=single,
    )  # fmt: skip
    return climb_many(many, _starts(kind), kind, iterations=iterations, fewest=200, either_sign=either_sign)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("either_sign", [False, True])
@pytest.mark.parametrize("iterations", [6, 30])
def test_the_compiled_climb_finds_the_same(kind: Kind, either_sign: bool, iterations: int) -> None:
    first, found = LEVELS[0], _together(kind, either_sign, iterations)
    # Strangers wander: given long enough, the last digits decide where to.
    pairs = len(LEVELS) if iterations == 6 else 1
    for number, (level, start) in enumerate(zip(LEVELS[:pairs], _starts(kind)[:pairs], strict=True)):
        matrix, correlation, overlap, _, converged = climb(
            first.points, first.at_points, level.values, level.cells, level.spacing, level.origin, start, int(kind),
            either_sign, iterations, 200,
        )  # fmt: skip
        np.testing.assert_allclose(found.matrices[number], matrix, atol=1e-5)
        assert found.correlations[number] == pytest.approx(correlation, abs=1e-8)
        assert found.overlaps[number] == overlap and found.converged[number] == converged


def test_single_precision_differs_by_far_less_than_a_voxel() -> None:
    exact, single = _together(Kind.SIMILARITY, False, 6), _together(Kind.SIMILARITY, False, 6, single=True)
    copies = exact.correlations > 0.9
    assert copies[0]
    np.testing.assert_allclose(single.matrices[copies], exact.matrices[copies], atol=0.05)
    np.testing.assert_allclose(single.correlations, exact.correlations, atol=2e-3)


def test_every_pair_registered_gives_the_same_on_a_device() -> None:
    made = [outline(head, SPACING, np.ones(SHAPE, bool)) for head in HEADS]
    others, seen = np.stack([one.values for one in made]), np.stack([one.seen for one in made])
    turned = np.asarray(ndimage.rotate(HEADS[1], 8, (1, 2), reshape=False, order=1))
    query = outline(turned, SPACING, np.ones(SHAPE, bool))
    starts = np.tile(np.eye(4), (len(HEADS), 1, 1, 1))
    worth, matrices = register_all(query, others, seen, starts)
    on_device, there = register_all(query, others, seen, starts, device="cpu")
    np.testing.assert_allclose(on_device, worth, atol=1e-6)
    np.testing.assert_allclose(there, matrices, atol=1e-3)
    assert worth.argmax() == 1


def test_no_pairs_are_no_work() -> None:
    first = LEVELS[0]
    many = Many.of(
        first.points, first.at_points, np.zeros((0, *SHAPE)), np.zeros((0, *SHAPE)), first.spacing, first.origin
    )
    assert climb_many(many, np.zeros((0, 4, 4)), Kind.RIGID, iterations=3, fewest=9).matrices.shape == (0, 4, 4)
