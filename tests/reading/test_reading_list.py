"""Reading lists: the same when made again, repeats hidden well, anchors common to all readers."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_relict.errors import DataError, UsageError
from napari_relict.reading.reading_list import anchors, own_pairs, plan
from napari_relict.records.settings import ReadingSettings
from napari_relict.study import Pair, Showing, Study
from stored import stored_study, synthetic_name, training_name

READERS = st.text(min_size=1, max_size=8).filter(str.strip)
SIZES = st.integers(0, 60)
SHARES = st.floats(0, 0.5)


def pairs_of(size: int) -> list[Pair]:
    return [Pair(f"s{number:02}", f"t{number % 7}") for number in range(size)]


def plain(showings: list[Showing]) -> list[Pair]:
    return [showing.pair for showing in showings if not showing.repeat]


@given(SIZES, SHARES, READERS, st.sampled_from(["first", "second"]))
@settings(deadline=None)
def test_every_pair_is_shown_once_and_a_repeat_well_after_it(size: int, share: float, reader: str, round: str) -> None:
    pairs, how = pairs_of(size), ReadingSettings(repeats=share)
    found = plan(pairs, set(), how, reader, round)
    assert found == plan(list(reversed(pairs)), set(), how, reader, round)
    assert sorted(plain(found), key=str) == sorted(pairs, key=str)
    repeats = [place for place, showing in enumerate(found) if showing.repeat]
    assert len({found[place].pair for place in repeats}) == len(repeats)
    assert (len(repeats) >= 1) == (share > 0 and size >= 5)
    assert len(repeats) <= max(1, share * size + 0.5)
    for place in repeats:
        first = next(at for at, showing in enumerate(found) if showing.pair == found[place].pair)
        assert place >= len(found) / 2
        assert place - first >= max(5, math.ceil(len(found) / 4))


@given(st.integers(2, 60), READERS)
@settings(deadline=None)
def test_the_second_round_has_the_same_pairs_in_another_order(size: int, reader: str) -> None:
    first, second = (plain(plan(pairs_of(size), set(), ReadingSettings(), reader, r)) for r in ("first", "second"))
    assert set(first) == set(second)
    assert first != second


@given(SIZES, st.integers(0, 20), st.integers(0, 60))
@settings(deadline=None)
def test_anchors_have_likely_copies_and_others(size: int, count: int, copies: int) -> None:
    pairs = pairs_of(size)
    likely = set(pairs[:copies])
    found = anchors(pairs, likely, count)
    assert len(found) == min(size, count)
    assert found <= set(pairs)
    if 2 <= count < size and likely and len(likely) < size:
        assert found & likely
        assert found - likely


@given(SIZES, st.integers(0, 12), st.lists(READERS.map(str.strip), min_size=1, max_size=4, unique=True))
@settings(deadline=None)
def test_readers_share_the_anchors_and_divide_the_rest_evenly(size: int, count: int, readers: list[str]) -> None:
    pairs, how = pairs_of(size), ReadingSettings(anchors=count, readers=tuple(readers))
    likely = set(pairs[:5])
    lists = [own_pairs(pairs, likely, how, reader) for reader in readers]
    common = anchors(pairs, likely, count)
    read = Counter(pair for own in lists for pair in own)
    assert set(read) == set(pairs)
    assert all(read[pair] == (len(readers) if pair in common else 1) for pair in pairs)
    assert max(map(len, lists)) - min(map(len, lists)) <= 1


def test_sides_differ_between_pairs_readers_and_rounds() -> None:
    sides = {
        (reader, round): [s.swapped for s in plan(pairs_of(60), set(), ReadingSettings(), reader, round)]
        for reader in ("ada", "bob")
        for round in ("first", "second")
    }
    assert all(10 < sum(mine) < 56 for mine in sides.values())
    assert len({tuple(mine) for mine in sides.values()}) == 4


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return stored_study(tmp_path / "study")


def test_a_study_gives_the_same_list_whatever_was_rated_meanwhile(study: Study) -> None:
    before = study.reading_list("ada")
    assert before == study.reading_list(" ada ")
    assert before != study.reading_list("bob")
    assert {showing.synthetic for showing in before} == {synthetic_name(number) for number in range(12)}
    for showing in before:
        study.rate(showing, 1, reader="ada", session="s")
    study.calibrate()
    assert Study.open(study.folder).reading_list("ada") == before


def test_without_matches_there_is_nothing_to_read_and_without_verdicts_there_is(study: Study) -> None:
    with study._database.connect() as connection:
        connection.execute("DELETE FROM verdict")
    assert len(study.reading_list("ada")) > 12
    with study._database.connect() as connection:
        connection.execute("DELETE FROM match")
    assert study.reading_list("ada") == []
    with pytest.raises(DataError, match="no pairs to read"):
        study.make_kit("ada")
    with pytest.raises(DataError, match="nothing to settle"):
        study.make_kit("ada", round="consensus")


def test_more_candidates_of_each_volume_can_be_read(tmp_path: Path) -> None:
    study = stored_study(tmp_path / "study", pairs=2, repeats=0)
    assert len(study.reading_list("ada")) == 24


def test_named_readers_share_the_anchors_and_nobody_else_reads(tmp_path: Path) -> None:
    study = stored_study(tmp_path / "study", readers=["ada", "bob"], anchors=4)
    ada, bob = (set(plain(study.reading_list(reader))) for reader in ("ada", "bob"))
    assert (len(ada), len(bob), len(ada & bob)) == (8, 8, 4)
    likely = {synthetic_name(number) for number in range(4)}
    assert sum(pair.synthetic in likely for pair in ada & bob) == 2
    with pytest.raises(UsageError, match="ada, bob"):
        study.reading_list("eve")
    with pytest.raises(UsageError, match="no round 'third'"):
        study.reading_list("ada", "third")


def test_settings_of_reading_are_checked(study: Study) -> None:
    path = study.folder / "study.toml"
    for line in ("repeats = 0.7", "pairs = 0", "consensus_from = 0", 'readers = ["ada", " ada"]'):
        text = path.read_text()
        key = line.split(" = ")[0]
        path.write_text("\n".join(line if old.startswith(key + " =") else old for old in text.splitlines()))
        with pytest.raises(DataError, match=rf"reading\.{key}"):
            Study.open(study.folder)
        path.write_text(text)


def test_the_consensus_round_has_the_pairs_on_which_readers_disagree(study: Study) -> None:
    given = {0: (4, 4), 1: (4, 1), 2: (2, 3), 3: (1, 1), 4: (1, 2)}
    showings = {number: Showing(synthetic_name(number), training_name(number)) for number in given}
    for number, grades in given.items():
        for reader, grade in zip(("ada", "bob"), grades, strict=True):
            study.rate(showings[number], grade, reader=reader, session="s")
    assert study.reading_list("both", "consensus") == [showings[1], showings[2], showings[4]]
    study.rate(showings[1], 3, reader="both", session="s", round="consensus")
    assert study.reading_list("both", "consensus") == [showings[2], showings[4], showings[1]]
    table = study.disagreements()
    assert table["grades"].tolist() == ["ada 2, bob 3", "ada 1, bob 2", "ada 4, bob 1"]
    assert table["consensus"].tolist() == [False, False, True]


def test_how_far_apart_counts_as_disagreement_is_a_setting(tmp_path: Path) -> None:
    study = stored_study(tmp_path / "study", consensus_from=2)
    for number, grades in {0: (3, 4), 1: (2, 3), 2: (1, 2), 3: (2, 4)}.items():
        for reader, grade in zip(("ada", "bob"), grades, strict=True):
            study.rate(Showing(synthetic_name(number), training_name(number)), grade, reader=reader, session="s")
    assert {showing.synthetic for showing in study.reading_list("x", "consensus")} == {
        synthetic_name(1),  # one grade apart, but on two sides of replica or not
        synthetic_name(3),
    }
