"""Thresholds: the best cut, an honest interval, and silence when there is too little to go on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import naive
from napari_relict.calibration import Threshold, best_threshold
from napari_relict.calibration.best_measure import best_of_measures
from napari_relict.calibration.probability import fuse
from napari_relict.calibration.roc import auc_interval, roc_points


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
    few = fuse(z, np.arange(30) < 9, truth).probability
    assert np.isnan(few).all()
    found = fuse(z, rated, truth).probability
    assert found[truth].min() > found[~truth].max()
    lied = truth.copy()
    lied[0] = False  # its own label changes, the others' stay
    assert fuse(z, rated, lied).probability[0] == pytest.approx(found[0])


def _graded(seed: int, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = np.arange(n) < n // 2
    return random.standard_normal(n) + 1.5 * truth, truth


@pytest.mark.parametrize("target", [0.7, 0.9, 0.97])
def test_a_held_rate_is_held_and_no_other_cut_does_better(target: float) -> None:
    values, truth = _graded(8)
    for rule, sign in (("sensitivity", 1), ("specificity", -1)):
        found = _best(values, truth, rule=rule, target=target)
        assert found is not None
        rates = [
            ((values >= cut)[truth].mean(), (values < cut)[~truth].mean())[::sign]
            for cut in [*(np.sort(values) - 1e-9), np.inf]
        ]
        mine = (found.sensitivity, found.specificity)[::sign]
        assert mine[0] >= target
        assert mine[1] == pytest.approx(max(other for held, other in rates if held >= target))
        assert (found.rule, found.target) == (rule, target)


def test_a_rate_that_few_ratings_cannot_show_is_said() -> None:
    values, truth = _graded(9, 24)
    found = _best(values, truth, rule="sensitivity", target=0.95)
    assert found is not None
    assert "fewer than 20 ratings" in found.note


def test_readers_who_disagree_widen_the_interval() -> None:
    values, truth = _graded(10)
    one = np.where(truth, 4.0, 1.0)
    agreed = _best(values, truth, grades=np.column_stack([one, one, np.full(40, np.nan)]))
    split = np.column_stack([one, one, np.where(np.arange(40) % 2 == 0, 5 - one, one)])
    torn = _best(values, truth, grades=split)
    alone = _best(values, truth)
    assert agreed is not None and torn is not None and alone is not None
    assert torn.threshold == agreed.threshold == alone.threshold
    assert torn.threshold_high - torn.threshold_low > agreed.threshold_high - agreed.threshold_low


def test_auc_interval_is_not_empty_when_all_are_right() -> None:
    auc, low, high = auc_interval(np.array([1.0, 2, 3, 4, 5, 6]), np.arange(6) > 2)
    assert (auc, high) == (1, 1)
    assert 0.4 < low < 0.8
    assert auc_interval(np.array([1.0, 2, 3, 4]), np.arange(4) < 2)[:2] == (0, 0)


def test_roc_points_are_counts() -> None:
    values, truth = _graded(11)
    values[3] = np.nan
    for row in roc_points(values, truth).itertuples():
        known = np.isfinite(values)
        assert row.sensitivity == pytest.approx((values >= row.closeness)[truth & known].mean())
        assert row.specificity == pytest.approx((values < row.closeness)[~truth & known].mean())
    assert roc_points(values, np.ones(40, bool)).empty


def test_the_best_of_many_uninformative_measures_is_no_finding() -> None:
    random = np.random.default_rng(12)
    truth = np.arange(50) < 5
    values = random.standard_normal((50, 10))
    names = [f"m{number}" for number in range(10)]
    found = best_of_measures(values, truth, measures=names, estimated_on="test")
    alone = [_best(column, truth) for column in values.T]
    assert found is not None
    assert found.balanced_accuracy == pytest.approx(max(one.balanced_accuracy for one in alone if one))
    # The best of ten reaches farther by chance than one alone (.77).
    assert found.balanced_accuracy_null95 > 0.8
    assert found.balanced_accuracy_corrected < found.balanced_accuracy
    values[:, 4] += 6 * truth
    found = best_of_measures(values, truth, measures=names, estimated_on="test")
    assert found is not None
    assert (found.measure, found.measures) == ("m4", 10)
    assert found.p_value < 0.01


def test_measures_that_many_volumes_lack_are_not_in_the_choice() -> None:
    values, truth = _graded(13)
    both = np.column_stack([values, np.where(np.arange(40) % 3 == 0, np.nan, values)])
    found = best_of_measures(both, truth, measures=["a", "b"], estimated_on="test")
    assert found is not None
    assert (found.measure, found.measures) == ("a", 1)
    assert best_of_measures(both[:3], truth[:3], measures=["a", "b"], estimated_on="test") is None
