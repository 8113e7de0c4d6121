"""Thresholds: the best cut, an honest interval, and silence when there is too little to go on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import naive
from napari_relict.calibration import Threshold, best_threshold
from napari_relict.calibration.probability import replica_probability


def _best(values: np.ndarray, truth: np.ndarray, **how: object) -> Threshold | None:
    options = {"measure": "ncc", "level": "voxel", "higher_is_closer": True, "estimated_on": "test", "resamples": 200}
    return best_threshold(np.asarray(values, float), np.asarray(truth, bool), **(options | how))  # type: ignore[arg-type]


@settings(deadline=None, max_examples=50)
@example([(0, True), (1, False), (2, True), (3, False), (4, False), (5, False)])  # runs the wrong way
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=6, max_size=30))
def test_best_cut_by_trying_all(rated: list[tuple[int, bool]]) -> None:
    values, truth = np.array([v for v, _ in rated], float), np.array([t for _, t in rated])
    found = _best(values, truth)
    if min(truth.sum(), (~truth).sum()) < 2:
        assert found is None
    else:
        assert found is not None
        assert found.balanced_accuracy == pytest.approx(naive.best_balanced_accuracy(values, truth))


def test_separated_scores_get_a_cut_in_the_gap() -> None:
    found = _best(np.array([0.1, 0.2, 0.3, 0.8, 0.9, 0.95]), np.array([0, 0, 0, 1, 1, 1]))
    assert found is not None
    assert found.threshold == pytest.approx(0.55)
    assert found.threshold_low <= found.threshold <= found.threshold_high
    assert found.balanced_accuracy == 1
    # Three right of three, twice, is no proof of perfection.
    assert 0.55 < found.balanced_accuracy_low < 0.8
    assert found.auc == 1
    assert (found.n_rated, found.n_replicas) == (6, 3)
    assert "only 3 replicas" in found.note


def test_distances_are_cut_the_other_way_round() -> None:
    distance = np.array([9.0, 8.0, 7.0, 1.0, 2.0, 0.5])
    found = _best(-distance, np.array([0, 0, 0, 1, 1, 1]), measure="mse", higher_is_closer=False)
    assert found is not None
    assert found.threshold == pytest.approx(4.5)
    assert found.threshold_low <= 4.5 <= found.threshold_high


def test_an_uninformative_score_is_said_to_be_no_better_than_chance() -> None:
    random = np.random.default_rng(4)
    values, truth = random.random(50), np.arange(50) < 5
    found = _best(values, truth, resamples=1000)
    assert found is not None
    # Five replicas in fifty: chance alone reaches .77 at its 95th percentile.
    assert found.balanced_accuracy_null95 == pytest.approx(0.77, abs=0.03)
    assert found.balanced_accuracy_corrected < found.balanced_accuracy
    assert "chance" in found.note


def test_the_same_ratings_give_the_same_interval() -> None:
    random = np.random.default_rng(5)
    values, truth = random.random(40), random.random(40) > 0.5
    assert _best(values, truth) == _best(values, truth)


def test_probability_needs_five_of_each_and_never_judges_a_volume_by_its_own_rating() -> None:
    random = np.random.default_rng(0)
    truth = np.arange(30) < 14
    z = np.column_stack([truth * 6 + random.standard_normal(30), random.standard_normal(30)])
    rated = np.arange(30) % 2 == 0
    few = replica_probability(z, np.arange(30) < 9, truth)
    assert np.isnan(few).all()
    found = replica_probability(z, rated, truth)
    assert found[truth].min() > found[~truth].max()
    lied = truth.copy()
    lied[0] = False  # its own label changes, the others' stay
    assert replica_probability(z, rated, lied)[0] == pytest.approx(found[0])
