"""Intervals of cuts: smoothed the more the fewer there are, and not stretched by outliers."""

from __future__ import annotations

import numpy as np
import pytest

from napari_relict.calibration.cuts import SMOOTHING, best_cuts, cut_interval, noise_scale
from napari_relict.calibration.resampling import resample


def test_smoothing_goes_by_the_spread_of_a_kind_and_by_how_many_it_has() -> None:
    values = np.concatenate([np.linspace(0, 1, 5), 10 * np.linspace(0, 1, 50)])
    truth = np.arange(55) < 5
    scale = noise_scale(values, truth)
    # The quarters of evenly spaced values lie half their range apart.
    np.testing.assert_allclose(scale[:5], SMOOTHING * min(0.5 / 1.349, np.linspace(0, 1, 5).std(ddof=1)) / 5)
    np.testing.assert_allclose(scale[5:], SMOOTHING * values[5:].std(ddof=1) / 50)
    stretched = values.copy()
    stretched[4] = 1000
    assert noise_scale(stretched, truth)[0] == pytest.approx(SMOOTHING * 0.5 / 1.349 / 5)


@pytest.mark.parametrize("rule", ["balanced accuracy", "sensitivity", "specificity"])
def test_an_interval_is_wider_than_unsmoothed_and_moves_with_the_values(rule: str) -> None:
    truth = np.arange(50) < 5
    values = np.random.default_rng(1).standard_normal(50) + 2 * truth
    drawn, said = resample(truth, None, 400, np.random.default_rng(2))

    def interval(values: np.ndarray) -> np.ndarray:
        return np.array(cut_interval(values, truth, drawn, said, rule, 0.9, np.random.default_rng(3)))

    low, high = interval(values)
    plain = best_cuts(values[drawn], said, rule, 0.9)
    assert high - low > np.quantile(plain.highest, 0.975) - np.quantile(plain.lowest, 0.025) - 0.5
    np.testing.assert_allclose(interval(5 * values + 7), 5 * np.array([low, high]) + 7)


def test_the_true_cut_is_held_where_five_replicas_were_rated() -> None:
    truth, held = np.arange(50) < 5, 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        values = random.standard_normal(50) + 2 * truth
        drawn, said = resample(truth, None, 200, random)
        low, high = cut_interval(values, truth, drawn, said, "balanced accuracy", 0.95, random)
        held += int(low <= 1 <= high)
    assert held >= 54  # 79% of 60 would be 47
