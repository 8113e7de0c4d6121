"""Verdicts of volumes that copy a part, and of those that only look alike, in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_relict.calibration import NullScores, Verdict
from napari_relict.measures import choose_measures
from napari_relict.study.calibrating import verdicts
from napari_relict.study.settings import CohortFolders, GridSettings, Settings

MEASURES = choose_measures(["ncc", "half", "region", "nmi", "half_ncc", "region_ncc", "bend", "lesion"])
NULL = {"nmi": 1.05, "half_ncc": 0.6, "region_ncc": 0.5}
RANDOM = np.random.default_rng(0)


def _verdict(bend: float, tmp_path: Path, **scores: float) -> Verdict:
    folders = {name: CohortFolders(volumes=str(tmp_path / name)) for name in ("training", "synthetic", "holdout")}
    grid = GridSettings(shape=(101, 101, 101), spacing=(2, 2, 2))
    settings = Settings(name="s", modality="mr", cohorts=folders, grid=grid)  # type: ignore[arg-type]
    typical = {name: value + 0.01 * RANDOM.normal(size=60) for name, value in NULL.items()}
    nulls = {m.name: NullScores(m.name, typical.get(m.name, np.full(60, np.nan)), "holdout") for m in MEASURES}
    mine = {m.name: np.nan for m in MEASURES} | NULL | {"bend": bend, "lesion": 0.0} | scores
    where = {"part": "left", "region_z": 60.0, "region_y": 40.0, "region_x": 55.0, "region_mm": 38.0}
    match = {"synthetic": "s", "training": "t", "rank": 1, "mirrored": False, "inverted": False, **where, **mine}
    nearest = pd.DataFrame([mine], index=["s"])
    ratings = pd.DataFrame(columns=["synthetic", "training", "reader", "grade"])
    (found,) = verdicts(pd.DataFrame([match]), nearest, nulls, ratings, MEASURES, settings, {})
    return found


def test_a_whole_copy_is_exact_and_a_bent_one_near(tmp_path: Path) -> None:
    assert _verdict(0.1, tmp_path, nmi=1.5).verdict == "exact replica"
    assert _verdict(1.2, tmp_path, nmi=1.5).verdict == "near replica"


def test_a_whole_volume_bent_far_is_a_look_alike(tmp_path: Path) -> None:
    found = _verdict(4.0, tmp_path, nmi=1.5)
    assert found.verdict == "no replica"
    assert found.q_value < 0.05
    assert "bent by 4.0 mm: a look-alike" in found.evidence


@pytest.mark.parametrize(
    ("measure", "words"),
    [("half_ncc", "the left half is copied"), ("region_ncc", "20 mm superior, 20 mm anterior, 10 mm left")],
)
def test_a_copied_part_is_near_however_far_the_rest_is_bent(measure: str, words: str, tmp_path: Path) -> None:
    found = _verdict(4.0, tmp_path, **{measure: 3.0})
    assert found.verdict == "near replica"
    assert words in found.evidence
    assert "look-alike" not in found.evidence
