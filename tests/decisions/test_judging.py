"""What a study concludes from ratings: release lists, what to rate next, ROC points, the best measure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_relict.cli.app import main
from napari_relict.errors import UsageError
from napari_relict.reading.reading_list import Showing
from napari_relict.study import Study
from stored import stored_study


def _rate_all(study: Study, readers: tuple[str, ...] = ("ada",), count: int = 12) -> None:
    matches = study.matches()
    first = matches[matches["rank"] == 1].reset_index(drop=True)
    for number, row in first.head(count).iterrows():
        for reader in readers:
            study.rate(
                Showing(row["synthetic"], row["training"]), 4 if int(str(number)) < 4 else 1, reader=reader, session="s"
            )
    study.calibrate()


def test_a_release_says_what_it_cannot_promise(tmp_path: Path) -> None:
    study = stored_study(tmp_path / "s")
    found = study.release(0.05)
    assert len(found.withhold) == 4
    assert len(found.cleared) == 8
    assert set(found.withhold["why"]) == {"verdict"}
    assert np.isnan(found.bound)
    assert any("no bound" in line and "59" in line for line in found.said)
    assert [count.source for count in found.copies] == ["scores"]
    _rate_all(study, count=2)
    assert [count.source for count in study.copies()] == ["scores", "ratings"]
    assert study.release().withhold["rated"].sum() == 2
    with pytest.raises(UsageError):
        study.release(1)


def test_release_and_next_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = stored_study(tmp_path / "s")
    with pytest.raises(SystemExit) as end:
        main(["release", str(study.folder), "--risk", "0.05", "--to", str(tmp_path / "out")])
    assert end.value.code == 0
    assert len(pd.read_csv(tmp_path / "out" / "withhold.csv")) == 4
    assert len(pd.read_csv(tmp_path / "out" / "cleared.csv")) == 8
    assert "4 synthetic volumes to withhold, 8 cleared" in (tmp_path / "out" / "release.txt").read_text()
    with pytest.raises(SystemExit):
        main(["next", str(study.folder), "--count", "3", "--width", "0.01"])
    said = capsys.readouterr().out
    assert said.count("no threshold yet") == 3
    assert "too few ratings" in said


def test_next_to_rate_are_unrated_pairs_near_the_threshold(tmp_path: Path) -> None:
    study = stored_study(tmp_path / "s", synthetic=30, copies=4)
    spread = study.next_to_rate(5)
    assert len(spread) == 5
    assert spread["expected_width"].isna().all()
    _rate_all(study, count=14)
    table = study.next_to_rate(5)
    assert list(table.columns) == ["synthetic", "training", "why", "expected_width"]
    assert not set(table["synthetic"]) & set(study.ratings()["synthetic"])
    assert table["expected_width"].is_monotonic_increasing
    assert study.ratings_needed(1e-3).ratings == 14
    with pytest.raises(UsageError):
        study.next_to_rate(0)


def test_what_ratings_are_worth(tmp_path: Path) -> None:
    study = stored_study(tmp_path / "s")
    assert study.best_measure() is None
    assert study.roc("ncc").empty
    _rate_all(study, ("ada", "bob"))
    best = study.best_measure()
    assert best is not None
    assert (best.measure, best.balanced_accuracy, best.measures) == ("ncc", 1, 1)
    points = study.roc("ncc")
    assert (points["sensitivity"].iloc[-1], points["specificity"].iloc[-1]) == (1, 0)
    assert "2 readers" in study.thresholds()["estimated_on"].iloc[0]
    assert study.fusion().n_rated == 12


def test_a_tail_goes_below_the_resolution_and_only_agreed_pairs_count_if_asked_for(tmp_path: Path) -> None:
    study = stored_study(tmp_path / "s")
    assert study.verdicts()["p_tail"].isna().all()
    toml = study.folder / "study.toml"
    text = (
        toml.read_text()
        .replace('tail = "predictive"', 'tail = "pareto"')
        .replace('labels = "median"', 'labels = "consensus"')
    )
    toml.write_text(text.replace('rule = "balanced accuracy"', 'rule = "sensitivity"'))
    study = Study.open(study.folder)
    _rate_all(study)
    row = study.verdicts().iloc[0]
    assert row["p_rank"] == pytest.approx(1 / 101)
    assert row["p_tail_low"] <= row["p_tail"] <= row["p_tail_high"] == row["p_value"] < 1 / 101
    assert "by a fitted tail" in row["evidence"]
    first = study.matches().iloc[0]
    study.rate(Showing(first["synthetic"], first["training"]), 1, reader="bob", session="s")
    table = study.calibrate()
    assert table["n_rated"].iloc[0] == 11
    assert table["rule"].iloc[0] == "sensitivity"
