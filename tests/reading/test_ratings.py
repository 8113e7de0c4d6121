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
from napari_relict.reading.marked_regions import regions_from_text
from napari_relict.study import MarkedRegion, Showing, Study
from stored import stored_study, synthetic_name, training_name

NAMES = synthetic_name(0), training_name(0)
SHOWN = Showing(*NAMES)
OTHER = Showing(synthetic_name(5), training_name(5))
REGIONS = [MarkedRegion("point", (1.5, 2, 3)), MarkedRegion("box", (4, 5, 6), (10, 10, 8), on="training")]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return stored_study(tmp_path / "study")


def test_a_rating_holds_everything_that_was_said(study: Study) -> None:
    event = study.rate(
        *(Showing(*NAMES, repeat=True, swapped=True), 3),
        reader="ada",
        round="second",
        session="s1",
        confidence=4,
        criteria=["anatomy", "lesion"],
        comment="same ventricles; Ünïcode",
        seconds=12.5,
        order_index=7,
        blinded=True,
        regions=REGIONS,
    )
    (row,) = study.standing_ratings().to_dict("records")
    assert row["id"] == event
    assert (row["grade"], row["confidence"], row["criteria"]) == (3, 4, "anatomy; lesion")
    assert (row["comment"], row["seconds"], row["order_index"]) == ("same ventricles; Ünïcode", 12.5, 7)
    assert (row["blinded"], row["swapped"], row["repeat"], row["round"]) == (True, True, True, "second")
    assert row["regions"] == REGIONS
    for kind in ("synthetic_hash", "training_hash", "scores_hash"):
        assert len(row[kind]) == 64


def test_the_latest_rating_of_a_pair_stands_and_undo_brings_the_earlier_one_back(study: Study) -> None:
    study.rate(SHOWN, 1, reader="ada", session="s")
    study.rate(SHOWN, 4, reader="ada", session="s")
    study.rate(SHOWN, 2, reader="bob", session="s")
    assert study.ratings().set_index("reader")["grade"].to_dict() == {"ada": 4, "bob": 2}
    assert study.undo(reader="ada", session="s") == SHOWN
    assert study.ratings().set_index("reader")["grade"].to_dict() == {"ada": 1, "bob": 2}
    assert study.undo(reader="ada", session="s") == SHOWN
    assert study.undo(reader="ada", session="s") is None
    assert list(study.ratings()["reader"]) == ["bob"]
    assert list(study.rating_events()["kind"]) == ["rate", "rate", "rate", "undo", "undo"]


def test_rounds_and_repeats_stand_side_by_side(study: Study) -> None:
    again = Showing(*NAMES, repeat=True)
    study.rate(SHOWN, 1, reader="ada", session="s")
    study.rate(again, 2, reader="ada", session="s")
    study.rate(SHOWN, 3, reader="ada", session="s", round="second")
    standing = study.standing_ratings()
    assert list(zip(standing["round"], standing["repeat"], standing["grade"], strict=True)) == [
        *(("first", False, 1), ("first", True, 2), ("second", False, 3)),
    ]
    assert study.ratings()["grade"].tolist() == [3]
    assert study.undo(reader="ada", session="s") == again
    assert study.undo(reader="ada", session="s", round="second") == SHOWN
    assert study.ratings()["grade"].tolist() == [1]
    assert study.undo(reader="ada", session="s", round="second") is None


def test_a_consensus_speaks_for_its_pair_alone(study: Study) -> None:
    for reader, grade in (("ada", 4), ("bob", 1)):
        study.rate(SHOWN, grade, reader=reader, session="s")
        study.rate(OTHER, 1, reader=reader, session="s")
    (row, other) = study.reference_labels().to_dict("records")
    assert (row["grade"], row["replica"], row["source"]) == (2.5, True, "median of 2 readers")
    assert (other["grade"], other["replica"], other["readers"]) == (1, False, 2)
    study.rate(SHOWN, 2, reader="ada and bob", session="s", round="consensus", blinded=False)
    assert sorted(study.ratings()["reader"]) == ["ada", "ada and bob", "bob"]
    row = study.reference_labels().to_dict("records")[0]
    assert (row["grade"], row["replica"], row["source"]) == (2, False, "consensus")
    assert (row["readers"], row["lowest"], row["highest"], row["blinded"]) == (2, 1, 4, 0)
    assert row["synthetic_hash"] == f"a{0:063x}"
    study.calibrate()
    assert study.verdicts().set_index("synthetic").loc[NAMES[0], "evidence"].startswith("rated 2 ")


def test_where_a_reader_stands_is_kept(study: Study) -> None:
    assert study.reading_state("ada", "first") is None
    for later in ([0], [0, 3]):
        study.keep_reading_state(" ada ", "first", {"later": later, "draft": {"comment": "Ünï"}})
    assert Study.open(study.folder).reading_state("ada", "first") == {"later": [0, 3], "draft": {"comment": "Ünï"}}
    assert study.reading_state("ada", "second") is None


@pytest.mark.parametrize(
    "wrong", [{"kind": "blob", "centre": [1, 2, 3]}, {"kind": "point", "centre": [1, 2]}, {"kind": "point"}]
)
def test_a_region_is_a_place(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="region"):
        MarkedRegion.from_json(wrong)


def test_a_study_of_an_earlier_version_keeps_its_ratings(study: Study) -> None:
    from napari_relict.records.database import MIGRATIONS, Database

    folder = study.folder.parent / "earlier"
    folder.mkdir()
    with sqlite3.connect(folder / "study.sqlite") as database:
        for script in MIGRATIONS[:2]:
            database.executescript(script)
        database.execute(
            "INSERT INTO rating_event (id, kind, time, reader, session, synthetic, training, grade, criteria, comment,"
            " blinded, swapped, app_version, synthetic_hash, training_hash, scores_hash) VALUES"
            " ('e', 'rate', '2025', 'ada', 's', 'x', 'y', 2, '[]', '', 1, 0, '0', '', '', '')"
        )
        database.execute("PRAGMA user_version = 2")
    database.close()
    with Database(folder).connect() as connection:
        (row,) = connection.execute("SELECT grade, round, repeat, regions FROM rating")
    assert tuple(row) == (2, "first", 0, "[]")


def test_events_can_be_neither_changed_nor_deleted(study: Study) -> None:
    study.rate(SHOWN, 1, reader="ada", session="s")
    database = sqlite3.connect(study.folder / "study.sqlite")
    for statement in ("UPDATE rating_event SET grade = 4", "DELETE FROM rating_event"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(statement)
    database.close()


@pytest.mark.parametrize(("grade", "confidence", "reader"), [(0, None, "a"), (5, None, "a"), (2, 6, "a"), (2, 1, " ")])
def test_nonsense_is_refused(study: Study, grade: int, confidence: int | None, reader: str) -> None:
    with pytest.raises(UsageError):
        study.rate(SHOWN, grade, reader=reader, session="s", confidence=confidence)
    assert study.rating_events().empty


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_acknowledged_ratings_survive_kill_9(study: Study) -> None:
    script = """
import sys
from napari_relict.study import MarkedRegion, Showing, Study
study = Study.open(sys.argv[1])
for number in range(10_000):
    showing = Showing(sys.argv[2], sys.argv[3], repeat=number % 2 == 1, swapped=True)
    said = dict(reader="ada", session="s", round="second", regions=[MarkedRegion("point", (number, 0, 0))])
    print(study.rate(showing, 1 + number % 4, **said), flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(study.folder), *NAMES], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().strip() for _ in range(25)]
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += [line.strip() for line in process.stdout.read().splitlines() if len(line) == 36]
    stored = Study.open(study.folder).rating_events().set_index("id")
    assert len(acknowledged) >= 25
    for number, event in enumerate(acknowledged):
        row = stored.loc[event]
        assert (row["round"], row["repeat"], row["swapped"]) == ("second", number % 2 == 1, True)
        assert regions_from_text(row["regions"]) == [MarkedRegion("point", (number, 0, 0))]


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".json"])
def test_export_and_import_keep_every_event_and_are_idempotent(study: Study, tmp_path: Path, ending: str) -> None:
    study.rate(SHOWN, 1, reader="ada", session="s", criteria=["anatomy"], comment='a "quoted", line')
    study.rate(SHOWN, 4, reader="ada", session="s", confidence=2)
    study.undo(reader="ada", session="s")
    study.rate(Showing(*NAMES, repeat=True, swapped=True), 2, reader="ada", session="s", regions=REGIONS)
    file = tmp_path / f"ratings{ending}"
    study.export("ratings", file)
    other = Study.open(study.folder)
    assert other.import_ratings(file) == 0
    database = sqlite3.connect(study.folder / "study.sqlite")
    database.executescript("DROP TRIGGER rating_events_stay; DELETE FROM rating_event;")
    database.close()
    before = pd.read_csv(file) if ending == ".csv" else None
    assert other.import_ratings(file) == 4
    assert other.import_ratings(file) == 0
    (row, repeat) = other.standing_ratings().to_dict("records")
    assert (repeat["repeat"], repeat["swapped"], repeat["regions"]) == (True, True, REGIONS)
    assert (row["grade"], row["criteria"], row["comment"]) == (1, "anatomy", 'a "quoted", line')
    if before is not None:
        assert list(other.rating_events()["id"]) == list(before["id"])


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".json"])
def test_readers_may_be_called_007(study: Study, tmp_path: Path, ending: str) -> None:
    study.rate(SHOWN, 2, reader="007", session="1", comment="5")
    file = tmp_path / f"ratings{ending}"
    study.export("ratings", file)
    other = stored_study(tmp_path / "other")
    assert other.import_ratings(file) == 1
    (row,) = other.ratings().to_dict("records")
    assert (row["reader"], row["session"], row["comment"]) == ("007", "1", "5")


def test_readers_may_be_called_na(study: Study, tmp_path: Path) -> None:
    study.rate(SHOWN, 2, reader=" NA ", session="s")
    file = tmp_path / "ratings.csv"
    study.export("ratings", file)
    assert study.import_ratings(file) == 0
    assert study.undo(reader=" NA ", session="s") == SHOWN


def test_a_plain_table_can_be_imported(study: Study, tmp_path: Path) -> None:
    file = tmp_path / "sheet.csv"
    rows = [f"ada,{SHOWN.synthetic},{SHOWN.training},4", f"ada,{OTHER.synthetic},{OTHER.training},1"]
    file.write_text("\n".join(["reader,synthetic,training,grade", *rows]))
    assert study.import_ratings(file) == 2
    assert study.import_ratings(file) == 0
    assert sorted(study.ratings()["grade"]) == [1, 4]


def test_a_plain_table_may_say_round_and_repeat(study: Study, tmp_path: Path) -> None:
    file = tmp_path / "sheet.csv"
    row = f"ada,{SHOWN.synthetic},{SHOWN.training},4"
    file.write_text(
        "\n".join(["reader,synthetic,training,grade,round,repeat", f"{row},,", f"{row},,1", f"{row},second,0"])
    )
    assert study.import_ratings(file) == 3
    assert study.import_ratings(file) == 0
    standing = study.standing_ratings()
    assert list(zip(standing["round"], standing["repeat"], strict=True)) == [
        *(("first", False), ("first", True), ("second", False)),
    ]


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
        ("reader,synthetic,training,grade,round\nada,copy-exact,train-00,2,third\n", "round 'third'"),
        ("reader,synthetic,training,grade,regions\nada,copy-exact,train-00,2,here\n", "regions 'here'"),
        ("reader,synthetic,training,grade\nada,other,train-00,2\n", "no synthetic volume 'other'"),
        ("", "cannot be read"),
    ],
)
def test_a_bad_table_is_refused_whole(study: Study, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "sheet.csv"
    if "grade\n" in text:  # a good row comes first
        text = text.replace("\nada,copy", "\nbob,novel-0,train-00,1\nada,copy", 1)
    for word, name in (("copy-exact", NAMES[0]), ("train-00", NAMES[1]), ("novel-0", OTHER.synthetic)):
        text = text.replace(word, name)
    file.write_text(text)
    with pytest.raises(DataError, match=said) as caught:
        study.import_ratings(file)
    assert "sheet.csv" in str(caught.value)
    assert study.rating_events().empty
