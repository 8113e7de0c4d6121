from __future__ import annotations

import pytest
from fake_study import FakeStudy

from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.reading.reading_list import Showing
from napari_relict.viewer.session.session import ReadingSession


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
    assert event["swapped"] is pair.swapped is session.swapped
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


def test_scores_once_seen_are_remembered_by_the_next_session(study: FakeStudy) -> None:
    first = ReadingSession(study, "ana")
    pair = first.pair
    rate(first, 4)
    first.undo()
    again = ReadingSession(study, "ana")
    assert again.pair == pair
    rate(again, 2)
    assert [event["blinded"] for event in study.events if event["kind"] == "rate"] == [True, False]


def test_without_scores_nothing_unblinds(study: FakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "measures", list)  # a reading kit
    session = ReadingSession(study, "ana")
    rate(session, 4)
    session.amend()
    rate(session, 2)
    assert [event["blinded"] for event in study.events] == [True, True]


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


def test_only_pairs_of_the_list_are_rated(study: FakeStudy) -> None:
    session = ReadingSession(study, "ana", blinded=False)
    session.visit("syn-04", "patient-01")
    assert session.pair == Showing("syn-04", "patient-01")
    assert session.visiting
    session.set_grade(4)
    assert not session.lock()
    assert study.events == []
    session.back()
    assert session.pair == session.order[0]


def test_blinded_readers_look_at_other_candidates_once_the_volume_is_rated(study: FakeStudy) -> None:
    """The volume that stays beside another candidate is the synthetic one."""
    study.repeats = 1
    session = ReadingSession(study, "ana")
    listed = session.pair
    session.visit(listed.synthetic, "patient-03")
    assert not session.visiting
    rate(session, 1)
    session.visit(listed.synthetic, "patient-03")
    assert not session.visiting, "it comes once more"
    session.go_to(8)
    rate(session, 1)
    session.visit(listed.synthetic, "patient-03")
    assert session.visiting
    assert session.scores_visible
    session.proceed()
    assert session.pair == session.order[1], "Enter goes on in the list"


def test_a_consensus_is_never_blinded(study: FakeStudy) -> None:
    session = ReadingSession(study, "ana and ben", round="consensus")
    assert session.names_visible
    rate(session, 4)
    assert (study.events[-1]["blinded"], study.events[-1]["swapped"]) == (False, False)


def test_sides_are_stored_as_they_were_shown(study: FakeStudy) -> None:
    session = ReadingSession(study, "ana", blinded=False)
    for _ in range(8):
        rate(session, 1)
        session.proceed()
    assert not any(event["swapped"] for event in study.events)


def test_a_change_that_was_begun_goes_on(session: ReadingSession, study: FakeStudy) -> None:
    rate(session, 4)
    session.amend()
    session.set_grade(2)
    session.next()
    session.back()
    assert (session.draft.grade, session.locked) == (2, False)
    assert session.lock()
    assert study.ratings().grade.tolist() == [2]


def test_undo_leaves_ratings_of_pairs_that_are_off_the_list(study: FakeStudy) -> None:
    session = ReadingSession(study, "ana")
    rate(session, 4)
    session.next()
    session.set_grade(3)
    session.keep()
    gone = {session.order[0].synthetic, session.order[1].synthetic}
    whole = study._matches
    study._matches = whole[~whole["synthetic"].isin(gone)]
    shorter = ReadingSession(study, "ana")
    said: list[str] = []
    shorter.said.connect(said.append)
    shorter.undo()
    assert "no longer on the list" in said[0]
    assert len(study.ratings()) == 1
    shorter.keep()
    study._matches = whole
    assert ReadingSession(study, "ana").draft.grade in (3, None)
    drafts = study.reading_state("ana", "first")["drafts"]
    assert [draft["grade"] for _, draft in drafts] == [3], "kept for when it comes back"


def test_a_hidden_repeat_is_rated_by_itself(study: FakeStudy) -> None:
    study.repeats = 2
    session = ReadingSession(study, "ana")
    first, repeat = session.order[0], session.order[8]
    assert (repeat.synthetic, repeat.repeat) == (first.synthetic, True)
    rate(session, 4)
    session.go_to(8)
    assert not session.locked
    assert not session.scores_visible
    rate(session, 2)
    assert study.standing_ratings()["grade"].tolist() == [4, 2]
    session.undo()
    assert session.pair == repeat
    assert session.rating_of(first).grade == 4


def test_rounds_are_apart(study: FakeStudy) -> None:
    rate(ReadingSession(study, "ana"), 4)
    second = ReadingSession(study, "ana", round="second")
    assert second.progress() == (0, 8)
    rate(second, 3)
    assert study.standing_ratings()["round"].tolist() == ["first", "second"]
    second.undo()
    second.undo()
    assert study.standing_ratings()["round"].tolist() == ["first"], "undo stays in its round"


def test_pauses_do_not_count(study: FakeStudy) -> None:
    now = [0.0]
    session = ReadingSession(study, "ana", clock=lambda: now[0])
    now[0] = 4
    session.pause()
    session.set_grade(3)
    assert session.draft.grade is None
    assert not session.lock()
    now[0] = 1000
    session.pause()
    rate(session, 3)
    assert study.events[-1]["seconds"] == 4


def test_the_time_left_follows_the_readers_pace(study: FakeStudy) -> None:
    now = [0.0]
    session = ReadingSession(study, "ana", clock=lambda: now[0])
    for seconds in (10, 30, 20):
        assert session.seconds_left() is None
        now[0] += seconds
        rate(session, 1)
        session.proceed()
    assert session.seconds_left() == 5 * 20


def test_an_unlocked_draft_survives_the_end_of_the_program(study: FakeStudy) -> None:
    now = [0.0]
    session = ReadingSession(study, "ana", clock=lambda: now[0])
    put_off = session.pair
    session.review_later()
    session.go_to(3)
    region = MarkedRegion("box", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), "synthetic")
    session.set_grade(2)
    session.set_confidence(1)
    session.set_comment("half way")
    session.add_region(region)
    now[0] = 12
    session.view = {"plane": "coronal", "at": [1, 2, 3]}
    session.keep()
    resumed = ReadingSession(study, "ana", clock=lambda: now[0])
    assert resumed.pair == session.pair
    assert resumed.draft == session.draft
    assert resumed.draft.regions == [region]
    assert (resumed.later, resumed.view) == ({put_off}, session.view)
    now[0] = 15
    assert resumed.lock()
    assert study.events[-1]["seconds"] == 15
    assert study.standing_ratings()["regions"][0] == [region]


def test_a_draft_is_kept_while_others_are_looked_at(study: FakeStudy) -> None:
    now = [0.0]
    session = ReadingSession(study, "ana", blinded=False, clock=lambda: now[0])
    listed = session.pair
    session.set_grade(3)
    now[0] = 5
    session.visit(listed.synthetic, "patient-03")
    assert session.draft.empty
    now[0] = 9
    session.visit(listed.synthetic, listed.training)
    assert session.draft.grade == 3
    session.next()
    session.set_grade(1)
    session.keep()
    resumed = ReadingSession(study, "ana")
    assert resumed.draft.grade == 1
    resumed.back()
    assert resumed.draft.grade == 3, "also that of a pair left before"
    session.back()
    assert session.draft.grade == 3


def test_time_on_other_candidates_is_time_on_the_pair(study: FakeStudy) -> None:
    now = [0.0]
    session = ReadingSession(study, "ana", blinded=False, clock=lambda: now[0])
    listed = session.pair
    now[0] = 5
    session.visit(listed.synthetic, "patient-03")
    now[0] = 9
    session.visit(listed.synthetic, listed.training)
    rate(session, 3)
    assert study.events[-1]["seconds"] == 9


def test_regions_are_taken_back_one_by_one(session: ReadingSession) -> None:
    for place in range(2):
        session.add_region(MarkedRegion("point", (place, 0.0, 0.0)))
    session.remove_region()
    assert [region.centre[0] for region in session.draft.regions] == [0]
    rate(session, 1)
    session.remove_region()
    assert len(session.draft.regions) == 1, "a locked rating stays as it is"


def test_a_filter_narrows_the_way(session: ReadingSession) -> None:
    for grade in (4, 1, 3):
        rate(session, grade)
        session.proceed()
    session.set_filter("replicas")
    assert session.listed() == [0, 2]
    assert session.position == 0
    session.next()
    assert session.position == 2
    session.next()
    assert session.position == 2
    session.set_filter("open")
    assert session.listed() == [3, 4, 5, 6, 7]
    said: list[str] = []
    session.said.connect(said.append)
    session.set_filter("unsure")
    assert session.listed() == []
    assert "No pairs" in said[0]
    session.next_filter()
    assert session.filter.name == "all", "parts without pairs are passed over"


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


def test_undecided_volumes_come_first_for_those_who_are_not_blinded(study: FakeStudy) -> None:
    plain = study.verdicts
    study.verdicts = lambda: plain().replace({"verdict": {"no replica": "undecided"}})  # type: ignore[method-assign]
    told = dict(study.verdicts()[["synthetic", "verdict"]].to_numpy())
    first = [told[pair.synthetic] for pair in ReadingSession(study, "ana", blinded=False).order]
    assert first == sorted(first, key=["undecided", "exact replica", "near replica"].index)
    blinded = [told[pair.synthetic] for pair in ReadingSession(study, "ana").order]
    assert blinded != first
