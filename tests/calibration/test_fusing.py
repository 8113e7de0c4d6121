"""Several levels, one p-value: equal to its definition, as rare as it says, and no level lost by one missing value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from napari_relict.calibration import fused_p_values
from napari_relict.calibration.fusing import fused, fused_statistics
from napari_relict.calibration.null import p_values


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


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(9, 40), st.integers(0, 2))
def test_fused_by_definition(seed: int, levels: int, patients: int, missing: int) -> None:
    random = np.random.default_rng(seed)
    null, mine = random.standard_normal((patients, levels)), 2 * random.standard_normal((4, levels))
    for _ in range(missing):
        null[random.integers(patients), random.integers(levels)] = np.nan
        mine[random.integers(4), random.integers(levels)] = np.nan
    ties = 1 + seed % 2
    found = fused(mine, null, ties=ties)
    for row in range(4):
        p, p_rank = naive.fused(mine[row], null, ties)
        np.testing.assert_allclose([found.p[row], found.p_rank[row]], [p, p_rank], rtol=1e-6)


def test_one_missing_value_costs_nobody_a_level() -> None:
    """Of twelve holdout patients one has no segmentation: a copy's segmentation still shows it."""
    random = np.random.default_rng(2)
    null = random.standard_normal((12, 2))
    null[3, 1] = np.nan
    found = fused(np.array([[0.0, 30.0], [30.0, np.nan]]), null)
    assert found.decided.tolist() == [1, 0]
    assert (found.p < 0.01).all()
    # A patient without one level makes p no smaller than without him.
    whole = fused(np.array([[0.0, 30.0]]), np.delete(null, 3, axis=0), tail=False)
    assert found.p_rank[0] >= whole.p_rank[0]


def test_a_copy_that_lacks_a_level_stays_in_the_counts() -> None:
    random = np.random.default_rng(4)
    null = random.standard_normal((150, 3))
    null[5:, 2] = np.nan
    statistics, of_null = fused_statistics(np.array([[0.0, 9.0, 0.0], [9.0, np.nan, 0.0], [np.nan] * 3]), null)
    assert np.isfinite(of_null).all()
    assert (statistics[:2] > of_null.max()).all()
    assert np.isnan(statistics[2])
