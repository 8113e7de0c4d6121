"""Verdicts: equal voxels before readers, readers before p-values."""

from __future__ import annotations

import pytest

from napari_relict.calibration import Verdict, decide


def _decide(**how: object) -> Verdict:
    plain = {"synthetic": "s", "training": "t", "p": 0.5, "q": 0.5, "probability": float("nan"), "alpha": 0.05}
    plain |= {"changed": "bent by 1.2 mm", "another": "", "grade": None, "same_voxels": False, "evidence": "e"}
    return decide(**(plain | how))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("how", "verdict"),
    [
        ({}, "no replica"),
        ({"q": 0.04}, "near replica"),
        ({"q": 0.04, "changed": ""}, "exact replica"),
        ({"q": 0.04, "changed": None}, "near replica"),
        ({"q": 0.05, "changed": ""}, "no replica"),
        ({"q": float("nan"), "changed": ""}, "no replica"),
        ({"q": 0.04, "changed": "bent by 4 mm", "another": "bent by 4 mm"}, "no replica"),
        ({"grade": 4.0, "another": "bent by 4 mm"}, "exact replica"),
        ({"grade": 4.0}, "exact replica"),
        ({"grade": 3.0}, "near replica"),
        ({"grade": 2.5}, "near replica"),
        ({"grade": 3.5}, "exact replica"),
        ({"grade": 2.0, "q": 0.01}, "no replica"),
        ({"grade": 1.0, "same_voxels": True}, "exact replica"),
    ],
)
def test_who_decides(how: dict[str, object], verdict: str) -> None:
    assert _decide(**how).verdict == verdict


def test_a_grade_between_two_is_named_after_the_more_careful_one() -> None:
    assert "rated 2.5 (near replica)" in _decide(grade=2.5).evidence


def test_a_look_alike_is_named() -> None:
    assert "a look-alike" in _decide(q=0.01, another="its anatomy is bent by 4.0 mm").evidence
    assert "look-alike" not in _decide(q=0.5, another="its anatomy is bent by 4.0 mm").evidence
