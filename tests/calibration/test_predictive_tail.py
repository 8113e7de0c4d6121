"""p beyond a small null: never surer than the truth of known tails on average, and never without an assumption."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import expon

import naive
from napari_relict.calibration.predictive_tail import predictive_tail


def test_equal_to_its_definition() -> None:
    random = np.random.default_rng(1)
    for count in (8, 20, 150):
        null = random.standard_normal(count)
        tail = predictive_tail(null)
        assert tail is not None
        for beyond in (0.1, 1.0, 10.0):
            statistic = null.max() + beyond
            assert tail.p_values(np.array([statistic]))[0] == pytest.approx(
                naive.predictive_p(statistic, null, 1, count), rel=1e-6
            )


def test_too_few_or_all_equal_is_for_ranks() -> None:
    assert predictive_tail(np.arange(7.0)) is None
    assert predictive_tail(np.array([np.nan] * 20 + [1.0] * 7)) is None
    assert predictive_tail(np.full(30, 2.0)) is None


def test_within_the_null_ranks_say_more() -> None:
    tail = predictive_tail(np.arange(30.0))
    assert tail is not None
    p = tail.p_values(np.array([-5.0, 29.0, 29.5, np.nan]))
    assert np.isnan(p[[0, 1, 3]]).all() and np.isfinite(p[2])


def test_unit_and_origin_do_not_matter() -> None:
    null = np.random.default_rng(0).standard_normal(40)
    one, other = predictive_tail(null), predictive_tail(1000 * null - 7)
    assert one is not None and other is not None
    np.testing.assert_allclose(one.p_values(np.array([6.0])), other.p_values(np.array([5993.0])))


def test_farther_out_is_less_likely_and_never_impossible() -> None:
    tail = predictive_tail(np.random.default_rng(2).standard_normal(12))
    assert tail is not None
    p = tail.p_values(np.array([3.0, 5.0, 10.0, 100.0, 1e6]))
    assert (np.diff(p) < 0).all() and p[-1] > 0


def test_a_predictive_p_is_as_rare_as_it_says() -> None:
    """Exponential scores: over nulls and new patients, P(p <= a) <= a far below what ranks can give."""
    random = np.random.default_rng(3)
    hits = {0.02: 0.0, 0.005: 0.0}
    runs = 1500
    for _ in range(runs):
        null = expon.rvs(size=20, random_state=random)
        tail = predictive_tail(null)
        assert tail is not None
        grid = null.max() + np.geomspace(1e-3, 100, 200)
        p = tail.p_values(grid)
        for level in hits:
            below = np.flatnonzero(p <= level)
            hits[level] += expon.sf(grid[below[0]]) / runs if len(below) else 0.0
    for level, chance in hits.items():
        assert 0.1 * level < chance <= level
