"""Ranks count patients, the own patient is never a match, and the order follows what is most conspicuous."""

from __future__ import annotations

import numpy as np
import pytest

from napari_relict.matching.candidates import PairScores, _by_patient, _rank
from napari_relict.measures import choose_measures
from napari_relict.study.pipeline.match import order_pairs

OWNERS = np.array(["a", "a", "b", "c", "c", "d"])


def test_each_patient_stands_once_by_the_nearest_volume() -> None:
    closeness = np.array([0.1, 0.9, 0.8, 0.2, 0.7, np.nan])
    order = _by_patient(closeness, OWNERS, np.ones(6, bool))
    assert order.tolist() == [1, 2, 4]
    assert [_rank(order, OWNERS, index) for index in range(6)] == [1, 1, 2, 3, 3, None]


def test_the_own_patient_is_left_out() -> None:
    order = _by_patient(np.array([0.9, 0.8, 0.1, 0.2, 0.3, 0.4]), OWNERS, OWNERS != "a")
    assert order.tolist() == [5, 4, 2]


def _pair(training: str, ncc: float, dice: float, **ranks: int) -> PairScores:
    return PairScores("synthetic", "s", training, False, ranks, {"ncc": ncc, "dice": dice})  # type: ignore[arg-type]


def test_pairs_are_ordered_by_their_most_conspicuous_level() -> None:
    measures = choose_measures(["ncc", "dice"])
    null = {"ncc": np.linspace(0.7, 0.9, 21), "dice": np.linspace(0.4, 0.6, 21)}
    pairs = [
        _pair("plain", 0.92, 0.50, voxel=1, segmentation=3),
        _pair("same shape", 0.80, 0.95, voxel=9, segmentation=1),
        _pair("nothing", 0.85, 0.52, voxel=2, segmentation=2),
    ]
    ordered = order_pairs(pairs, measures, null, top=2)
    assert [pair.training for pair in ordered] == ["same shape", "plain"]


def test_the_nearest_of_every_level_is_kept_before_others() -> None:
    measures = choose_measures(["ncc", "dice"])
    null = {"ncc": np.linspace(0.7, 0.9, 21), "dice": np.linspace(0.4, 0.6, 21)}
    pairs = [_pair(f"near {i}", 0.99 - i / 1000, 0.1, voxel=i + 1, segmentation=9) for i in range(4)]
    pairs.append(_pair("shape", 0.5, 0.41, voxel=9, segmentation=1))
    kept = {pair.training for pair in order_pairs(pairs, measures, null, top=3)}
    assert kept == {"near 0", "near 1", "shape"}


def test_without_a_null_the_order_is_by_score() -> None:
    pairs = [_pair("far", 0.1, np.nan, voxel=2), _pair("near", 0.9, np.nan, voxel=1)]
    ordered = order_pairs(pairs, choose_measures(["ncc"]), {}, top=5)
    assert [pair.training for pair in ordered] == ["near", "far"]


def test_unknown_measures_are_refused() -> None:
    from napari_relict.errors import UsageError

    with pytest.raises(UsageError, match="no measure 'nope'"):
        choose_measures(["nope"])
