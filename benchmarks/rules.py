"""What each rule calls a copy when nobody was copied, and how many copies it finds when some were.

    python -m benchmarks.rules [--runs N] [--simulations N]

Simulated features: patients of a Gaussian mixture, some training patients with two scans. A perfect generator draws new
patients; a copying one makes a share of its volumes of a training volume and a little noise. Pools of several sizes.
Writes the section Published rules of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from benchmarks.page import machine, table, write_section
from napari_relict.calibration.rules import RULES, Evidence, Number, memorization_index
from napari_relict.calibration.rules.arrays import correlations
from napari_relict.calibration.rules.outcome import mean, share
from napari_relict.errors import DataError
from napari_relict.measures.registry import VOXEL

FEATURES, GROUPS = 64, 8
SCAN_NOISE, COPY_NOISE = 0.2, 0.1  # in standard deviations between patients of one group
TWO_SCANS = 0.2  # share of the training volumes that are a patient's second scan
COPIED = 0.2  # share of copies of the copying generator
FEW_COPIED = 0.02
NCC = next(measure for measure in VOXEL if measure.name == "ncc")
ALPHA = 0.05
ONI_FEATURES, ONI_RUNS = (64, 256, 768), 3
# Examples, where no cut is published: what 5% of a normal null exceed, and round numbers.
Z95 = float(norm.ppf(1 - ALPHA))
CUTS = {"mi_published": Z95, "mi_calibrated": Z95, "calibrated_l2": 0.5, "nndr": 0.5, "correlation": 0.7}
MEMORISED = {"dar_published": "training volumes memorised (as published)", "dar_matched": "the same, pools matched"}


@dataclass(frozen=True)
class Pools:
    training: int
    holdout: int
    synthetic: int

    def __str__(self) -> str:
        return f"{self.training}/{self.holdout}/{self.synthetic}"


ONI_POOLS = Pools(904, 226, 904)
POOLS = (Pools(60, 60, 200), Pools(200, 200, 200), Pools(904, 904, 904), Pools(904, 226, 904), Pools(904, 226, 6780))


@dataclass(frozen=True)
class Cohorts:
    """Features (volumes, features); `patients` of the training volumes, int; `copies` is bool (synthetic,)."""

    training: np.ndarray
    patients: np.ndarray
    holdout: np.ndarray
    synthetic: np.ndarray
    copies: np.ndarray


def cohorts(
    pools: Pools, copied: float, seed: Sequence[int], features: int = FEATURES, two_scans: float = TWO_SCANS
) -> Cohorts:
    """One draw of everything. Holdout and synthetic volumes that are no copies have the same distribution."""
    random = np.random.default_rng(seed)
    middles = random.standard_normal((GROUPS, features))

    def patients(n: int) -> np.ndarray:
        return np.asarray(middles[random.integers(GROUPS, size=n)] + random.standard_normal((n, features)))

    def scans(of: np.ndarray, noise: float = SCAN_NOISE) -> np.ndarray:
        return np.asarray(of + noise * random.standard_normal(of.shape))

    second = int(two_scans * pools.training)
    people = patients(pools.training - second)
    training = scans(np.concatenate([people, people[:second]]))
    holdout, synthetic = scans(patients(pools.holdout)), scans(patients(pools.synthetic))
    copies = np.zeros(pools.synthetic, bool)
    copies[: round(copied * pools.synthetic)] = True
    sources = random.integers(pools.training, size=int(copies.sum()))
    synthetic[copies] = scans(training[sources], COPY_NOISE)
    return Cohorts(training, np.r_[: len(people), :second], holdout, synthetic, copies)


def nearest(features: np.ndarray, drawn: Cohorts) -> tuple[np.ndarray, np.ndarray]:
    """Correlation with the nearest training patient, and how alone he stands: as a study does it with NCC."""
    with_all = correlations(features, drawn.training)
    with_patients = np.full((len(features), drawn.patients.max() + 1), -1.0)
    np.maximum.at(with_patients.T, drawn.patients, with_all.T)
    second, first = np.partition(with_patients, -2, axis=1)[:, -2:].T
    return first, NCC.gap(first, second)


def evidence_of(drawn: Cohorts, seed: int) -> Evidence:
    """Correlation of features stands in for the scores of all rules with a fixed cut, and for those of our own."""
    (to_synthetic, gaps), (to_holdout, null_gaps) = (nearest(one, drawn) for one in (drawn.synthetic, drawn.holdout))
    return Evidence(
        training=[drawn.training],
        holdout=[drawn.holdout],
        synthetic=[drawn.synthetic],
        scores=to_synthetic[:, None],
        null=to_holdout[:, None],
        gaps=gaps[:, None],
        null_gaps=null_gaps[:, None],
        largest_correlation=to_synthetic,
        deepssim=to_synthetic,
        deepssim_plus=to_synthetic,
        sscd=to_synthetic,
        cuts=CUTS,
        alpha=ALPHA,
        seed=seed,
    )


def judged(pools: Pools, runs: int) -> dict[str, tuple[float, float]]:
    """By rule: what it calls of volumes that are no copies (perfect generator), and of copies (copying generator).

    Rules that judge the set: share of runs in which p < .05. NaN where a rule refuses.
    """
    found: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for run in range(runs):
        for which, copied in enumerate((0.0, COPIED)):
            drawn = cohorts(pools, copied, (1, *vars(pools).values(), run, which))
            evidence = evidence_of(drawn, run)
            for name, rule in RULES.items():
                try:
                    outcome = rule(evidence)
                except DataError:
                    found[name][which].append(float("nan"))
                    continue
                if outcome.calls is None:
                    found[name][which].append(float(outcome.numbers["p"].value < ALPHA))
                else:
                    found[name][which].append(float(outcome.calls[drawn.copies == bool(which)].mean()))
                if name in MEMORISED and not which:
                    found[MEMORISED[name]][0].append(outcome.numbers["share memorised"].value)
    return {name: tuple(float(np.mean(one)) if one else float("nan") for one in both) for name, both in found.items()}


@dataclass(frozen=True)
class Held:
    """Whether q-values keep what they promise, over simulations.

    Attributes
    ----------
    discoveries : mean false discovery proportion; at most `ALPHA` is promised.
    positives : mean share of volumes that are no copies with p <= ALPHA; at most `ALPHA` likewise.
    power : mean share of copies called.
    any_call : share of simulations in which anything was called.
    """

    discoveries: Number
    positives: Number
    power: Number
    any_call: Number


def nominal(pools: Pools, copied: float, simulations: int) -> Held:
    """Our own rule alone, many times."""
    rows = np.empty((simulations, 4))
    for number in range(simulations):
        drawn = cohorts(pools, copied, (2, *vars(pools).values(), round(1000 * copied), number))
        evidence = evidence_of(drawn, number)
        outcome = RULES["holdout_null"](evidence)
        p, calls = outcome.values, outcome.calls
        assert p is not None and calls is not None
        false = calls & ~drawn.copies
        rows[number] = (
            false.sum() / max(calls.sum(), 1),
            (p[~drawn.copies] <= ALPHA).mean(),
            calls[drawn.copies].mean() if copied else np.nan,
            calls.any(),
        )
    any_call = share(int(rows[:, 3].sum()), simulations)
    # Without copies every call is false: the proportion is 0 or 1, and Wilson's interval its own.
    return Held(any_call if not copied else mean(rows[:, 0]), mean(rows[:, 1]), mean(rows[:, 2]), any_call)


def rules_table(results: Mapping[Pools, Mapping[str, tuple[float, float]]]) -> str:
    first = next(iter(results.values()))
    titles = {name: f"{rule.title}{_cut(name)}" for name, rule in RULES.items()}
    volumes = [name for name in first if name not in RULES or RULES[name].speaks_of == "volumes"]
    rows = [
        [titles.get(name, name), *(_cell(*results[pools][name]) for pools in results)]
        for name in (*volumes, *(name for name in first if name not in volumes))
    ]
    return table(["rule", *map(str, results)], rows)


def nominal_table(held: Mapping[tuple[Pools, float], Held]) -> str:
    rows = [
        [str(pools), f"{copied:.0%}", *(map(_percent, (one.discoveries, one.positives, one.any_call))),
         _percent(one.power) if copied else "-"]
        for (pools, copied), one in held.items()
    ]  # fmt: skip
    header = ["pools", "copied", "false discoveries", "p of .05 or less", "anything called", "copies called"]
    return table(header, rows)


def oni_table(features: Sequence[int], pools: Pools = ONI_POOLS) -> str:
    """Mean ONI of perfect generators, by form, number of features and share of second scans."""
    rows = []
    for two_scans in (0.0, TWO_SCANS):
        found = np.empty((len(features), ONI_RUNS, 2))
        for place, width in enumerate(features):
            for number in range(ONI_RUNS):
                drawn = cohorts(pools, 0.0, (3, width, number), width, two_scans)
                cases = [drawn.training], [drawn.holdout], [drawn.synthetic]
                outcomes = memorization_index.published(cases[0], cases[2]), memorization_index.calibrated(*cases)
                found[place, number] = [one.numbers["mean ONI"].value for one in outcomes]
        rows += [
            [form, f"{two_scans:.0%}", *(f"{one.mean():+.2f} ± {one.std(ddof=1):.2f}" for one in found[..., column])]
            for column, form in enumerate(("as published", "calibrated"))
        ]
    return table(["form", "second scans", *(f"{width} features" for width in features)], rows)


def run(runs: int, simulations: int, pools: Sequence[Pools] = POOLS) -> str:
    """The section's text."""
    results = {one: judged(one, runs) for one in pools}
    held = {(one, copied): nominal(one, copied, simulations) for one in pools for copied in (0.0, FEW_COPIED, COPIED)}
    return f"""## Published rules

    python -m benchmarks.rules

What each rule of [Published rules](concepts/published-rules.md) says of simulated features ({FEATURES} of them,
{GROUPS} groups of patients; a fifth of the training volumes are second scans). Pools are training / holdout /
synthetic. Of each pair of numbers the first is the share of volumes called copies when **nobody was copied** (0 would
be right), the second the share of copies called when {COPIED:.0%} of the synthetic volumes were copies; means of {runs}
runs. "Refuses" means that the rule is not defined there. Rules in the last two rows judge the set: shares of runs in
which p < .05. Rules with fixed cuts see the correlation of the features in place of their own networks' scores, so
their rows show how a fixed cut behaves, not how good those networks are. Cuts in brackets are examples, for none is
published.

{rules_table(results)}

Does our own rule (q-values against a holdout, false discovery rate 5%) keep its promise? Means with 95% intervals of
{simulations} simulations each. False discoveries is the share of wrong calls among all calls (0 without calls); p of
.05 or less is of volumes that are no copies. Ranks promise at most 5% of both, up to the simulation's error; beyond
the null p rests on a fitted tail, an assumption.

{nominal_table(held)}

Mean Overfit/Novelty Index of the perfect generator, {ONI_POOLS}, with the standard deviation between {ONI_RUNS} runs.
It should be 0, "like the null"; -1 means memorised.

{oni_table(ONI_FEATURES)}

{machine(("numpy", "scipy", "scikit-learn"))}.
"""


def _cut(name: str) -> str:
    return f" (cut {CUTS[name]:.3g})" if name in CUTS else ""


def _cell(false: float, found: float) -> str:
    if not np.isfinite(false):
        return "refuses"
    return f"{false:.1%} / {found:.0%}" if np.isfinite(found) else f"{false:.1%}"


def _percent(number: Number) -> str:
    return f"{number.value:.1%} ({number.low:.1%} to {number.high:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--simulations", type=int, default=200)
    given = parser.parse_args()
    begin = time.process_time()
    text = run(given.runs, given.simulations)
    print(text)
    write_section("Published rules", text)
    print(f"{time.process_time() - begin:.0f} s of processor time")


if __name__ == "__main__":
    main()
