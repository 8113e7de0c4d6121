"""Verdicts: `no replica` only where something shows it; of two sources the more careful one."""

from __future__ import annotations

import pytest

from napari_relict.calibration.verdicts import CAREFUL_ORDER, Nearness, Opinion, by_null, by_rating, more_careful

UNKNOWN = float("nan")
LIKE_STRANGERS = {"p": 0.5, "p_rank": 0.5, "smallest": 0.05, "q": 0.5}


def _by_null(changed: str | None = "bent by 1.2 mm", least_bend: float = UNKNOWN, **how: object) -> Opinion:
    return by_null(Nearness(**(LIKE_STRANGERS | how)), 0.05, 2.0, changed, least_bend)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("how", "verdict"),
    [
        ({}, "no replica"),
        ({"q": 0.04}, "near replica"),
        ({"q": 0.04, "changed": ""}, "exact replica"),
        ({"q": 0.04, "changed": None}, "near replica"),
        ({"p": UNKNOWN, "p_rank": UNKNOWN, "q": UNKNOWN}, "undecided"),
        # Nearer than the null allows, but not the same anatomy: nobody can say which of the two is wrong.
        ({"q": 0.04, "bend": 4.0}, "undecided"),
        ({"q": 0.04, "bend": 4.0, "of_part": True}, "near replica"),
        ({"bend": 4.0}, "no replica"),
        # It stands out: only a bend like that between different people shows that it is none.
        ({"bend": 4.0, "p_rank": 0.01}, "undecided"),
        ({"bend": 4.0, "p_rank": 0.01, "least_bend": 4.5}, "undecided"),
        ({"bend": 4.0, "p_rank": 0.01, "least_bend": 3.5}, "no replica"),
        ({"bend": 2.3, "without": Nearness(0.001, 0.05, 0.05, 0.01), "least_bend": 4.1}, "undecided"),
        ({"bend": 1.0, "p_rank": 0.01}, "undecided"),
        # A null of twelve cannot give a smaller p, whoever was copied.
        ({"p_rank": 0.077, "smallest": 0.077, "p": 0.077, "q": 0.5}, "undecided"),
        ({"p_rank": 0.077, "smallest": 0.01}, "no replica"),
        ({"p_rank": UNKNOWN}, "undecided"),
        ({"without": Nearness(0.001, 0.05, 0.05, 0.01)}, "undecided"),
        ({"without": Nearness(0.5, 0.5, 0.05, 0.5)}, "no replica"),
        # One patient of the null is as near: he may be a training patient.
        ({"but_for_one": 0.001}, "undecided"),
        ({"but_for_one": 0.1}, "no replica"),
        ({"but_for_one": 0.001, "bend": 2.3}, "undecided"),
        ({"but_for_one": 0.001, "bend": 4.3, "least_bend": 4.1}, "no replica"),
    ],
)
def test_what_the_null_says(how: dict[str, object], verdict: str) -> None:
    assert _by_null(**how).verdict == verdict


@pytest.mark.parametrize(
    ("grade", "verdict"),
    [(4.0, "exact replica"), (3.5, "exact replica"), (3.0, "near replica"), (2.5, "near replica"), (2.0, "no replica")],
)
def test_what_a_rating_says(grade: float, verdict: str) -> None:
    assert by_rating(grade).verdict == verdict


def test_a_grade_between_two_is_named_after_the_more_careful_one() -> None:
    assert "rated 2.5 (near replica)" in by_rating(2.5).why


def test_the_more_careful_verdict_stands_and_says_who_disagrees() -> None:
    for place, careless in enumerate(CAREFUL_ORDER):
        for careful in CAREFUL_ORDER[place + 1 :]:
            found = more_careful(Opinion(careless, "null", "why"), Opinion(careful, "ratings", "because"))
            assert (found.verdict, found.rule) == (careful, "ratings")
            assert f"by null {careless} (why)" in found.why
    assert more_careful(Opinion("undecided", "null"), Opinion("undecided", "ratings")).rule == "null and ratings"
