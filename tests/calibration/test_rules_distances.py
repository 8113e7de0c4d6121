"""Rules on distances: l2 ratios, authenticity, C_T and the closest record; numbers worked out by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_relict.calibration.rules import authenticity, data_copying, dcr, ratios
from napari_relict.calibration.rules.arrays import correlations, nearest, nearest_other
from napari_relict.errors import DataError, UsageError

# Distances of three volumes to three training volumes, in no order: a copy, an ordinary one, one between two alike.
DISTANCES = np.array([[4.0, 1.0, 7.0], [3.0, 3.0, 3.0], [0.0, 0.0, 6.0]])


def test_l2_ratios_by_hand() -> None:
    # 1 / ((1 + 4 + 7) / 3) = .25; 3 / 3 = 1; 0 / 2 = 0
    found = ratios.calibrated_l2(DISTANCES, cut=0.5)
    assert found.values == pytest.approx([0.25, 1, 0])
    assert found.calls is not None and list(found.calls) == [True, False, True]
    assert found.numbers["mean ratio"].value == pytest.approx(1.25 / 3)
    assert ratios.calibrated_l2(DISTANCES).calls is None
    # 1 / 4; 3 / 3; and 0 of 0, which is a copy of both.
    two = ratios.third(DISTANCES)
    assert two.values == pytest.approx([0.25, 1, 0])
    assert two.called == 2
    assert ratios.third(np.array([[1.0, 3.0]])).called == 0  # a third is not below a third
    assert ratios.nndr(DISTANCES).calls is None
    assert ratios.nndr(DISTANCES, cut=0.2).called == 1


def test_calibrated_l2_looks_at_fifty_neighbours() -> None:
    # 1, 2, ..., 60: the mean of the first fifty is 25.5.
    assert ratios.calibrated_l2(np.arange(60.0, 0, -1)[None]).values == pytest.approx([1 / 25.5])


def test_ratios_say_what_they_cannot_use() -> None:
    with pytest.raises(DataError, match="training volumes: 1 volumes; give at least 2"):
        ratios.third(np.ones((3, 1)))
    with pytest.raises(UsageError, match="not similarities"):
        ratios.nndr(-DISTANCES)
    with pytest.raises(UsageError, match="cut of a ratio"):
        ratios.third(DISTANCES, cut=1.5)


def test_authenticity_by_hand() -> None:
    # On a line: training at 0, 1, 5. Their nearest others are 1, 1 and 4 away. Synthetic volumes at .5 (nearest 0, .5
    # away, not authentic), at -2 (nearest 0, 2 away: authentic), at 9 (nearest 5, 4 away: a tie is not authentic).
    training, synthetic = np.array([[0.0], [1.0], [5.0]]), np.array([[0.49], [-2.0], [9.0]])
    distance, place = nearest(synthetic, training)
    others = nearest_other(training)
    assert others == pytest.approx([1, 1, 4])
    found = authenticity.authenticity(distance[:, 0], place[:, 0], others)
    assert found.calls is not None and list(found.calls) == [True, False, True]
    assert found.values == pytest.approx([0.49, 2, 1])
    assert found.numbers["AuthPct"].value == pytest.approx(1 / 3)
    for wrong in (place[:, 0] + 2, place[:, 0].astype(float), place[:1, 0]):
        with pytest.raises(DataError, match="nearest training volumes"):
            authenticity.authenticity(distance[:, 0], wrong, others)


def test_u_by_hand() -> None:
    # Synthetic 1, 2 against holdout 3, 4, 2: pairs in which the synthetic one is larger, ties a half: (2, 2) -> .5.
    # U = .5, mean 3, variance 2 * 3 * 6 / 12 = 3: (0.5 - 3) / 3^.5 = -1.443.
    assert data_copying.u_score(np.array([1.0, 2]), np.array([3.0, 4, 2])) == pytest.approx(-2.5 / 3**0.5)


def test_c_t_by_hand() -> None:
    """Two cells far apart, distances to the training volume in the middle of each known."""
    training = np.array([[0.0], [0.0], [1000.0], [1000.0]])
    holdout = np.array([[3.0], [4], [2], [1001]])
    synthetic = np.array([[1.0], [2], [1002], [1003]])
    # Left: U as in the test above, -1.4434, three of four holdout volumes. Right: synthetic 2, 3 against 1: U = 2,
    # mean 1, variance 2 * 1 * 4 / 12 = .6667: 1.2247, one of four. C_T = .75 * -1.4434 + .25 * 1.2247 = -.7764.
    found = data_copying.data_copying(training, holdout, synthetic, cells=2, fewest=1)
    assert found.numbers["C_T"].value == pytest.approx(-0.7764, abs=1e-4)
    # Standard deviation under the null (.75² + .25²)^.5 = .79057: the interval reaches 1.95996 times as far.
    assert found.numbers["C_T"].low == pytest.approx(-0.7764 - 1.95996 * 0.79057, abs=1e-4)
    assert found.numbers["p"].value == pytest.approx(0.1630, abs=1e-3)  # normal distribution at -.98207
    assert found.calls is None
    # Only the left cell has two of each.
    left = data_copying.data_copying(training, holdout, synthetic, cells=2, fewest=2)
    assert left.numbers["C_T"].value == pytest.approx(-2.5 / 3**0.5)
    assert left.numbers["cells"].value == 1
    assert "1 cells with fewer than 2" in left.note
    none = data_copying.data_copying(training, holdout, synthetic, cells=2, fewest=3)
    assert np.isnan(none.numbers["C_T"].value)
    assert "C_T undefined" in none.said
    with pytest.raises(UsageError, match="at least 1, not 0"):
        data_copying.data_copying(training, holdout, synthetic, cells=0)


def test_closest_record_by_hand() -> None:
    # Training at 0, holdout at 10: synthetic at 1, 2, 3, 9 and 5 (a tie): three of four nearer to training.
    # P(at least 3 of 4 heads) = 5/16.
    found = dcr.closest_record(np.array([[0.0]]), np.array([[10.0]]), np.array([[1.0], [2], [3], [9], [5]]))
    assert found.numbers["share nearer to training"].value == 0.75
    assert found.numbers["p"].value == pytest.approx(5 / 16)
    assert found.numbers["ties"].value == 1
    assert found.note == ""
    drawn = dcr.closest_record(np.zeros((5, 1)), np.array([[10.0]]), np.array([[1.0]]))
    assert "not drawn" in drawn.note
    same = dcr.closest_record(np.zeros((1, 1)), np.zeros((1, 1)), np.ones((3, 1)))
    assert np.isnan(same.numbers["share nearer to training"].value) and np.isnan(same.numbers["p"].value)


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 5), st.integers(2, 6), st.integers(2, 4))
def test_nearest_and_correlations_by_definition(seed: int, n: int, known: int, features: int) -> None:
    random = np.random.default_rng(seed)
    one, other = random.standard_normal((n, features)), random.standard_normal((known, features))
    slowly = np.array([[np.linalg.norm(a - b) for b in other] for a in one])
    distances, places = nearest(one, other, 50)
    np.testing.assert_allclose(distances, np.sort(slowly, 1), atol=1e-7)
    np.testing.assert_allclose(np.take_along_axis(slowly, places, 1), distances, atol=1e-7)
    found = correlations(one, other)
    for i, j in product(range(n), range(known)):
        assert found[i, j] == pytest.approx(np.corrcoef(one[i], other[j])[0, 1])


def test_a_constant_row_correlates_with_nothing() -> None:
    assert correlations(np.full((1, 3), 0.1), np.array([[1.0, 2.0, 4.0]]))[0, 0] == 0
