"""Ratings: append-only, undone by events, safe against kill -9, imported once however often."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from napari_relict.errors import DataError, UsageError
from napari_relict.study import Pair, Study

PAIR = Pair("copy-exact", "train-00")


def test_a_rating_holds_everything_that_was_said(matched: Study) -> None:
    event = matched.rate(
        *(PAIR, 3),
        reader="ada",
        session="s1",
        confidence=4,
        criteria=["anatomy", "lesion"],
        comment="same ventricles; Ünïcode",
        seconds=12.5,
        order_index=7,
        blinded=True,
        swapped=True,
    )
    (row,) = matched.ratings().to_dict("records")
    assert row["id"] == event
    assert (row["grade"], row["confidence"], row["criteria"]) == (3, 4, "anatomy; lesion")
    assert (row["comment"], row["seconds"], row["order_index"]) == ("same ventricles; Ünïcode", 12.5, 7)
    assert row["blinded"]
    assert row["swapped"]
    for kind in ("synthetic_hash", "training_hash", "scores_hash"):
        assert len(row[kind]) == 64


def test_the_latest_rating_of_a_pair_stands_and_undo_brings_the_earlier_one_back(matched: Study) -> None:
    matched.rate(PAIR, 1, reader="ada", session="s")
    matched.rate(PAIR, 4, reader="ada", session="s")
    matched.rate(PAIR, 2, reader="bob", session="s")
    assert matched.ratings().set_index("reader")["grade"].to_dict() == {"ada": 4, "bob": 2}
    assert matched.undo(reader="ada", session="s") == PAIR
    assert matched.ratings().set_index("reader")["grade"].to_dict() == {"ada": 1, "bob": 2}
    assert matched.undo(reader="ada", session="s") == PAIR
    assert matched.undo(reader="ada", session="s") is None
    assert list(matched.ratings()["reader"]) == ["bob"]
    assert list(matched.rating_events()["kind"]) == ["rate", "rate", "rate", "undo", "undo"]


def test_events_can_be_neither_changed_nor_deleted(matched: Study) -> None:
    matched.rate(PAIR, 1, reader="ada", session="s")
    database = sqlite3.connect(matched.folder / "study.sqlite")
    for statement in ("UPDATE rating_event SET grade = 4", "DELETE FROM rating_event"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(statement)
    database.close()


@pytest.mark.parametrize(("grade", "confidence", "reader"), [(0, None, "a"), (5, None, "a"), (2, 6, "a"), (2, 1, " ")])
def test_nonsense_is_refused(matched: Study, grade: int, confidence: int | None, reader: str) -> None:
    with pytest.raises(UsageError):
        matched.rate(PAIR, grade, reader=reader, session="s", confidence=confidence)
    assert matched.rating_events().empty


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_acknowledged_ratings_survive_kill_9(matched: Study) -> None:
    script = """
import sys
from napari_relict.study import Pair, Study
study = Study.open(sys.argv[1])
for number in range(10_000):
    print(study.rate(Pair("copy-exact", "train-00"), 1 + number % 4, reader="ada", session="s"), flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(matched.folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().strip() for _ in range(25)]
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += [line.strip() for line in process.stdout.read().splitlines() if len(line) == 36]
    stored = set(Study.open(matched.folder).rating_events()["id"])
    assert len(acknowledged) >= 25
    assert set(acknowledged) <= stored


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".json"])
def test_export_and_import_keep_every_event_and_are_idempotent(matched: Study, tmp_path: Path, ending: str) -> None:
    matched.rate(PAIR, 1, reader="ada", session="s", criteria=["anatomy"], comment='a "quoted", line')
    matched.rate(PAIR, 4, reader="ada", session="s", confidence=2)
    matched.undo(reader="ada", session="s")
    file = tmp_path / f"ratings{ending}"
    matched.export("ratings", file)
    other = Study.open(matched.folder)
    assert other.import_ratings(file) == 0
    database = sqlite3.connect(matched.folder / "study.sqlite")
    database.executescript("DROP TRIGGER rating_events_stay; DELETE FROM rating_event;")
    database.close()
    before = pd.read_csv(file) if ending == ".csv" else None
    assert other.import_ratings(file) == 3
    assert other.import_ratings(file) == 0
    (row,) = other.ratings().to_dict("records")
    assert (row["grade"], row["criteria"], row["comment"]) == (1, "anatomy", 'a "quoted", line')
    if before is not None:
        assert list(other.rating_events()["id"]) == list(before["id"])


def test_readers_may_be_called_na(matched: Study, tmp_path: Path) -> None:
    matched.rate(PAIR, 2, reader=" NA ", session="s")
    file = tmp_path / "ratings.csv"
    matched.export("ratings", file)
    assert matched.import_ratings(file) == 0
    assert matched.undo(reader=" NA ", session="s") == PAIR


def test_a_plain_table_can_be_imported(matched: Study, tmp_path: Path) -> None:
    file = tmp_path / "sheet.csv"
    file.write_text("reader,synthetic,training,grade\nada,copy-exact,train-00,4\nada,novel-0,train-03,1\n")
    assert matched.import_ratings(file) == 2
    assert matched.import_ratings(file) == 0
    assert sorted(matched.ratings()["grade"]) == [1, 4]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reader,synthetic,training\nada,copy-exact,train-00\n", "no column grade"),
        ("reader,synthetic,training,grade\nada,copy-exact,train-00,5\n", "grade '5'"),
        ("reader,synthetic,training,grade\nada,copy-exact,train-00,2.5\n", "grade '2.5'"),
        ("reader,synthetic,training,grade\n,copy-exact,train-00,2\n", "no reader"),
        ("reader,synthetic,training,grade,confidence\nada,copy-exact,train-00,2,7\n", "confidence '7' is not 1 to 5"),
        ("reader,synthetic,training,grade,confidence\nada,copy-exact,train-00,2,high\n", "confidence 'high'"),
        ("reader,synthetic,training,grade,kind\nada,copy-exact,train-00,2,guess\n", "kind 'guess'"),
        ("reader,synthetic,training,grade\nada,other,train-00,2\n", "no synthetic volume 'other'"),
        ("", "cannot be read"),
    ],
)
def test_a_bad_table_is_refused_whole(matched: Study, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "sheet.csv"
    file.write_text(text.replace("\nada,copy", "\nbob,novel-0,train-00,1\nada,copy", 1) if "grade\n" in text else text)
    with pytest.raises(DataError, match=said) as caught:
        matched.import_ratings(file)
    assert "sheet.csv" in str(caught.value)
    assert matched.rating_events().empty
