"""Reading kits: they say nothing a blinded reader must not know, and what comes back fits or is refused."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_relict.errors import Cancelled, DataError, UsageError
from napari_relict.study import Kit, MarkedRegion, Showing, Study, open_reading
from napari_relict.volumes.affines import MIRROR
from stored import SECRET, SHAPE, stored_study, synthetic_name

READER = "A. Reader"


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return stored_study(tmp_path / "study", repeats=0.25)


@pytest.fixture
def kit(study: Study, tmp_path: Path) -> Kit:
    return Kit.open(study.make_kit(READER, tmp_path / "kit"))


def rate_all(kit: Kit) -> None:
    for place, showing in enumerate(kit.reading_list(READER)):
        kit.rate(showing, 1 + place % 4, reader=READER, session="s", order_index=place, comment=f"no. {place}")


def test_a_kit_names_nothing_and_scores_nothing(study: Study, kit: Kit) -> None:
    kit.keep_reading_state(READER, "first", {"later": ["0001"]})
    rate_all(kit)
    files = [path for path in kit.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"kit.toml", "study.sqlite", "rows.jsonl"}
    contents = [f"{side}{number:063x}" for side in "ab" for number in range(12)]
    for path in files:
        held = path.read_bytes()
        for word in (SECRET, "source/", "patient of", "generated", "holdout", *contents):
            assert word.encode() not in held, (path, word)
            assert word.encode("utf-16-le") not in held, (path, word)
    with sqlite3.connect(kit.folder / "study.sqlite") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        full = {name for name in tables if database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]}
    database.close()
    assert full == {"match", "meta", "rating_event", "reading_state", "sqlite_sequence"}
    assert set(kit.meta()) == {"sides"}


def test_a_kit_shows_what_the_study_would(study: Study, kit: Kit) -> None:
    planned, given = study.reading_list(READER), kit.reading_list(READER)
    assert any(showing.repeat for showing in planned)
    assert any(showing.swapped for showing in planned)
    assert given == [Showing(f"{place:04}", f"{place:04}") for place in range(1, len(planned) + 1)]
    for here, there in zip(given, planned, strict=True):
        shown = [study.volume("synthetic", there.synthetic), study.volume("training", there.training)]
        left, right = reversed(shown) if there.swapped else shown
        for cohort, name, expected in (("synthetic", here.synthetic, left), ("training", here.training, right)):
            volume = kit.volume(cohort, name)
            np.testing.assert_array_equal(volume.image, expected.image)
            np.testing.assert_array_equal(volume.labels, expected.labels)
            assert (volume.value_range, volume.content, volume.sides) == ((0, 1), "", expected.sides)
        assert kit.mirrored(*_names(here)) == study.mirrored(*_names(there))
    assert kit.settings.criteria == study.settings.criteria
    assert (kit.settings.name, kit.settings.modality) == ("Reading kit", "mr")
    assert kit.measures() == []
    for table in (kit.matches(), kit.verdicts(), kit.thresholds(), kit.ratings(), kit.agreement()):
        assert table.empty
        assert len(table.columns) > 0


def test_a_marked_place_lies_where_the_alignment_says_on_either_side(study: Study, kit: Kit) -> None:
    point = np.array([3.0, -5.0, 7.0, 1.0])
    seen = set()
    for here, there in zip(kit.reading_list(READER), study.reading_list(READER), strict=True):
        aligned, expected = kit.alignment(*_names(here)), study.alignment(*_names(there))
        if expected is None:
            assert aligned is None
            continue
        assert aligned is not None
        mirror = MIRROR if study.mirrored(*_names(there)) else np.eye(4)
        partner = expected @ mirror @ point  # where a point of the synthetic volume lies in the training volume
        if there.swapped:
            np.testing.assert_allclose(aligned @ mirror @ partner, point, atol=1e-9)
        else:
            np.testing.assert_allclose(aligned @ mirror @ point, partner, atol=1e-9)
        seen.add((there.swapped, study.mirrored(*_names(there))))
    assert len(seen) == 4


def _names(showing: Showing) -> tuple[str, str]:
    return showing.synthetic, showing.training


def test_ratings_come_back_to_the_pairs_they_are_of(study: Study, kit: Kit) -> None:
    rate_all(kit)
    first = kit.reading_list(READER)[0]
    kit.rate(first, 4, reader=READER, session="s", regions=[MarkedRegion("point", (1, 2, 3), on="synthetic")])
    assert kit.undo(reader=READER, session="s") == first
    kit.rate(first, 3, reader=READER, session="s", regions=[MarkedRegion("point", (1, 2, 3), on="synthetic")])
    planned = study.reading_list(READER)
    assert study.collect(kit.folder) == len(planned) + 3
    assert study.notes == []
    assert study.collect(kit.folder) == 0
    standing = study.standing_ratings()
    assert len(standing) == len(planned)
    by_showing = {(row.synthetic, row.training, row.repeat): row for row in standing.itertuples()}
    for place, showing in enumerate(planned):
        row = by_showing[(showing.synthetic, showing.training, showing.repeat)]
        assert (row.grade, row.swapped, row.reader) == (1 + place % 4 if place else 3, showing.swapped, READER)
        assert row.kit == kit.settings.kit
        assert row.synthetic_hash == study.volume("synthetic", showing.synthetic).content
        assert row.training_hash == study.volume("training", showing.training).content
        assert row.scores_hash == "c" * 64
    row = by_showing[(*_names(planned[0]), planned[0].repeat)]
    assert row.regions == [MarkedRegion("point", (1, 2, 3), on="training" if planned[0].swapped else "synthetic")]
    repeats = sum(showing.repeat for showing in planned)
    assert set(study.agreement().loc[lambda t: t["kind"].str.contains("repeats"), "pairs"]) == {repeats}
    # What was said meanwhile comes too, and what was taken back goes.
    kit.undo(reader=READER, session="s")
    assert study.collect(kit.folder) == 1
    assert study.standing_ratings().set_index(["synthetic", "repeat"]).loc[(planned[0].synthetic, False), "grade"] == 1


def test_another_study_refuses_it(kit: Kit, tmp_path: Path) -> None:
    rate_all(kit)
    other = stored_study(tmp_path / "other")
    with pytest.raises(DataError, match="not a kit of this study"):
        other.collect(kit.folder)
    with pytest.raises(DataError, match="not a reading kit"):
        other.collect(other.folder)
    assert other.rating_events().empty


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE match SET synthetic = '0099', training = '0099' WHERE synthetic = '0002'", "items are not those"),
        (
            "INSERT INTO rating_event (id, kind, time, reader, session, synthetic, training, grade, criteria, comment,"
            " blinded, swapped, app_version, synthetic_hash, training_hash, scores_hash) VALUES"
            " ('e', 'rate', '2025', 'A. Reader', 's', '0001', '0002', 2, '[]', '', 1, 0, '0', '', '', '')",
            "event 16 is of '0001', which is no item",
        ),
        (
            "INSERT INTO rating_event (id, kind, time, reader, session, synthetic, training, grade, criteria, comment,"
            " blinded, swapped, app_version, synthetic_hash, training_hash, scores_hash) VALUES"
            " ('e', 'rate', '2025', 'eve', 's', '0001', '0001', 2, '[]', '', 1, 0, '0', '', '', '')",
            "another reader",
        ),
    ],
)
def test_a_kit_that_does_not_fit_is_refused_whole(study: Study, kit: Kit, change: str, said: str) -> None:
    rate_all(kit)
    with sqlite3.connect(kit.folder / "study.sqlite") as database:
        database.execute(change)
    database.close()
    with pytest.raises(DataError, match=said):
        study.collect(kit.folder)
    assert study.rating_events().empty


def test_volumes_that_changed_meanwhile_are_named(study: Study, kit: Kit) -> None:
    rate_all(kit)
    changed = study.reading_list(READER)[0].synthetic
    with study._database.connect() as connection:
        connection.execute("UPDATE volume SET content = 'other' WHERE name = ?", (changed,))
    assert study.collect(kit.folder) == len(kit.items())
    (note,) = study.notes
    assert f"synthetic volume {changed}" in note
    with study._database.connect() as connection:
        connection.execute("DELETE FROM volume WHERE name = ?", (changed,))
    with pytest.raises(DataError, match=f"no longer has the synthetic volume '{changed}'"):
        study.collect(kit.folder)


def test_a_kit_is_for_its_reader_round_and_items(kit: Kit) -> None:
    assert kit.made_for == (READER, "first")
    (first, *_) = kit.reading_list(f" {READER} ")
    with pytest.raises(UsageError, match="was made for"):
        kit.reading_list("eve")
    with pytest.raises(UsageError, match="not for"):
        kit.rate(first, 1, reader=READER, session="s", round="second")
    with pytest.raises(UsageError, match="no item 'x'"):
        kit.rate(Showing("x", "x"), 1, reader=READER, session="s")
    with pytest.raises(DataError, match="no holdout volumes"):
        kit.volume("holdout", "x")


def test_whatever_can_be_read_is_opened(study: Study, kit: Kit, tmp_path: Path) -> None:
    assert isinstance(open_reading(study.folder), Study)
    assert isinstance(open_reading(kit.folder), Kit)
    with pytest.raises(DataError, match="not a study and not a reading kit"):
        open_reading(tmp_path)
    (kit.folder / "kit.toml").write_text("kit = 1")
    with pytest.raises(DataError, match=r"kit\.toml: is damaged"):
        open_reading(kit.folder)


def test_a_kit_replaces_nothing_and_needs_a_known_reader(tmp_path: Path) -> None:
    study = stored_study(tmp_path / "study", readers=["ada", "bob"])
    to = tmp_path / "kit"
    to.mkdir()
    assert study.make_kit("ada", to, round="second") == to.resolve()  # an empty folder will do
    assert Kit.open(to).made_for == ("ada", "second")
    for wrong, said in (("ada", "is there already"), ("eve", "ada, bob")):
        with pytest.raises(UsageError, match=said):
            study.make_kit(wrong, to if wrong == "ada" else tmp_path / "other")
    assert not (tmp_path / "other").exists()
    assert study.make_kit("ada") == study.folder / "kits" / "ada-first"


def test_a_segmentation_on_one_side_alone_stays_out(study: Study, tmp_path: Path) -> None:
    rows = study.folder / "volumes" / "synthetic.zarr" / "rows.jsonl"
    rows.write_text(rows.read_text().replace('"has_labels": true', '"has_labels": false'))
    kit = Kit.open(study.make_kit(READER, tmp_path / "kit"))
    assert all(kit.volume(cohort, "0001").labels is None for cohort in ("synthetic", "training"))
    assert kit.volume("synthetic", "0001").image.shape == SHAPE


def test_a_kit_that_was_stopped_is_not_there(study: Study, tmp_path: Path) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        assert total == len(study.reading_list(READER))
        if done == 3:
            raise Cancelled(stage)

    with pytest.raises(Cancelled):
        study.make_kit(READER, tmp_path / "kit", progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study"]
    assert study._frame("SELECT * FROM kit").empty


KILLED = """
import os, signal, sys
from napari_relict.study import Study

def kill(stage, done, total):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)

Study.open(sys.argv[1]).make_kit("A. Reader", sys.argv[2], progress=kill)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_kit_that_was_killed_midway_is_made_again(study: Study, tmp_path: Path) -> None:
    to = tmp_path / "kit"
    done = subprocess.run([sys.executable, "-c", KILLED, str(study.folder), str(to)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not to.exists()
    kit = Kit.open(study.make_kit(READER, to))
    assert len(kit.items()) == len(study.reading_list(READER))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kit", "study"]
    assert synthetic_name(0) not in kit.items()
