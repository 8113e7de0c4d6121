"""Whether a published direction shows: differences worked out by hand, and the words for each outcome."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from napari_relict.memorisation.factor_effects import Share, difference, effect_of, factor_effects, point_of
from napari_relict.memorisation.page import table_of
from napari_relict.memorisation.plan import base_of, settings_of
from napari_relict.memorisation.presets import PRESETS

CPU = replace(PRESETS["cpu"], repeats=1)


def row(copies: float, spread: float = 4.0, **known: object) -> dict[str, object]:
    """A run of 40 synthetic volumes and 20 patients; intervals reach `spread` to both sides."""
    return {
        "kind": "ldm", "augment": False, "size": "medium", "n_patients": 20, "repeat": 0, "length": 1.0,
        "n_synthetic": 40, "n_copies": copies, "n_copies_low": copies - spread, "n_copies_high": copies + spread,
        "n_mem": copies / 4, "n_mem_low": 0.0, "n_mem_high": 20.0, "called": 0, "patients_called": 0,
        "rule_dar_published": 0.5, "rule_third": 0.25,
    } | known  # fmt: skip


def test_difference_of_two_shares() -> None:
    # Newcombe: low = .5 - sqrt(.1^2 + .3^2), high = .5 + sqrt(.2^2 + .1^2)
    apart = difference(Share(0.7, 0.6, 0.9), Share(0.2, 0.1, 0.5))
    assert (apart.value, apart.low, apart.high) == pytest.approx((0.5, 0.5 - 0.1**0.5, 0.5 + 0.05**0.5))


def test_repeats_are_averaged_and_share_the_error_of_one_null() -> None:
    point = point_of(pd.DataFrame([row(20), row(20)]), "level")
    assert point.copies.value == pytest.approx(0.5) and point.each == (0.5, 0.5)
    assert (point.copies.low, point.copies.high) == pytest.approx((0.4, 0.6))
    assert point.published == {"dar_published": 0.5, "third": 0.25}
    assert point_of(pd.DataFrame([row(10, rule_third=float("nan"))]), "level").published == {"dar_published": 0.5}


def test_an_interval_is_as_wide_as_repeats_differ() -> None:
    point = point_of(pd.DataFrame([row(18), row(20), row(22)]), "level")
    # Shares .45, .5, .55: a standard deviation of .05, and the 97.5% quantile of t with 2 degrees of freedom is 4.3027.
    # It reaches farther than the .1 of the single trainings.
    half = 4.3027 * 0.05 / 3**0.5
    assert (point.copies.low, point.copies.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-4)
    wild = point_of(pd.DataFrame([row(10), row(30)]), "level").copies
    assert (wild.low, wild.high) == (0, 1)  # two trainings that differ so much say nothing


@pytest.mark.parametrize(
    ("first", "last", "spread", "answer", "words"),
    [
        (4, 30, 4, "shows", "The published direction shows"),
        (4, 6, 4, "does not show", "does not show: the interval holds 0"),
        (30, 4, 4, "runs the other way", "against the published direction"),
    ],
)
def test_the_answer_follows_from_the_interval(first: int, last: int, spread: int, answer: str, words: str) -> None:
    points = [point_of(pd.DataFrame([row(copies, spread)]), str(copies)) for copies in (first, 15, last)]
    found = effect_of("size", "size", "larger: more", points)
    assert found is not None and found.answer == answer and words in found.said
    assert f"{first / 40:.0%}" in found.said
    assert effect_of("size", "size", "larger: more", points[:1]) is None
    assert "recognised" not in found.said and "false alarms" not in found.said
    through = {"control_new": 0.3, "control_copies": 0.2, "as_near": 0.0}
    blind = [point_of(pd.DataFrame([row(first, spread, **through)]), "blurred"), points[-1]]
    judged = effect_of("size", "size", "larger: more", blind)
    assert judged is not None and "hardly be recognised through the autoencoder with blurred" in judged.said
    assert "What is made with blurred lies farther from every patient" in judged.said
    assert "With blurred new patients are called too often" in judged.said


def test_every_factor_is_read_from_its_own_rows() -> None:
    copies = {"ldm-plain-medium-20-0": 20, "ldm-plain-medium-8-0": 36, "ldm-plain-medium-40-0": 2}
    rows = []
    for one in settings_of(CPU, 40):
        known = {"kind": one.kind, "augment": one.augment, "size": one.size, "n_patients": one.n_patients}
        rows.append(row(copies.get(one.name, 5), **known))
    rows.append(row(1, length=CPU.lengths[0]))
    found = {one.factor: one for one in factor_effects(pd.DataFrame(rows), CPU, 40)}
    assert set(found) == {"length", "volumes", "augmentation", "size", "generator"}
    assert [point.copies.value for point in found["volumes"].points] == pytest.approx([0.05, 0.5, 0.9])
    assert [point.level for point in found["length"].points] == [f"{CPU.lengths[0]:.3g} of the steps", "all steps"]
    assert {one.answer for one in found.values()} == {"shows", "does not show"}
    assert found["size"].answer == "does not show" and found["augmentation"].answer == "shows"
    table = table_of(list(found.values()))
    assert len(table) == 2 + 3 + 2 + 3 + 3 and base_of(CPU, 40).n_patients == 20
