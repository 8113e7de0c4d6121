"""A match that was stopped goes on where it was, at whatever stage, and gives what an undisturbed one gives."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import coarse_phantom as phantom
from napari_relict.errors import Cancelled
from napari_relict.matching import dense_search, duplicates, half_search, search, tables
from napari_relict.matching.pairwise_alignment import Task, Verified, verify
from napari_relict.study import Study

MEASURES = ("ncc", "half", "nmi", "half_ncc", "surface_dice", "dice")
QUERIES = 4 + 3 + 1  # synthetic, holdout, a left-out training patient


@pytest.fixture(scope="module")
def unmatched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resume")
    places = phantom.write_study_folders(folder / "data", training=5, holdout=3, novel=1)
    return phantom.with_null_of(Study.create(folder / "study", **places).folder, 4, verify=1)


@pytest.fixture(scope="module")
def undisturbed(unmatched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = Study.open(shutil.copytree(unmatched, tmp_path_factory.mktemp("undisturbed") / "study"))
    assert study.match(measures=MEASURES) == []
    return study.folder


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that were really verified."""
    queries: list[str] = []

    def counted(task: Task) -> list[Verified]:
        queries.append(task.query)
        return verify(task)

    monkeypatch.setattr(search, "verify", counted)
    return queries


def _same_tables(one: Study, other: Study, atol: float = 1e-12) -> None:
    for table in ("matches", "nearest", "verdicts", "duplicates"):
        pd.testing.assert_frame_equal(getattr(one, table)(), getattr(other, table)(), rtol=0, atol=atol, obj=table)


def test_every_stage_can_be_stopped(
    unmatched: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BLOCK_ROWS", 2)
    monkeypatch.setattr(half_search, "BLOCK", 2)
    study = Study.open(shutil.copytree(unmatched, tmp_path / "study"))
    stopped: list[str] = []

    def stop_at_a_new_stage(stage: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        if stage not in stopped:
            stopped.append(stage)
            assert done < total or total == 0, stage  # before it is over
            raise Cancelled(stage)

    for _ in range(20):
        try:
            study.match(measures=MEASURES, progress=stop_at_a_new_stage)
            break
        except Cancelled:
            assert study.matches().empty
    assert stopped == [
        "reference",
        *(f"prepare {cohort}" for cohort in ("training", "holdout", "synthetic")),
        *(f"duplicates, {cohort}" for cohort in ("training", "holdout")),
        *("search", "search halves", "align and verify"),
    ]
    _same_tables(study, Study.open(undisturbed), atol=1e-4)  # halves in blocks of another size


def test_a_second_match_verifies_nothing_again(undisturbed: Path, tmp_path: Path, verified: list[str]) -> None:
    study = Study.open(shutil.copytree(undisturbed, tmp_path / "study"))
    assert study.match(measures=MEASURES) == []
    assert verified == []
    _same_tables(study, Study.open(undisturbed))
    (study.folder / "volumes" / "verified.sqlite").unlink()
    study.match(measures=MEASURES)
    assert len(verified) == QUERIES
    _same_tables(study, Study.open(undisturbed))


KILLED = """
import os, signal, sys
from napari_relict.study import Study

def kill(stage, done, total):
    if stage == "align and verify" and done == 3:
        os.kill(os.getpid(), signal.SIGKILL)

Study.open(sys.argv[1]).match(measures=sys.argv[2].split(","), progress=kill)
"""


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_verification_that_ended_early_goes_on_where_it_was(
    how: str, unmatched: Path, undisturbed: Path, tmp_path: Path, verified: list[str]
) -> None:
    study = Study.open(shutil.copytree(unmatched, tmp_path / "study"))

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "align and verify" and done == 3:
            raise Cancelled(stage)

    if how == "stopped":
        with pytest.raises(Cancelled):
            study.match(measures=MEASURES, progress=stop)
    else:
        command = [sys.executable, "-c", KILLED, str(study.folder), ",".join(MEASURES)]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    verified.clear()
    study.match(measures=MEASURES)
    assert len(verified) == QUERIES - 3
    _same_tables(study, Study.open(undisturbed))


@pytest.mark.parametrize("where", ["duplicates, training", "duplicates, holdout", "search"])
def test_parts_of_a_stopped_search_are_not_searched_again(
    where: str, unmatched: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of two training volumes here: three of them for each of three cohorts in the search (the null is two), six
    and three for duplicates."""
    done: list[str] = []

    def counted(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*given: Any) -> Any:
            found = work(*given)
            done.append(name)
            return found

        return wrapper

    for module, name in ((dense_search, "score_shard"), (duplicates, "_look")):
        monkeypatch.setattr(module, "PART", 2)
        monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    study = Study.open(shutil.copytree(unmatched, tmp_path / "study"))

    def stop(stage: str, at: int, total: int) -> None:
        if stage == where and len(done) >= stop_after:
            raise Cancelled(stage)

    stop_after = {"duplicates, training": 2, "duplicates, holdout": 5, "search": 8}[where]
    with pytest.raises(Cancelled):
        study.match(measures=MEASURES, progress=stop)
    assert len(done) == stop_after
    study.match(measures=MEASURES)
    assert sorted(done) == ["_look"] * (3 + 3) + ["score_shard"] * (3 + 3 + 3), "each part once, over both runs"
    assert not (study.folder / "volumes" / "search").exists()
    _same_tables(study, Study.open(undisturbed), atol=1e-4)  # halves in blocks of another size


@pytest.mark.parametrize(
    ("before", "after"),
    [('alignment = "similarity"', 'alignment = "rigid"'), ("tolerance_mm = 2.0", "tolerance_mm = 3.0")],
)
def test_another_setting_verifies_anew(
    undisturbed: Path, tmp_path: Path, verified: list[str], before: str, after: str
) -> None:
    folder = shutil.copytree(undisturbed, tmp_path / "study")
    text = (folder / "study.toml").read_text()
    assert before in text
    (folder / "study.toml").write_text(text.replace(before, after))
    Study.open(folder).match(measures=MEASURES)
    assert len(verified) == QUERIES


def test_other_measures_verify_anew(undisturbed: Path, tmp_path: Path, verified: list[str]) -> None:
    study = Study.open(shutil.copytree(undisturbed, tmp_path / "study"))
    study.match(measures=[*MEASURES, "ssim"])
    assert len(verified) == QUERIES
    assert study.matches()["ssim"].notna().any()


@pytest.mark.parametrize("what", ["volume", "segmentation"])
def test_a_changed_volume_is_verified_anew(unmatched: Path, tmp_path: Path, verified: list[str], what: str) -> None:
    data = tmp_path / "data"
    places = phantom.write_study_folders(data, training=4, holdout=1, novel=1)
    study = Study.open(phantom.with_null_of(Study.create(tmp_path / "study", **places).folder, 2, verify=1))
    study.match(measures=MEASURES)
    verified.clear()
    values, labels = phantom.head(77)
    if what == "volume":
        phantom.write(places["synthetic"], "novel-0", values)
    else:
        phantom.write(places["synthetic_segmentations"], "novel-0", labels)
    study.match(measures=MEASURES)
    assert verified == ["novel-0"]
