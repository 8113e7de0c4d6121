"""The benchmark's simulations, a few of each: they run, and nothing is far from what it should be."""

from __future__ import annotations

from benchmarks.calibration import page
from benchmarks.calibration_ratings import brier, needed, next_ones
from benchmarks.calibration_studies import counts, flags, readers, releases, tails, thresholds


def test_intervals_hold_the_truth_in_most_of_a_few_studies() -> None:
    found = [
        *thresholds(15, 25, 25, 2.0),
        *readers(6, 40, 0.5),
        *tails(8, 150, False),
        *counts(20, 100, 10, 6.0),
    ]
    for rate in found:
        share = rate.hits / rate.studies
        assert share > 0.6 if rate.wanted.startswith("95%") else share < 0.3, rate


def test_non_copies_are_rarely_flagged() -> None:
    found = {rate.what: rate for rate in [*flags(30, 119, copies=4), *releases(50, 200, 0.05, 3.0)]}
    assert found["a non-copy flagged (q < 0.05)"].hits <= 5
    assert found["a far copy flagged"].hits > 60
    text = page({"Verdicts": list(found.values())}, 30, 1.0)
    assert "false discovery rate" in text
    assert "30 simulated studies a row" in text


def test_ratings_to_come_are_as_said_in_most_of_a_few_studies() -> None:
    named, narrower, as_expected = next_ones(6, 30, 2.0)
    assert named.hits >= 3
    assert narrower.hits >= 5
    assert as_expected.hits >= 3
    low, number, high = needed(6, 40, 2.0, 0.7)
    assert low.hits <= 1 < high.hits
    assert low.hits <= number.hits <= high.hits
    assert brier(3, 44, 0.5, 1.5)[0].hits >= 1
