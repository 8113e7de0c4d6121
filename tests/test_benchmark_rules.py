"""A tiny run of the benchmark of rules: draws as described, and tables of every rule."""

from __future__ import annotations

import numpy as np
from benchmarks import rules

from napari_relict.calibration.rules import RULES

TINY = (rules.Pools(60, 30, 40), rules.Pools(90, 30, 40))


def test_a_copying_generator_copies_as_many_as_it_is_told_and_a_perfect_one_nobody() -> None:
    drawn = rules.cohorts(TINY[0], 0.25, (1, 2))
    assert [len(one) for one in (drawn.training, drawn.holdout, drawn.synthetic)] == [60, 30, 40]
    assert drawn.copies.sum() == 10
    apart = np.linalg.norm(drawn.synthetic[:, None] - drawn.training[None], axis=2).min(1)
    assert apart[drawn.copies].max() < 2 * rules.COPY_NOISE * rules.FEATURES**0.5 < apart[~drawn.copies].min()
    assert not rules.cohorts(TINY[0], 0.0, (1, 2)).copies.any()
    # A fifth of the training volumes have a second scan of the same patient.
    itself = np.linalg.norm(drawn.training[:, None] - drawn.training[None], axis=2) + np.eye(60) * 1e9
    assert (itself.min(1) < 2 * rules.FEATURES**0.5 * rules.SCAN_NOISE).sum() == 24


def test_the_section_has_every_rule_and_says_where_one_refuses(monkeypatch) -> None:
    monkeypatch.setattr(rules, "ONI_FEATURES", (8,))
    monkeypatch.setattr(rules, "ONI_POOLS", TINY[0])
    text = rules.run(runs=1, simulations=5, pools=TINY)
    for rule in RULES.values():
        assert f"| {rule.title}" in text
    (published,) = [line for line in text.splitlines() if line.startswith("| Memorization index, as published")]
    assert published.split(" | ")[1] == "refuses"
    assert "refuses" not in published.split(" | ")[2]
    assert text.count("| 60/30/40 |") == 4  # header of the first table, three rows of the second
    assert "| calibrated | 20% |" in text


def test_ours_is_wrong_as_often_as_it_says() -> None:
    held = rules.nominal(rules.Pools(60, 39, 50), 0.0, 200)
    assert held.positives.low <= rules.ALPHA
    assert held.discoveries.low <= rules.ALPHA
