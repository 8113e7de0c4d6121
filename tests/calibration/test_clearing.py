"""Cleared lists promise only what ratings show; the number of copies is a lower bound."""

from __future__ import annotations

import numpy as np
import pytest

from napari_relict.calibration.clearing import clear_by_null, clear_by_ratings, fewest_to_clear
from napari_relict.calibration.copies import copies_by_ratings, copies_by_scores


def test_fifty_nine_good_ones_bound_a_risk_of_one_in_twenty() -> None:
    assert fewest_to_clear(0.05) == 59
    suspicion = np.linspace(0, 1, 200)
    rated = np.arange(200) < 58
    assert not clear_by_ratings(suspicion, rated, np.zeros(200, bool), 0.05).cleared.any()
    found = clear_by_ratings(suspicion, np.arange(200) < 59, np.zeros(200, bool), 0.05)
    assert found.cleared.sum() == found.checked == 59
    assert found.bound == pytest.approx(0.05, abs=0.001)


def test_clearing_stops_where_replicas_begin() -> None:
    random = np.random.default_rng(0)
    replica = np.arange(300) >= 200
    suspicion = random.random(300) + 2 * replica
    rated = random.random(300) < 0.7
    found = clear_by_ratings(suspicion, rated, replica, 0.05)
    assert 0 < found.bound <= 0.05
    assert (found.cleared & replica).sum() <= 10
    assert found.cleared.sum() > 100


def test_without_ratings_those_no_closer_than_strangers_go() -> None:
    found = clear_by_null(np.array([0.01, 0.05, 0.06, 1.0, np.nan]), 0.05)
    assert found.cleared.tolist() == [False, False, True, True, False]
    assert np.isnan(found.bound)


def test_copies_are_counted_and_none_are_made_up() -> None:
    random = np.random.default_rng(1)
    null, mine = random.standard_normal(200), random.standard_normal(100)
    nothing = copies_by_scores(mine, null)
    mine[:20] += 9
    some = copies_by_scores(mine, null)
    assert nothing is not None and some is not None
    assert nothing.low < 0.5
    assert some.low <= 20 <= some.high
    assert some.low > 4
    assert copies_by_scores(mine, null[:5]) is None


def test_rated_volumes_speak_for_all() -> None:
    found = copies_by_ratings(3, 30, 100)
    assert found is not None
    assert found.copies == pytest.approx(10)
    assert 3 <= found.low < 10 < found.high < 73
    everything = copies_by_ratings(3, 100, 100)
    assert everything is not None
    assert (everything.low, everything.high) == (3, 3)
    assert copies_by_ratings(0, 0, 100) is None
