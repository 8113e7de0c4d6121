"""How many copies, and of how many patients: seen in order of closeness."""

from __future__ import annotations

import numpy as np
import pytest

from napari_relict.calibration.copies import CopyCount, copies_by_scores, patients_copied


def test_patients_are_those_of_the_closest_volumes() -> None:
    statistics = np.array([1.0, 9.0, np.nan, 8.0, 7.0, 2.0])
    patients = ["e", "a", "z", "a", "b", "c"]
    found = patients_copied(CopyCount("scores", 2.6, 1.9, 4.2, "some", ""), statistics, patients)
    # Closest first: a, a, b, c, e, and last the one without a statistic. 1, 3 and 5 of them count.
    assert (found.low, found.copies, found.high) == (1, 2, 4)
    assert "patients" in found.estimated_on


def test_none_copied_none_seen() -> None:
    random = np.random.default_rng(0)
    null, mine = random.standard_normal(200), np.full(50, -9.0)
    copies = copies_by_scores(mine, null)
    assert copies is not None
    assert patients_copied(copies, mine, ["p"] * 50).copies == 0


@pytest.mark.parametrize(("volumes", "copies"), [(100, 1), (100, 5), (50, 5), (50, 45)])
def test_the_interval_holds_the_number_of_blatant_copies(volumes: int, copies: int) -> None:
    """Few copies whose neighbours are strangers: a bootstrap of a share of 0 said 0 (0 to 0)."""
    held = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        null, mine = random.standard_normal(50), random.standard_normal(volumes)
        mine[:copies] += 12
        found = copies_by_scores(mine, null, called=copies)
        assert found is not None and found.high >= copies
        held += found.low <= copies
    assert held >= 53


def test_called_copies_are_counted_where_the_others_are_far() -> None:
    random = np.random.default_rng(3)
    mine = random.standard_normal(100) - 3
    mine[:3] = 12
    found = copies_by_scores(mine, random.standard_normal(50), called=3)
    assert found is not None
    assert found.copies >= 2.8 and found.low >= 1 and found.high >= 3
