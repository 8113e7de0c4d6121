"""What to rate next: pairs near the cut, and a number of ratings that more precision costs."""

from __future__ import annotations

import numpy as np
import pytest

from napari_relict.calibration.active import CANDIDATES, expected_widths, ratings_needed, threshold_width

RULE = ("balanced accuracy", 0.95)


def _rated(n: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = np.arange(n) < n // 2
    return random.standard_normal(n) + 2 * truth, truth


def test_a_pair_near_the_cut_tells_more_than_one_far_off() -> None:
    values, truth = np.array([0, 0.1, 0.2, 0.3, 2.0, 2.1, 2.2, 2.3]), np.arange(8) > 3
    expected = expected_widths(np.array([1.1, 9.0, -9.0]), np.array([0.5, 1.0, 0.0]), values, truth)
    assert expected[0] < expected[1]
    assert expected[0] < expected[2]


def test_only_the_nearest_are_simulated_and_without_ratings_none() -> None:
    values, truth = _rated()
    many = np.linspace(-3, 5, 100)
    assert np.isfinite(expected_widths(many, np.full(100, 0.5), values, truth)).sum() == CANDIDATES
    assert np.isnan(expected_widths(many, np.full(100, 0.5), values[:21], truth[:21])).all()


def test_more_ratings_make_the_interval_narrower_and_the_number_grows_with_precision() -> None:
    values, truth = _rated(60)
    now = threshold_width(values, truth, "balanced accuracy", 0.95)
    assert ratings_needed(values, truth, 2 * now).more == 0
    some, many = ratings_needed(values, truth, now * 0.8), ratings_needed(values, truth, now * 0.5)
    assert 0 < some.more < many.more
    assert some.more_low <= some.more <= some.more_high
    assert some.width == pytest.approx(now)


def test_too_few_ratings_say_nothing() -> None:
    values, truth = _rated(6)
    found = ratings_needed(values, truth, 1e-6)
    assert np.isnan(found.more)
    assert "too few" in found.note
