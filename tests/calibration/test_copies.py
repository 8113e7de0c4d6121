"""How many copies, and of how many patients: seen in order of closeness."""

from __future__ import annotations

import numpy as np

from napari_relict.calibration.copies import Count, copies_by_scores, patients_copied


def test_patients_are_those_of_the_closest_volumes() -> None:
    statistics = np.array([1.0, 9.0, np.nan, 8.0, 7.0, 2.0])
    patients = ["e", "a", "z", "a", "b", "c"]
    found = patients_copied(Count("scores", 2.6, 1.9, 4.2, "some", ""), statistics, patients)
    # Closest first: a, a, b, c, e, and last the one without a statistic. 1, 3 and 5 of them count.
    assert (found.low, found.copies, found.high) == (1, 2, 4)
    assert "patients" in found.estimated_on


def test_none_copied_none_seen() -> None:
    random = np.random.default_rng(0)
    null, mine = random.standard_normal(200), np.full(50, -9.0)
    copies = copies_by_scores(mine, null)
    assert copies is not None
    assert patients_copied(copies, mine, ["p"] * 50).copies == 0
