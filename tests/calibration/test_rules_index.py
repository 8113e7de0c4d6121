"""The memorization index: whitening by its definition, indices worked out by hand, and where it is not defined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import fractional_matrix_power

from napari_relict.calibration.rules import memorization_index as index
from napari_relict.calibration.rules.whitening import REGULAR, rank_limited, zca
from napari_relict.errors import DataError


def draw(n: int, features: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, features))


@pytest.mark.parametrize("n", [40, 8])  # more volumes than features, and fewer
def test_zca_is_the_inverse_root_of_the_regularised_covariance(n: int) -> None:
    training, queries = draw(n, 12).cumsum(1), draw(5, 12, 1)
    by_definition = fractional_matrix_power(np.cov(training, rowvar=False) + REGULAR * np.eye(12), -0.5)
    expected = (queries - training.mean(0)) @ by_definition
    np.testing.assert_allclose(zca(training)(queries), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_rank_limited_whitening_has_unit_variance_and_no_more_directions_than_there_are() -> None:
    training = draw(30, 6)[:, :4] @ draw(4, 9, 1)  # four directions in nine features
    white = rank_limited(training, 64)(training)
    assert white.shape == (30, 4)
    np.testing.assert_allclose(np.cov(white, rowvar=False), np.eye(4), atol=1e-4)
    assert rank_limited(training, 2)(training).shape == (30, 2)


# Four training volumes at (±1, 0), (0, ±1): their mean is 0 and their covariance 2/3 of the unit matrix, so whitening
# only scales and cosines are those of the plane.
CROSS = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])


def at(*degrees: float) -> np.ndarray:
    turn = np.deg2rad(degrees)
    return np.column_stack([np.cos(turn), np.sin(turn)])


def test_calibrated_index_by_hand() -> None:
    # Holdout at 45 degrees (cosine .5^.5 = .70711) and 60 (next axis 30 away: .86603), five of each:
    # mean .78657, standard deviation with n - 1 = 9: .07946 * (10/9)^.5 = .08376.
    # A copy has s = 1: MI = (1 - .78657) / .08376 = 2.548; at 45 degrees MI = -.94868.
    holdout = at(*[45] * 5, *[60] * 5)
    found = index.calibrated([CROSS], [holdout], [at(90, 45)], cut=1.645)
    assert found.values == pytest.approx([2.548, -0.94868], abs=1e-3)
    assert found.calls is not None
    assert list(found.calls) == [True, False]
    assert found.numbers["mean MI"].value == pytest.approx((2.548 - 0.94868) / 2, abs=1e-3)
    assert found.numbers["mean ONI"].value == pytest.approx((-np.tanh(2.548) + np.tanh(0.94868)) / 2, abs=1e-3)


def test_layers_are_joined_by_the_geometric_mean() -> None:
    # s is 1 in one layer and cos 45 = .70711 in the other: together (.70711)^.5 = .84090. Holdout as above in both.
    holdout = at(*[45] * 5, *[60] * 5)
    both = index.calibrated([CROSS, CROSS], [holdout, holdout], [at(0), at(45)])
    assert both.values == pytest.approx([(0.84090 - 0.78657) / 0.08376], abs=1e-3)
    assert both.calls is not None and not both.calls.any()
    assert "by the tail of the null" in both.said


def test_similarities_below_zero_are_clipped_by_the_calibrated_form() -> None:
    training = np.array([[1.0], [2.0], [3.0]])  # mean 2: whitened -1, 0, 1
    holdout = np.concatenate([np.full((9, 1), 5.0), [[2.0]]])  # cosine 1 nine times, and 0 of the zero vector
    found = index.calibrated([training], [holdout], [np.array([[2.0]])])
    # null: mean .9 and standard deviation .1^.5 (ten values, nine 1 and one 1e-6); s = 1e-6.
    assert found.values == pytest.approx([-0.9 / 0.1**0.5], abs=1e-4)


def test_published_index_by_its_definition() -> None:
    """Written out again, slowly: halves, maxima, pooled mean and standard deviation."""
    training, synthetic = [draw(50, 4), draw(50, 6, 1)], [draw(9, 4, 2), draw(9, 6, 3)]
    synthetic[0][0], synthetic[1][0] = training[0][7], training[1][7]
    found = index.published(training, synthetic, seed=5)

    def white(layer: int, rows: np.ndarray) -> np.ndarray:
        whiten = fractional_matrix_power(np.cov(training[layer], rowvar=False) + 1e-6 * np.eye(rows.shape[1]), -0.5)
        moved = (rows - training[layer].mean(0)) @ whiten
        return moved / np.linalg.norm(moved, axis=1, keepdims=True)

    def similarity(one: list[np.ndarray], other: list[np.ndarray]) -> np.ndarray:
        parts = [(white(i, one[i]) @ white(i, other[i]).T).max(1) for i in range(2)]
        return np.sqrt(parts[0] * parts[1])

    random, null = np.random.default_rng(5), []
    for _ in range(10):
        order = random.permutation(50)
        null.append(similarity([t[order[:25]] for t in training], [t[order[25:]] for t in training]))
    pooled = np.concatenate(null)
    expected = (similarity(synthetic, training) - pooled.mean()) / pooled.std()
    assert found.values == pytest.approx(expected)
    assert found.values is not None
    assert found.values[0] == found.values.max()
    assert found.numbers["mean ONI"].value == pytest.approx(-np.tanh(expected).mean())
    assert found.calls is None


def test_published_index_refuses_where_whitened_volumes_are_all_alike() -> None:
    with pytest.raises(DataError, match=r"20 training volumes are not more than 20 features.*calibrated"):
        index.published([draw(20, 20)], [draw(3, 20, 1)])
    index.published([draw(400, 20)], [draw(3, 20, 1)])
    with pytest.raises(DataError, match="below zero"):  # few volumes about a mean: some look away from all others
        index.published([draw(5, 4)], [draw(200, 4, 1)])


def test_wrong_arrays_are_said() -> None:
    good = [draw(30, 4)]
    for training, holdout, synthetic, said in (
        (good, [draw(30, 5)], good, "holdout features: 5 columns, not 4"),
        (good, good, [*good, *good], "synthetic features: 2 layers"),
        ([], good, good, "training features: 0 layers"),
        (good, [draw(9, 4)], good, "holdout features: 9 volumes"),
        ([draw(2, 4)], good, good, "training features: 2 volumes"),
        (good, good, [np.full((3, 4), np.nan)], "not every value is finite"),
        ([draw(30, 4), draw(29, 4)], [*good, *good], [*good, *good], "different numbers of volumes"),
        ([np.ones((30, 4))], good, good, "the same for all volumes"),
        ([draw(30, 4)[0]], good, good, "one row a volume"),
    ):
        with pytest.raises(DataError, match=said):
            index.calibrated(training, holdout, synthetic)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(12, 40), st.integers(2, 60))
def test_copies_stand_out_and_scale_does_not_matter(seed: int, n: int, features: int) -> None:
    training, holdout, synthetic = draw(n, features, seed), draw(20, features, seed + 1), draw(6, features, seed + 2)
    synthetic[0] = training[3]
    found = index.calibrated([training], [holdout], [synthetic], resamples=20).values
    assert found is not None
    assert found[0] >= found.max() - 1e-6
    scaled = index.calibrated([1000 * training], [1000 * holdout], [1000 * synthetic], resamples=20).values
    assert scaled == pytest.approx(found, abs=1e-6)
