"""The registry: every rule runs on the same evidence, says who it is, and ours keeps its error rate."""

from __future__ import annotations

import numpy as np
import pytest

from napari_relict.calibration.null import p_values, q_values
from napari_relict.calibration.rules import RULES, Evidence, Number, Outcome
from napari_relict.calibration.rules.holdout_null import holdout_null
from napari_relict.calibration.rules.outcome import mean, share
from napari_relict.errors import DataError, UsageError


def evidence(copies: int = 0, seed: int = 0) -> Evidence:
    random = np.random.default_rng(seed)
    training, holdout, synthetic = (random.standard_normal((n, 8)) for n in (80, 60, 50))
    synthetic[:copies] = training[:copies] + 0.01 * random.standard_normal((copies, 8))
    features = Evidence(training=[training], holdout=[holdout], synthetic=[synthetic])
    scores, null = (one.max(1) for one in features.correlation_matrices)
    return Evidence(
        training=[training], holdout=[holdout], synthetic=[synthetic], scores=scores[:, None], null=null[:, None],
        largest_correlation=scores, deepssim=scores, deepssim_plus=scores, sscd=scores,
        cuts={name: 0.9 for name, rule in RULES.items() if rule.needs_cut},
    )  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_every_rule_says_who_it_is_and_finds_copies(name: str) -> None:
    rule = RULES[name]
    found = rule(evidence(copies=20 if rule.speaks_of == "volumes" else 45))
    assert (found.rule, found.title, found.source) == (name, rule.title, rule.source)
    assert found.said.startswith(f"{rule.title} ({rule.source}): ")
    assert "\n" not in found.said and "estimated on" in found.said
    if rule.speaks_of == "set":
        assert found.calls is None
        assert found.numbers["p"].value < 0.05
    else:
        assert found.calls is not None and found.calls.shape == (50,)
        assert found.calls.dtype == bool
        assert found.calls[:20].all()


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.needs_cut and name != "mi_calibrated"])
def test_rules_without_a_published_cut_call_nobody_unless_one_is_given(name: str) -> None:
    known = evidence()
    bare = Evidence(**{key: getattr(known, key) for key in RULES[name].needs})
    assert RULES[name](bare).calls is None


@pytest.mark.parametrize("name", RULES)
def test_what_is_missing_is_said(name: str) -> None:
    with pytest.raises(UsageError, match=f"{RULES[name].title.replace('+', '.')}: needs "):
        RULES[name](Evidence())
    assert RULES[name].missing(evidence()) == []


def test_holdout_null_by_hand() -> None:
    # 39 holdout scores 0..38: a score of 100 has p = 1/40, one of 37 has p = 3/40. Four volumes, two copies: q = 1/40 *
    # 4/2 = .05, not below .05; and with alpha .09 both are called. floor(4 / (40 * .05)) + 1 = 3 copies are needed.
    closeness, null = np.array([[100.0], [100.0], [37.0], [-5.0]]), np.arange(39.0)[:, None]
    found = holdout_null(closeness, null, tail=False)
    assert found.values == pytest.approx([0.025, 0.025, 0.075, 1])
    assert found.called == 0
    assert "unless 3 volumes" in found.note
    assert holdout_null(closeness, null, alpha=0.09, tail=False).called == 2
    # q = 1/40 * 4/3 = .0333
    assert holdout_null(np.array([[100.0], [100.0], [100.0], [-5.0]]), null, tail=False).called == 3
    assert found.numbers["smallest p by ranks"].value == pytest.approx(1 / 40)
    with_tail = holdout_null(closeness, null)
    assert with_tail.called == 2 and with_tail.note == ""


def test_holdout_null_of_several_measures_uses_the_fused_p_value() -> None:
    random = np.random.default_rng(0)
    null, mine = random.standard_normal((99, 2)), np.array([[0.0, 9.0], [0.0, 0.0], [np.nan, np.nan]])
    found = holdout_null(mine, null, tail=False)
    assert found.values is not None and found.calls is not None
    assert found.values[0] == pytest.approx(0.01)
    assert np.isnan(found.values[2]) and not found.calls[2]


def test_holdout_null_says_what_it_cannot_use() -> None:
    for closeness, null in ((np.ones((3, 2)), np.ones((3, 1))), (np.ones(3), np.ones(3))):
        with pytest.raises(DataError, match="one row a volume"):
            holdout_null(closeness, null)
    with pytest.raises(DataError, match="no holdout volume has scores"):
        holdout_null(np.ones((3, 1)), np.full((3, 1), np.nan))
    with pytest.raises(UsageError, match="alpha"):
        holdout_null(np.ones((3, 1)), np.ones((3, 1)), alpha=1)


def test_ours_keeps_its_false_discovery_rate_when_some_are_copies() -> None:
    random, proportions = np.random.default_rng(4), []
    for _ in range(600):
        null, mine = random.standard_normal(199), random.standard_normal(100)
        mine[:20] = 50
        calls = q_values(p_values(mine, null)) < 0.05
        proportions.append(calls[20:].sum() / max(calls.sum(), 1))
    rate, error = np.mean(proportions), np.std(proportions) / 600**0.5
    assert 0.02 < rate <= 0.05 + 3 * error


def test_shares_and_means_have_intervals() -> None:
    # Wilson, 0 of 10: from 0 to z² / (n + z²) = 3.8415 / 13.8415.
    none = share(0, 10)
    assert (none.value, none.low, none.high) == pytest.approx((0, 0, 0.27753), abs=1e-4)
    assert np.isnan(share(0, 0).value) and str(share(0, 0)) == "undefined"
    known = mean(np.array([1.0, 3.0, np.nan]))
    assert (known.value, known.low, known.high) == (2.0, 1.0, 3.0)
    assert str(mean(np.array([2.0]))) == "2" and str(mean(np.array([]))) == "undefined"
    assert str(Number(2160.0)) == "2160"


def test_an_outcome_without_calls_has_no_share() -> None:
    bare = Outcome(rule="x", title="X", source="nobody", estimated_on="nothing")
    assert bare.called is None and bare.share is None
    assert bare.said == "X (nobody): estimated on nothing"
