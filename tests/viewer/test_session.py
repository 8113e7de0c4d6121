from __future__ import annotations

import pytest
from fake_study import FakeStudy

from napari_relict.viewer.session import ReadingSession, swapped_sides


def rate(session: ReadingSession, grade: int) -> None:
    session.set_grade(grade)
    assert session.lock()


def test_a_locked_rating_is_in_the_study_at_once(study: FakeStudy) -> None:
    now = [100.0]
    session = ReadingSession(study, "ana", clock=lambda: now[0])
    pair = session.pair
    session.set_grade(3)
    session.set_confidence(5)
    session.toggle_criterion("vessels")
    session.toggle_criterion("anatomy")
    session.set_comment("same sulci")
    assert study.ratings().empty, "a draft is not a rating"
    now[0] = 107.5
    assert session.lock()
    (row,) = study.ratings().itertuples()
    assert (row.reader, row.synthetic, row.training) == ("ana", pair.synthetic, pair.training)
    assert (row.grade, row.confidence, row.criteria, row.comment) == (3, 5, "anatomy; vessels", "same sulci")
    event = study.events[-1]
    assert event["seconds"] == pytest.approx(7.5)
    assert event["blinded"] is True
    assert event["swapped"] is swapped_sides("ana", pair)
    assert event["order_index"] == 0


def test_nothing_is_locked_without_a_grade(session: ReadingSession, study: FakeStudy) -> None:
    said: list[str] = []
    session.said.connect(said.append)
    assert not session.lock()
    assert study.events == []
    assert "grade" in said[0]


def test_scores_are_hidden_until_the_lock(session: ReadingSession) -> None:
    assert not session.scores_visible
    session.set_grade(2)
    assert not session.scores_visible
    session.lock()
    assert session.scores_visible
    session.proceed()
    assert not session.scores_visible


def test_unblinded_shows_everything_in_its_place(study: FakeStudy) -> None:
    session = ReadingSession(study, "ana", blinded=False)
    assert session.scores_visible
    assert session.names_visible
    assert not any(session.swapped for _ in range(8) if session.next() is None)
    session.set_grade(1)
    session.lock()
    assert study.events[-1]["blinded"] is False


def test_a_locked_rating_does_not_change(session: ReadingSession, study: FakeStudy) -> None:
    rate(session, 4)
    session.set_grade(1)
    session.set_comment("no")
    session.toggle_criterion("anatomy")
    assert (session.draft.grade, session.draft.comment, session.draft.criteria) == (4, "", set())
    assert not session.lock()
    assert len(study.events) == 1


def test_a_rating_given_after_scores_were_seen_is_not_blinded(session: ReadingSession, study: FakeStudy) -> None:
    rate(session, 4)
    session.amend()
    assert session.scores_visible
    rate(session, 2)
    assert [event["blinded"] for event in study.events] == [True, False]
    assert study.ratings().grade.tolist() == [2]


def test_undo_opens_the_pair_again(session: ReadingSession, study: FakeStudy) -> None:
    first = session.pair
    rate(session, 4)
    session.proceed()
    assert session.pair != first
    session.undo()
    assert session.pair == first
    assert not session.locked
    assert study.ratings().empty
    assert session.progress() == (0, 8)


def test_undo_with_nothing_to_undo_says_so(session: ReadingSession) -> None:
    said: list[str] = []
    session.said.connect(said.append)
    session.undo()
    assert said == ["Nothing to undo"]


def test_proceed_walks_through_all_pairs_once(session: ReadingSession, study: FakeStudy) -> None:
    seen = []
    for _ in range(8):
        seen.append(session.pair)
        session.set_grade(1)
        session.proceed()
        session.proceed()
    assert len(set(seen)) == 8
    assert session.progress() == (8, 8)
    assert len(study.ratings()) == 8


def test_what_was_put_off_comes_last(session: ReadingSession) -> None:
    later = session.pair
    session.review_later()
    session.go_to(7)  # the one after the last would be the first, which was put off
    order = []
    while session.progress()[0] < 8:
        order.append(session.pair)
        session.set_grade(2)
        session.proceed()
        session.proceed()
    assert order[1] == session.order[1]
    assert order[-1] == later
    assert not session.later


def test_a_session_goes_on_where_the_last_one_stopped(study: FakeStudy) -> None:
    first = ReadingSession(study, "ana")
    first.set_confidence(3)
    first.toggle_criterion("lesion")
    rate(first, 3)
    first.proceed()
    resumed = ReadingSession(study, "ana")
    assert resumed.pair == first.pair
    resumed.back()
    assert resumed.locked
    draft = resumed.draft
    assert (draft.grade, draft.confidence, draft.criteria) == (3, 3, {"lesion"})
    assert ReadingSession(study, "ben").progress() == (0, 8), "another reader starts afresh"


def test_sides_depend_on_reader_and_pair_only(study: FakeStudy) -> None:
    order = study.reading_list("ana")
    sides = [swapped_sides("ana", pair) for pair in order]
    assert sides == [swapped_sides("ana", pair) for pair in order]
    assert len(set(sides)) == 2
    assert sides != [swapped_sides("ben", pair) for pair in order]


def test_only_rank_one_is_rated(study: FakeStudy) -> None:
    session = ReadingSession(study, "ana", blinded=False)
    other = type(session.order[0])("syn-00", "patient-01")
    session.visit(other)
    assert session.pair == other
    session.set_grade(4)
    assert not session.lock()
    assert study.events == []
    session.back()
    assert session.pair == session.order[0]


def test_other_matches_stay_closed_while_blinded(session: ReadingSession) -> None:
    opened = session.pair
    session.visit(type(opened)("syn-00", "patient-01"))
    assert session.pair == opened


def test_an_empty_reading_list_harms_nobody(study: FakeStudy) -> None:
    study._matches = study._matches.iloc[:0]
    session = ReadingSession(study, "ana")
    session.next()
    session.proceed()
    session.set_grade(1)
    assert session.pair is None
    assert session.upcoming() is None
    assert not session.lock()


@pytest.mark.parametrize("grade", [0, 5])
def test_grades_are_one_to_four(session: ReadingSession, grade: int) -> None:
    with pytest.raises(ValueError, match="grade"):
        session.set_grade(grade)
