from __future__ import annotations

import numpy as np
import pytest
from fake_study import FakeStudy

from napari_relict.reading.reading_list import Showing
from napari_relict.viewer.data_models.scores import Scores, Strip, Threshold, number

COPY = Showing("syn-00", "patient-00")


def strip(score: float, higher: bool, threshold: float | None) -> Strip:
    null = np.array([0.2, 0.4, 0.6])
    cut = None if threshold is None else Threshold(threshold, threshold - 0.1, threshold + 0.1)
    return Strip("m", "M", "voxel", higher, score, null, "holdout", cut)


def test_past_the_threshold_follows_the_direction_of_the_measure() -> None:
    assert strip(0.9, True, 0.8).past_threshold() is True
    assert strip(0.7, True, 0.8).past_threshold() is False
    assert strip(0.1, False, 0.3).past_threshold() is True
    assert strip(0.5, False, 0.3).past_threshold() is False
    assert strip(0.5, False, None).past_threshold() is None
    assert strip(float("nan"), True, 0.3).past_threshold() is None


def test_sentences() -> None:
    assert strip(0.5, True, 0.8).sentence() == "closer than 2 of 3 holdout; short of threshold 0.800"
    assert strip(0.5, False, 0.8).sentence() == "closer than 1 of 3 holdout; past threshold 0.800"
    assert strip(float("nan"), True, 0.8).sentence() == "no score"


def test_strips_come_from_the_matches(study: FakeStudy) -> None:
    strips = Scores(study).strips(COPY)
    assert [s.name for s in strips] == ["ncc", "mse", "mobilenet_v2", "dice"]
    assert strips[0].score == pytest.approx(1.0)
    assert all(s.threshold is None for s in strips)
    assert Scores(study).strips(Showing("syn-00", "nobody")) == []


def test_mirrored_and_verdict(study: FakeStudy) -> None:
    scores = Scores(study)
    assert scores.mirrored(Showing("syn-02", "patient-02"))
    assert not scores.mirrored(COPY)
    assert scores.verdict(COPY) == "Verdict: exact replica (by null), p 0.010, q 0.020"
    assert scores.verdict(Showing("syn-00", "patient-01")) == ""


def test_calibrated_rows(study: FakeStudy) -> None:
    def rate(pair: Showing, grade: int, reader: str) -> None:
        study.rate(pair, grade, reader=reader, session="s")

    rate(COPY, 4, "ana")
    rate(COPY, 1, "ben")  # median 2.5: a tie falls on the replica's side
    rate(Showing("syn-03", "patient-03"), 1, "ana")
    scores = Scores(study)
    scores.rated = study.rated_volumes()
    rows = scores.calibrated()
    assert [row.replica.tolist() for row in rows] == [[True, False]] * 4
    assert rows[0].scores[0] == pytest.approx(1.0)
    assert rows[0].threshold is not None
    assert rows[0].accuracy == "0.900 [0.700, 1.000]"


def test_calibrated_without_ratings(study: FakeStudy) -> None:
    rows = Scores(study).calibrated()
    assert all(row.threshold is None and len(row.scores) == 0 for row in rows)
    assert rows[0].accuracy == "not enough ratings yet"


def test_what_could_not_be_computed_reads_as_missing(study: FakeStudy) -> None:
    study.rate(COPY, 4, reader="ana", session="s")
    study.rate(Showing("syn-03", "patient-03"), 1, reader="ana", session="s")
    scores = Scores(study)
    scores.thresholds = scores.thresholds.astype(object)
    scores.thresholds.loc[:, "threshold"] = None
    assert scores.threshold("ncc") is None


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.000"), (0.98765, "0.988"), (0.0012345, "0.00123"), (float("nan"), "–")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text
