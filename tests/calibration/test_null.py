"""p- and q-values: equal to their definitions, and as rare as they say when nothing was copied."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from napari_relict.calibration import NullScores, fused_p_values, q_values
from napari_relict.calibration.null import closest_of_patients, p_values

scores = st.lists(st.integers(-5, 5), min_size=1, max_size=30).map(lambda values: np.array(values, float))


@given(scores, scores)
def test_p_values_by_definition(null: np.ndarray, mine: np.ndarray) -> None:
    np.testing.assert_allclose(p_values(mine, null), [naive.p_value(score, null) for score in mine])


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=25))
def test_q_values_by_definition(p: list[float]) -> None:
    np.testing.assert_allclose(q_values(np.array(p)), naive.q_values(np.array(p)))


def test_unknown_scores_have_no_p_and_do_not_count() -> None:
    assert np.isnan(p_values(np.array([np.nan]), np.array([1.0, 2.0])))[0]
    q = q_values(np.array([0.01, np.nan, 0.5]))
    np.testing.assert_allclose(q, [0.02, np.nan, 0.5])


def test_resolution_is_one_over_n_plus_one() -> None:
    assert NullScores("ncc", np.array([0.1, 0.2, np.nan, 0.4]), "holdout").resolution == pytest.approx(1 / 4)


def test_one_level_alone_is_the_plain_p_value() -> None:
    random = np.random.default_rng(0)
    null, mine = random.random((40, 1)), random.random((10, 1))
    p, decided = fused_p_values(mine, null)
    np.testing.assert_allclose(p, p_values(mine[:, 0], null[:, 0]))
    assert set(decided) == {0}


def test_a_copy_stands_out_at_the_level_that_sees_it() -> None:
    random = np.random.default_rng(0)
    null = random.standard_normal((50, 3))
    mine = np.array([[0.0, 0.0, 9.0], [0.0, np.nan, 0.0]])
    p, decided = fused_p_values(mine, null)
    assert p[0] == pytest.approx(1 / 51)
    assert decided[0] == 2
    assert p[1] > 0.1


def test_without_a_null_nothing_is_said() -> None:
    p, decided = fused_p_values(np.ones((2, 2)), np.empty((0, 2)))
    assert np.isnan(p).all()
    assert (decided == -1).all()


@settings(deadline=None)
@given(st.integers(0, 20))
def test_missing_values_in_the_null_do_no_harm(missing: int) -> None:
    random = np.random.default_rng(missing)
    null = random.standard_normal((25, 2))
    null[:missing, 0] = np.nan
    p, _ = fused_p_values(random.standard_normal((5, 2)), null)
    assert ((p > 0) & (p <= 1)).all()


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_fused_p_values_hold_their_level_under_the_null(correlation: float) -> None:
    """Skewed, correlated levels and nothing copied: P(p <= a) <= a, within the simulation's error."""
    random = np.random.default_rng(3)
    n, holdout, levels = 1500, 39, 3
    hits = {0.025: 0, 0.05: 0, 0.2: 0}
    for _ in range(n):
        shared = random.standard_normal((holdout + 1, 1))
        own = random.standard_normal((holdout + 1, levels))
        x = np.exp(correlation * shared + np.sqrt(1 - correlation**2) * own)
        p, _ = fused_p_values(x[:1], x[1:])
        for level in hits:
            hits[level] += int(p[0] <= level + 1e-12)
    for level, count in hits.items():
        assert count / n <= level + 3.5 * np.sqrt(level * (1 - level) / n)
        assert count / n >= level - 3.5 * np.sqrt(level * (1 - level) / n)


def test_a_level_that_few_of_the_null_have_does_not_count() -> None:
    random = np.random.default_rng(0)
    null = random.standard_normal((60, 2))
    null[5:, 1] = np.nan
    p, decided = fused_p_values(np.array([[0.0, 50.0]]), null)
    assert p[0] > 0.2
    assert decided[0] == 0


def test_of_a_patients_volumes_the_closest_counts() -> None:
    closest = closest_of_patients(np.array([0.1, 0.9, np.nan, 0.4, np.nan]), ["b", "a", "a", "b", "c"])
    np.testing.assert_array_equal(closest, [0.9, 0.4, np.nan])


def test_a_null_says_what_it_is() -> None:
    scores = np.array([0.1, 0.2])
    assert NullScores("ncc", scores, "holdout", volumes=2).described == "2 patients (holdout)"
    weaker = NullScores("ncc", scores, "training, leave one patient out", volumes=3)
    assert weaker.weaker
    assert "with 3 volumes" in weaker.described
    assert "weaker" in weaker.described
