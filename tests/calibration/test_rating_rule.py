"""Ratings call what nobody rated, and say how often they would have been wrong."""

from __future__ import annotations

import numpy as np
import pytest

from napari_relict.calibration.rating_rule import (
    Cut,
    by_ratings,
    calls_without_own_rating,
    cut_of,
    enough_ratings,
    errors,
)

CUT = Cut("nmi", "NMI", 0.8, 0.7, "0.8, 95% interval 0.7 to 0.9")
UNKNOWN = float("nan")


@pytest.mark.parametrize(
    ("probability", "closeness", "verdict"),
    [
        (0.1, 0.85, "near replica"),  # past the threshold
        (0.6, 0.5, "near replica"),  # probable, though short of it
        (0.1, 0.75, "undecided"),  # within its interval
        (0.1, 0.5, "no replica"),
        (UNKNOWN, 0.85, "near replica"),
        (0.2, UNKNOWN, "no replica"),
        (UNKNOWN, UNKNOWN, "undecided"),
    ],
)
def test_who_is_called(probability: float, closeness: float, verdict: str) -> None:
    assert by_ratings(probability, closeness, CUT, None).verdict == verdict


def test_an_unchanged_anatomy_makes_it_exact() -> None:
    assert by_ratings(0.9, 0.9, CUT, "").verdict == "exact replica"


def test_five_of_each_kind_are_needed() -> None:
    assert enough_ratings(np.repeat([True, False], 5))
    assert not enough_ratings(np.repeat([True, False], [4, 40]))


def test_the_end_on_the_side_of_strangers_counts_whatever_the_direction() -> None:
    row = {"measure": "mse", "threshold": 0.2, "threshold_low": 0.1, "threshold_high": 0.3}
    assert (cut_of(row, "MSE", False).value, cut_of(row, "MSE", False).low) == (-0.2, -0.3)
    assert (cut_of(row, "X", True).value, cut_of(row, "X", True).low) == (0.2, 0.1)


def test_no_volume_is_called_by_its_own_rating() -> None:
    """A score that knows nothing: by their own ratings volumes would look rightly called; half are not."""
    wrong = 0.0
    for seed in range(30):
        random = np.random.default_rng(seed)
        replica = np.arange(40) < 20
        called = calls_without_own_rating(
            random.standard_normal((40, 5)), replica, np.full(40, np.nan), "balanced accuracy", 0.95
        )
        wrong += float((called != replica).mean()) / 30
    assert wrong > 0.45


def test_a_score_that_knows_is_right() -> None:
    replica = np.arange(20) < 10
    closeness = np.column_stack([np.where(replica, 1.0, 0.0) + np.linspace(0, 0.1, 20), np.zeros(20)])
    called = calls_without_own_rating(closeness, replica, np.full(20, np.nan), "balanced accuracy", 0.95)
    np.testing.assert_array_equal(called, replica)


def test_errors_are_said_with_their_interval() -> None:
    said = errors("ratings", ["near replica"] * 8 + ["no replica"] * 4 + ["undecided"], np.arange(13) < 7)
    assert (said.called, said.wrong, said.cleared, said.missed) == (8, 1, 4, 0)
    assert "wrong among called 1 of 8 (12%, 95% interval" in said.said
    assert "replicas among cleared 0 of 4 (0%, 95% interval 0% to" in said.said
