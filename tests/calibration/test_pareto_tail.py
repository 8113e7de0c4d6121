"""p below the resolution: close to the truth where the tail is known, with an interval that holds it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import expon, genpareto, norm

from napari_relict.calibration.pareto_tail import fit_tail, sharpened, tail_p_values


def test_too_small_a_null_is_refused() -> None:
    values = np.random.default_rng(0).standard_normal(300)
    assert fit_tail(values[:90]) is None
    assert fit_tail(np.array([])) is None
    small, large = fit_tail(values[:110]), fit_tail(values)
    assert small is not None
    assert large is not None
    assert small.threshold == pytest.approx(np.quantile(values[:110], 0.8))
    assert large.threshold == pytest.approx(np.quantile(values, 0.9))


def test_the_fit_is_the_one_of_scipy() -> None:
    values = genpareto.rvs(0.2, size=400, random_state=3)
    tail = fit_tail(values)
    assert tail is not None
    shape, _, scale = genpareto.fit(tail.excesses, floc=0)
    assert tail.shape == pytest.approx(shape, abs=0.02)
    assert tail.scale == pytest.approx(scale, rel=0.05)


def test_exponential_tails_go_on_as_they_do() -> None:
    tail = fit_tail(expon.rvs(size=1000, random_state=1))
    assert tail is not None
    for statistic in (4.0, 7.0, 9.0):
        p, low, high = tail.p_value(statistic)
        assert low <= p <= high
        assert low <= expon.sf(statistic) <= high
    assert np.isnan(tail.p_value(0.5)).all()


def test_farther_out_is_never_more_likely_and_far_out_is_never_certain() -> None:
    tail = fit_tail(norm.rvs(size=200, random_state=2))
    assert tail is not None
    ends = np.array([tail.p_value(statistic) for statistic in (1.5, 2.0, 3.0, 5.0, 20.0, 500.0)])
    assert (np.diff(ends[:, 0]) <= 0).all()
    assert (np.diff(ends[:, 2]) <= 1e-12).all()
    assert (ends[:, 2] > 1e-9).all()


def test_only_what_lies_in_the_tail_gets_a_p() -> None:
    random = np.random.default_rng(4)
    null = random.standard_normal((150, 2))
    tails = tail_p_values(np.array([[0.0, 9.0], [-1.0, -1.0]]), null)
    assert tails[0, 2] < 1 / 151
    assert np.isnan(tails[1]).all()
    assert np.isnan(tail_p_values(np.array([[0.0, 9.0]]), null[:50])).all()


def test_verdicts_rest_on_the_upper_end_where_it_is_smaller() -> None:
    p = np.array([0.01, 0.01, 0.01, np.nan])
    tail = np.array([[1e-6, 1e-9, 1e-3], [1e-3, 1e-4, 0.2], [np.nan] * 3, [1e-6, 1e-9, 1e-3]])
    np.testing.assert_array_equal(sharpened(p, tail), [1e-3, 0.01, 0.01, np.nan])
