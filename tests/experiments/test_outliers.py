"""The volumes behind a metric, on features laid out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from napari_relict.errors import UsageError
from napari_relict.experiments.outliers import gather_for, volumes_behind
from napari_relict.experiments.quality import Gathered
from napari_relict.quality.feature_sets import Space
from napari_relict.study import Study


def gathered(space: Space, cohorts: dict[str, int], patients: list[str] | None = None) -> Gathered:
    """Volumes tr0, tr1, ... whose rows are those of `space`, cohort by cohort."""
    rows = [(cohort, f"{cohort[:2]}{n}") for cohort, count in cohorts.items() for n in range(count)]
    volumes = pd.DataFrame(rows, columns=["cohort", "name"])
    volumes["patient"] = patients or volumes["name"]
    found: Any = Gathered(volumes, {})
    found.spaces[space.name] = space
    return found


def on_a_line(*places: float, each: int = 1) -> Space:
    rows = np.array(places, float)[:, None]
    return Space("mine", "mine", "vectors", 3 if each == 1 else 2, rows, each)


def test_near_and_far_are_told_by_the_holdout() -> None:
    # Training at 0 and 100, the holdout 9 to 11 away from them, synthetic volumes 1, 10 and 40 away.
    found = gathered(on_a_line(0, 100, 9, 10, 111, 1, 90, 60), {"training": 2, "holdout": 3, "synthetic": 3})
    behind = volumes_behind(found, "frechet", "mine")
    assert behind.real == "holdout volumes"
    assert (behind.low, behind.high) == pytest.approx((9.05, 10.95))
    told = behind.volumes.set_index("synthetic")
    assert told["value"].to_dict() == {"sy0": 1, "sy1": 10, "sy2": 40}
    assert told["training"].to_dict() == {"sy0": "tr0", "sy1": "tr1", "sy2": "tr1"}
    assert told["standing"].to_dict() == {"sy0": "nearer than real", "sy1": "as real", "sy2": "farther than real"}
    assert list(behind.volumes["synthetic"]) == ["sy2", "sy0", "sy1"], "the farthest outside first"


def test_without_a_holdout_training_volumes_are_compared_with_other_patients() -> None:
    # Two scans of one patient lie 1 apart; their nearest other patient 20.
    found = gathered(on_a_line(0, 1, 21, 22), {"training": 3, "synthetic": 1}, ["p", "p", "q", "s"])
    behind = volumes_behind(found, "frechet", "mine")
    assert (behind.low, behind.high) == pytest.approx((20, 20.95), abs=0.01)
    assert behind.volumes.iloc[0][["training", "value", "standing"]].to_list() == ["tr2", 1, "nearer than real"]


def test_of_slices_the_mean_over_them_counts() -> None:
    # Slices at 0 and 10 against a volume of slices at 1 and 13: (1 + 3) / 2.
    found = gathered(on_a_line(1, 13, 50, 50, 0, 10, each=2), {"training": 2, "synthetic": 1})
    row = volumes_behind(found, "frechet", "mine").volumes.iloc[0]
    assert (row["training"], row["value"]) == ("tr0", pytest.approx(2))


def test_looks_and_pairs() -> None:
    looks = Space("noise", "noise", "looks", 2, np.array([1.0, 2, 3, 9, 2]))
    told = volumes_behind(gathered(looks, {"training": 3, "synthetic": 2}), "noise").volumes
    assert list(told["standing"]) == ["higher than real", "as real"]
    assert set(told["training"]) == {""}
    similar = np.full((4, 4), np.nan)
    similar[2, 3] = similar[3, 2] = 0.9
    similar[0, 1] = similar[1, 0] = 0.5
    pairs = Space("pairs", "pairs of volumes", "pairs", 3, similar)
    told = volumes_behind(gathered(pairs, {"training": 2, "synthetic": 2}), "ms_ssim", "pairs").volumes
    assert list(told["value"]) == [0.9, 0.9]
    assert set(told["standing"]) == {"higher than real"}


def test_of_a_study(matched: Study) -> None:
    found = gather_for(matched, "frechet")
    behind = volumes_behind(found, "frechet", "radiomics")
    assert set(behind.volumes["synthetic"]) == set(matched.nearest().index)
    copy = behind.volumes.set_index("synthetic").loc["copy-mirror"]
    assert (copy["training"], copy["standing"]) == ("train-01", "nearer than real")
    with pytest.raises(UsageError, match="not there any more"):
        volumes_behind(found, "frechet", "an encoder")
    with pytest.raises(UsageError, match="no metric 'fid'"):
        gather_for(matched, "fid")
