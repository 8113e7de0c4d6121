"""The commands about readers, as scripts use them."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import run_here
from napari_relict.study import Kit, Showing, Study
from stored import stored_study, synthetic_name, training_name


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return stored_study(tmp_path / "study")


def test_a_kit_goes_out_and_comes_back(study: Study, tmp_path: Path) -> None:
    to = tmp_path / "kit"
    made = run_here("kit", study.folder, "--reader", "A. Reader", "--to", to, "--round", "second")
    assert (made.returncode, made.stderr) == (0, "write the kit: 13 done\n")
    assert "13 items for A. Reader, second round" in made.stdout
    kit = Kit.open(to)
    for showing in kit.reading_list(*kit.made_for):
        kit.rate(showing, 2, reader="A. Reader", session="s", round="second")
    collected = run_here("collect", study.folder, to)
    assert (collected.returncode, collected.stderr) == (0, "")
    assert collected.stdout.startswith("13 new ratings")
    assert run_here("collect", study.folder, to).stdout.startswith("0 new ratings")
    with study._database.connect() as connection:
        connection.execute("UPDATE volume SET content = 'other' WHERE name = ?", (synthetic_name(3),))
    assert "note: changed since the kit was made" in run_here("collect", study.folder, to).stderr


def test_agreement_is_said_in_lines(study: Study, tmp_path: Path) -> None:
    assert "no pair was rated twice" in run_here("agreement", study.folder).stdout
    for number in range(12):
        showing = Showing(synthetic_name(number), training_name(number % 6))
        for reader, grade in (("ada", 1 + number % 4), ("bob", min(4, 1 + number % 5))):
            study.rate(showing, grade, reader=reader, session="s")
    said = run_here("agreement", study.folder)
    assert said.returncode == 0
    lines = said.stdout.splitlines()
    assert lines[0] == "two readers: ada, bob"
    assert lines[1].startswith("  percentage agreement: 33% (95% interval ")
    assert lines[1].endswith(" on 12 pairs")
    assert sum(line.startswith("disagreement: ") for line in lines) == 8
    assert "no consensus yet" in said.stdout
    assert lines[-1].endswith("--round consensus")
    assert run_here("export", study.folder, "labels", "--to", tmp_path / "labels").returncode == 0
    assert (tmp_path / "labels" / "replica_labels.tsv").exists()


def test_wrong_usage_is_said_in_one_line(study: Study, tmp_path: Path) -> None:
    kit = study.make_kit("ada", tmp_path / "kit")
    for arguments, status, said in (
        (("review", tmp_path), 1, "not a study and not a reading kit"),
        (("review", kit, "--reader", "bob"), 2, "was made for ada"),
        (("review", kit, "--round", "second"), 2, "was made for ada, first round"),
        (("review", kit, "--unblinded"), 2, "leave --unblinded out"),
        (("review", study.folder, "--reader", "x", "--round", "consensus"), 2, "no pairs on which readers disagree"),
        (("review", study.folder, "--round", "third"), 2, "third"),
        (("kit", study.folder, "--reader", "ada", "--to", kit), 2, "is there already"),
        (("kit", kit, "--reader", "ada"), 1, "not a study"),
        (("collect", study.folder, study.folder), 1, "not a reading kit"),
    ):
        done = run_here(*arguments)
        assert done.returncode == status, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr
