"""Probabilities from all levels: calibrated on volumes they had not seen, silent without ratings."""

from __future__ import annotations

import numpy as np
import pytest

from napari_relict.calibration.probability import calibration_bins, fuse


def _study(n: int, seed: int = 0, apart: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.random(n) < 0.4
    return np.column_stack([random.standard_normal(n), apart * truth + random.standard_normal(n)]), truth


def test_the_level_that_tells_them_apart_is_named() -> None:
    z, truth = _study(60)
    found = fuse(z, np.arange(60) < 50, truth)
    assert (found.level[truth] == 1).mean() > 0.7
    assert (found.level[~truth] == 1).mean() < 0.5
    assert found.brier_low < found.brier < found.brier_high < found.brier_of_share
    assert found.bins["ratings"].sum() == found.n_rated == 50
    assert found.kind == "logistic"


def test_a_level_that_is_blind_to_some_copies_does_not_hide_them() -> None:
    random = np.random.default_rng(2)
    z = random.standard_normal((160, 2))
    z[:20] += 8  # both levels see these
    z[20:35] += (8, -8)  # the second takes these for nobody
    z[35:50] += (-8, 8)  # and the first these
    truth = np.arange(160) < 50
    found = fuse(z, np.ones(160, bool), truth)
    assert found.probability[truth].min() > found.probability[~truth].max()
    assert (found.level[20:35] == 0).all()
    assert (found.level[35:50] == 1).all()


def test_a_score_that_knows_nothing_does_no_better_than_the_share() -> None:
    z, truth = _study(60, seed=3, apart=0.0)
    found = fuse(z, np.ones(60, bool), truth)
    assert found.brier > found.brier_of_share - 0.02
    assert np.ptp(found.probability) < 0.6


def test_isotonic_needs_fifty_ratings() -> None:
    z, truth = _study(80)
    assert "too few ratings for isotonic" in fuse(z, np.arange(80) < 45, truth, "isotonic").note
    found = fuse(z, np.arange(80) < 70, truth, "isotonic")
    assert found.kind == "isotonic"
    assert found.brier < found.brier_of_share
    assert found.probability[70:].shape == (10,)


def test_few_ratings_give_no_probability() -> None:
    z, truth = _study(30)
    found = fuse(z, np.arange(30) < 6, truth)
    assert np.isnan(found.probability).all()
    assert np.isnan(found.brier)
    assert found.bins.empty
    assert "needs 5" in found.note


def test_bins_hold_counts() -> None:
    bins = calibration_bins(np.array([0.0, 0.05, 0.95, 1.0, 0.6]), np.array([False, True, True, True, False]))
    assert list(bins["ratings"]) == [2, 1, 2]
    assert list(bins["observed"]) == pytest.approx([0.5, 0, 1])
    assert (bins["low"] < bins["high"]).all()
