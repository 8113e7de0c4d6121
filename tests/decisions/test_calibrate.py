"""Verdicts of volumes that copy a part, and of those that only look alike, in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_relict.calibration import NullScores, Verdict
from napari_relict.decisions.calibrate import Judged, judge
from napari_relict.decisions.rated_pairs import thresholds
from napari_relict.measures import choose_measures
from napari_relict.records.settings import CohortFolders, GridSettings, Settings, VerdictSettings

MEASURES = choose_measures(["ncc", "half", "region", "nmi", "half_ncc", "region_ncc", "bend", "lesion"])
NULL = {"nmi": 1.05, "half_ncc": 0.6, "region_ncc": 0.5, "bend": 5.0}
RANDOM = np.random.default_rng(0)


def _settings(tmp_path: Path, **verdicts: object) -> Settings:
    folders = {name: CohortFolders(volumes=str(tmp_path / name)) for name in ("training", "synthetic", "holdout")}
    grid = GridSettings(shape=(101, 101, 101), spacing=(2, 2, 2))
    rules = VerdictSettings(**verdicts)  # type: ignore[arg-type]
    return Settings(name="s", modality="mr", cohorts=folders, grid=grid, verdicts=rules)  # type: ignore[arg-type]


def _match(name: str, **scores: float) -> dict[str, object]:
    where = {"part": "left", "region_z": 60.0, "region_y": 40.0, "region_x": 55.0, "region_mm": 38.0}
    mine = {m.name: np.nan for m in MEASURES} | NULL | {"lesion": 0.0} | scores
    return {"synthetic": name, "training": "t", "rank": 1, "mirrored": False, "inverted": False, **where, **mine}


def _judged(
    settings: Settings, matches: list[dict[str, object]], grades: dict[str, int] | None = None, patients: int = 60
) -> Judged:
    typical = {name: value * (1 + 0.01 * RANDOM.normal(size=patients)) for name, value in NULL.items()}
    typical["bend"] = 6 * np.exp(0.15 * RANDOM.normal(size=patients))
    nulls = {m.name: NullScores(m.name, typical.get(m.name, np.full(patients, np.nan)), "holdout") for m in MEASURES}
    table = pd.DataFrame(matches)
    nearest = table.set_index("synthetic")[[m.name for m in MEASURES]].astype(float)
    ratings = pd.DataFrame(
        [("r", name, "t", grade, True, "first") for name, grade in (grades or {}).items()],
        columns=["reader", "synthetic", "training", "grade", "blinded", "round"],
    )
    cuts = thresholds(table, ratings, MEASURES)
    gaps = pd.DataFrame(np.nan, nearest.index, nearest.columns)
    return judge(table, nearest, gaps, nulls, ratings, MEASURES, cuts, settings, {})


def _verdict(bend: float, tmp_path: Path, **scores: float) -> Verdict:
    (found,) = _judged(_settings(tmp_path), [_match("s", bend=bend, **scores)]).verdicts
    return found


def test_a_whole_copy_is_exact_and_a_bent_one_near(tmp_path: Path) -> None:
    assert _verdict(0.1, tmp_path, nmi=1.5).verdict == "exact replica"
    assert _verdict(1.2, tmp_path, nmi=1.5).verdict == "near replica"


def test_a_whole_volume_bent_far_is_undecided(tmp_path: Path) -> None:
    found = _verdict(4.0, tmp_path, nmi=1.5)
    assert found.verdict == "undecided"
    assert found.q_value < 0.05
    assert "bent by 4.0 mm: a look-alike" in found.evidence


def test_the_evidence_says_how_far_the_anatomy_agrees_and_what_p_assumes(tmp_path: Path) -> None:
    found = _verdict(0.16, tmp_path, nmi=1.5)
    assert "after alignment the anatomy of the two agrees to 0.16 mm; between different people of this study" in (
        found.evidence
    )
    assert "(60 pairs)" in found.evidence
    assert "by a fitted tail (which assumes" in found.evidence
    assert "by ranks alone 0.016, the smallest that 60 patients can give" in found.evidence
    assert found.p_value < found.p_rank == pytest.approx(1 / 61)


def test_a_copy_turned_by_fifteen_degrees_is_called_with_twelve_holdout_patients(tmp_path: Path) -> None:
    """The study that began this: 27 volumes, one copy whose anatomy agrees to 0.16 mm, strangers 4.1 to 8 mm."""
    strangers = [
        _match(f"s{i:02}", nmi=1.05 + 0.01 * RANDOM.normal(), bend=float(RANDOM.uniform(4.5, 8))) for i in range(26)
    ]
    found = _judged(_settings(tmp_path), [_match("copy", nmi=1.59, bend=0.16), *strangers], patients=12)
    said = {one.synthetic: one.verdict for one in found.verdicts}
    assert said.pop("copy") == "exact replica"
    assert set(said.values()) <= {"no replica", "undecided"}
    assert list(said.values()).count("no replica") >= 22


def _rated_study(tmp_path: Path, rule: str) -> Judged:
    """Six rated replicas and six rated others; three unrated volumes: like the ones, like the others, between."""
    graded = {f"r{i:02}": 4 if i < 6 else 1 for i in range(12)}
    rated = [_match(name, nmi=1.06 + 0.001 * i if i < 6 else 1.04 + 0.001 * (i - 6), bend=5.0)
             for i, name in enumerate(graded)]  # fmt: skip
    unrated = [_match("like", nmi=1.07, bend=5.0), _match("unlike", nmi=1.03, bend=5.0)]
    return _judged(_settings(tmp_path, rule=rule), [*rated, *unrated], graded)


@pytest.mark.parametrize(
    ("rule", "like", "unlike"),
    [
        ("null", ("no replica", "null"), ("no replica", "null")),
        ("ratings", ("near replica", "ratings"), ("no replica", "ratings")),
        ("either", ("near replica", "ratings"), ("no replica", "null and ratings")),
    ],
)
def test_ratings_call_what_nobody_rated(
    rule: str, like: tuple[str, str], unlike: tuple[str, str], tmp_path: Path
) -> None:
    found = _rated_study(tmp_path, rule)
    said = {one.synthetic: (one.verdict, one.rule) for one in found.verdicts}
    assert (said["like"], said["unlike"]) == (like, unlike)
    assert said["r00"] == ("exact replica", "rating") and said["r11"] == ("no replica", "rating")
    assert found.errors is not None and found.errors.rule == rule
    if rule != "null":
        assert (found.errors.called, found.errors.wrong) == (6, 0)
        assert "threshold of" in found.errors.said


def test_with_few_ratings_the_null_alone_decides(tmp_path: Path) -> None:
    graded = {f"r{i}": 4 if i < 3 else 1 for i in range(8)}
    matches = [*(_match(name, nmi=1.05, bend=5.0) for name in graded), _match("s", nmi=1.05, bend=5.0)]
    either = _judged(_settings(tmp_path, rule="either"), matches, graded)
    assert {one.synthetic: one.rule for one in either.verdicts}["s"] == "null"
    assert either.errors is None
    ratings = _judged(_settings(tmp_path, rule="ratings"), matches, graded)
    (alone,) = (one for one in ratings.verdicts if one.synthetic == "s")
    assert alone.verdict == "undecided" and "too few ratings" in alone.evidence


@pytest.mark.parametrize(
    ("measure", "words"),
    [("half_ncc", "the left half is copied"), ("region_ncc", "20 mm superior, 20 mm anterior, 10 mm left")],
)
def test_a_copied_part_is_near_however_far_the_rest_is_bent(measure: str, words: str, tmp_path: Path) -> None:
    found = _verdict(4.0, tmp_path, **{measure: 3.0})
    assert found.verdict == "near replica"
    assert words in found.evidence
    assert "look-alike" not in found.evidence


def test_a_measure_that_four_rated_volumes_have_calls_nobody(tmp_path: Path) -> None:
    """Two and two separated scores look perfect; the measure that all twelve have is chosen."""
    graded = {f"r{i:02}": 4 if i < 6 else 1 for i in range(12)}
    matches = []
    for i, name in enumerate(graded):
        few = {"region_ncc": (2.0 if i < 6 else 0.1) if i in (0, 1, 6, 7) else np.nan}
        # By NMI one of twelve is on the wrong side.
        nmi = (1.06 if i < 6 else 1.04) + 0.001 * (i % 6) - (0.03 if i == 5 else 0.0)
        matches.append(_match(name, nmi=nmi, bend=5.0, half_ncc=np.nan, **few))
    found = _judged(_settings(tmp_path, rule="ratings"), [*matches, _match("s", nmi=1.05, bend=5.0)], graded)
    assert found.errors is not None and "threshold of Region" not in found.errors.said


def test_a_measure_without_a_threshold_is_said(tmp_path: Path) -> None:
    graded = {f"r{i:02}": 4 if i < 6 else 1 for i in range(12)}
    matches = [_match(name, nmi=1.06 if i < 6 else 1.04, bend=5.0) for i, name in enumerate(graded)]
    found = _judged(_settings(tmp_path, measure="dice"), matches, graded)
    assert any("the measure dice" in line for line in found.cautions)
