"""Simulated studies whose truth is known: does each interval hold it, and how often is a non-copy flagged?

Each function simulates `studies` studies and returns one row a quantity: what, size, and how often each thing happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta, lognorm, norm

from napari_relict.calibration import best_threshold, fused_p_values, q_values
from napari_relict.calibration.agreement import agreement
from napari_relict.calibration.clearing import clear_by_ratings
from napari_relict.calibration.copies import copies_by_scores, patients_copied
from napari_relict.calibration.cuts import CutRule
from napari_relict.calibration.null import closest_of_patients
from napari_relict.calibration.pareto_tail import fit_tail, sharpened, tail_p_values

RESAMPLES = 200  # of each bootstrap; the product takes 1,000
ALPHA = 0.05


@dataclass(frozen=True)
class Rate:
    """How often something happened.

    Attributes
    ----------
    what, size : in words. hits of studies. wanted : in words, what it should be.
    """

    what: str
    size: str
    hits: int
    studies: int
    wanted: str

    @property
    def written(self) -> str:
        """The rate with its 95% Clopper-Pearson interval, in per cent."""
        low = beta.ppf(0.025, self.hits, self.studies - self.hits + 1) if self.hits else 0.0
        high = beta.ppf(0.975, self.hits + 1, self.studies - self.hits) if self.hits < self.studies else 1.0
        return f"{100 * self.hits / self.studies:.1f}% ({100 * low:.1f} to {100 * high:.1f})"


def thresholds(
    studies: int, yes: int, no: int, apart: float, rule: CutRule = "balanced accuracy", skewed: bool = False
) -> list[Rate]:
    """Replicas' and others' scores normal, `apart` standard deviations: the true cut, accuracy and AUC are known.

    `skewed` takes their exponential; cut and values with it, the rest stays.
    """
    target = 0.9
    best = {
        "balanced accuracy": apart / 2,
        "sensitivity": apart - norm.ppf(target),
        "specificity": norm.ppf(target),
    }[rule]
    truth = np.arange(yes + no) < yes
    held = np.zeros(3, int)
    for seed in range(studies):
        values = np.random.default_rng(seed).standard_normal(len(truth)) + apart * truth
        found = best_threshold(
            np.exp(values / 2) if skewed else values, truth, measure="", level="", higher_is_closer=True,
            estimated_on="", rule=rule, target=target, resamples=RESAMPLES, seed=seed,
        )  # fmt: skip
        assert found is not None
        cut, low, high = (
            2 * np.log(max(end, 1e-9)) if skewed else end
            for end in (found.threshold, found.threshold_low, found.threshold_high)
        )
        accuracy = (norm.sf(cut - apart) + norm.cdf(cut)) / 2
        held += [
            low <= best <= high,
            found.balanced_accuracy_low <= accuracy <= found.balanced_accuracy_high,
            found.auc_low <= norm.cdf(apart / np.sqrt(2)) <= found.auc_high,
        ]
    size = f"{yes} replicas, {no} others, {apart:g} SD apart" + (", skewed" if skewed else "")
    names = (f"threshold by {rule}", f"balanced accuracy at the cut by {rule}", "AUC")
    chosen = names if rule == "balanced accuracy" else names[:2]
    return [
        Rate(name, size, int(count), studies, "95%") for name, count in zip(names, held, strict=True) if name in chosen
    ]


def readers(studies: int, pairs: int, noise: float) -> list[Rate]:
    """Three readers see the same likeness, each with noise; the true coefficients are those of very many pairs."""

    def grades(seed: int, count: int) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        seen = random.standard_normal(count)[:, None] + noise * random.standard_normal((count, 3))
        grade = np.digitize(seen, [-0.5, 0.4, 1.2]) + 1
        row, reader = np.indices(grade.shape)
        name = np.char.add("s", row.ravel().astype(str))
        return pd.DataFrame(
            {"synthetic": name, "training": "t", "reader": reader.ravel().astype(str), "grade": grade.ravel()}
        ).assign(round="first", repeat=False)

    def all_readers(table: pd.DataFrame) -> pd.DataFrame:
        found = agreement(table)
        chosen = found["kind"].eq("all readers") | (
            found["readers"].eq("0, 1") & found["statistic"].str.startswith("weighted")
        )
        return found[chosen].set_index("statistic")

    truth = all_readers(grades(10**6, 2_000))["value"]
    held = dict.fromkeys(truth.index, 0)
    for seed in range(studies):
        found = all_readers(grades(seed, pairs))
        for name in held:
            held[name] += int(found.loc[name, "low"] <= truth[name] <= found.loc[name, "high"])
    return [Rate(name, f"{pairs} pairs, noise {noise:g}", count, studies, "95%") for name, count in held.items()]


def tails(studies: int, patients: int, skewed: bool) -> list[Rate]:
    """The p-value of a statistic far out, from a null whose distribution is known."""
    law = lognorm(0.25) if skewed else norm()
    rates = []
    nulls = [fit_tail(law.rvs(patients, random_state=seed)) for seed in range(studies)]
    for p in (1e-3, 1e-5):
        ends = np.array([tail.p_value(float(law.isf(p))) for tail in nulls if tail is not None])
        ends = ends[np.isfinite(ends).all(1)]
        size = f"{patients} patients, {'skewed' if skewed else 'normal'} null"
        inside = int(((ends[:, 1] <= p) & (p <= ends[:, 2])).sum())
        rates.append(Rate(f"tail p of {p:g}", size, inside, len(ends), "95%"))
        rates.append(
            Rate(f"upper end below the true p of {p:g}", size, int((ends[:, 2] < p).sum()), len(ends), "at most 2.5%")
        )
    return rates


def flags(
    studies: int, patients: int, *, synthetic: int = 20, copies: int = 0, volumes: int = 1, tail: bool = False
) -> list[Rate]:
    """Verdicts of studies where non-copies are exchangeable with holdout volumes, at three correlated, skewed levels.

    Patients own `volumes` volumes each, alike; a synthetic volume is like one volume of a new patient.
    """
    small = one = some = found = 0
    discoveries = 0.0
    for seed in range(studies):
        random = np.random.default_rng(seed)

        def scores(people: int, each: int, random: np.random.Generator = random) -> np.ndarray:
            person = random.standard_normal((people, 1, 3)) + random.standard_normal((people, 1, 1))
            return np.asarray(np.exp(0.3 * (person + random.standard_normal((people, each, 3))))).reshape(-1, 3)

        null = scores(patients, volumes)
        whose = [str(number) for number in np.repeat(np.arange(patients), volumes)]
        null = np.column_stack([closest_of_patients(column, whose) for column in null.T])
        mine = scores(synthetic, 1)
        mine[:copies] += 20
        p, _ = fused_p_values(mine, null)
        q = q_values(sharpened(p, tail_p_values(mine, null)) if tail else p)
        called = q < ALPHA
        # Volumes of one study share their null: one of them a study, so that studies are what is counted.
        small += int(p[copies] <= ALPHA)
        one += int(called[copies])
        some += int(called[copies:].any())
        found += int(called[:copies].sum())
        discoveries += called[copies:].sum() / max(1, called.sum())
    size = f"{patients} patients" + (f" of {volumes} volumes" if volumes > 1 else "")
    size += f", {copies} {'copy' if copies == 1 else 'copies'} of {synthetic}" + (", Pareto tail" if tail else "")
    rates = [
        Rate("p of a non-copy at most 0.05", size, small, studies, "at most 5%"),
        Rate("a non-copy flagged (q < 0.05)", size, one, studies, "at most 5%"),
    ]
    if copies:
        rates.append(Rate("false discovery rate", size, round(discoveries), studies, "at most 5%"))
        rates.append(Rate("a far copy flagged", size, found, studies * copies, "as the resolution allows"))
    else:
        rates.append(Rate("any flag in a study without copies", size, some, studies, "at most 5%"))
    return rates


def counts(studies: int, patients: int, copies: int, apart: float, synthetic: int = 100) -> list[Rate]:
    """The number of copies by scores; `copies` of `synthetic` lie `apart` standard deviations nearer.

    Two copies show each patient that was copied; the others lie nearest to one of 100 patients.
    """
    held = over = patients_held = 0
    for seed in range(studies):
        random = np.random.default_rng(seed)
        mine = random.standard_normal(synthetic) + apart * (np.arange(synthetic) < copies)
        found = copies_by_scores(mine, random.standard_normal(patients), seed)
        assert found is not None
        nearest = np.where(np.arange(synthetic) < copies, np.arange(synthetic) // 2, random.integers(0, 100, synthetic))
        seen = patients_copied(found, mine, [str(one) for one in nearest])
        patients_held += int(seen.low <= (copies + 1) // 2 <= seen.high)
        held += int(found.low <= copies <= found.high)
        over += int(found.low > copies)
    size = f"{patients} patients, {copies} copies of {synthetic}, {apart:g} SD apart"
    return [
        Rate("number of copies", size, held, studies, "95% where copies stand out"),
        Rate("lower end above the true number", size, over, studies, "at most 2.5%"),
        Rate("number of patients copied", size, patients_held, studies, "95% where copies stand out"),
    ]


def releases(studies: int, rated: int, share: float, apart: float, risk: float = 0.05) -> list[Rate]:
    """Cleared lists: how often does one promise a bound, and how often is its promise broken?

    The true share of replicas below a cut is known: suspicion is normal, `apart` standard deviations higher for them.
    """
    promised = broken = 0
    for seed in range(studies):
        random = np.random.default_rng(seed)
        replica = random.random(rated + 500) < share
        suspicion = random.standard_normal(len(replica)) + apart * replica
        found = clear_by_ratings(suspicion, np.arange(len(replica)) < rated, replica, risk)
        if not np.isfinite(found.bound):
            continue
        cut = suspicion[found.cleared].max()
        missed = share * norm.cdf(cut - apart)
        promised += 1
        broken += int(missed / (missed + (1 - share) * norm.cdf(cut)) > risk)
    size = f"{rated} rated, {share:.0%} replicas, {apart:g} SD apart"
    return [
        Rate("a release with a bound", size, promised, studies, "as the ratings allow"),
        Rate(f"more than {risk:g} replicas cleared in spite of it", size, broken, studies, "at most 5%"),
    ]


ALL: tuple[tuple[str, Callable[[int], list[Rate]]], ...] = (
    *(
        ("Thresholds", lambda n, yes=yes, no=no, apart=apart: thresholds(n, yes, no, apart))
        for yes, no in ((5, 45), (10, 20), (25, 25), (50, 150))
        for apart in (2.0, 4.0)
    ),
    ("Thresholds", lambda n: thresholds(n, 25, 25, 2.0, "sensitivity")),
    ("Thresholds", lambda n: thresholds(n, 25, 25, 2.0, "specificity")),
    ("Thresholds", lambda n: thresholds(n, 5, 45, 2.0, skewed=True)),
    ("Agreement of readers", lambda n: readers(n, 10, 0.5)),
    ("Agreement of readers", lambda n: readers(n, 20, 0.5)),
    ("Agreement of readers", lambda n: readers(n, 60, 0.5)),
    *(
        ("Tail p-values", lambda n, patients=patients, skewed=skewed: tails(n, patients, skewed))
        for patients in (120, 300)
        for skewed in (False, True)
    ),
    *(("Verdicts", lambda n, patients=patients: flags(n, patients)) for patients in (19, 99, 999)),
    ("Verdicts", lambda n: flags(n, 99, volumes=3)),
    ("Verdicts", lambda n: flags(n, 119, copies=4)),
    ("Verdicts", lambda n: flags(n, 120, copies=1)),
    ("Verdicts", lambda n: flags(n, 120, tail=True)),
    ("Verdicts", lambda n: flags(n, 120, copies=1, tail=True)),
    *(("Number of copies", lambda n, copies=copies: counts(n, 100, copies, 6.0)) for copies in (0, 5, 20)),
    ("Number of copies", lambda n: counts(n, 100, 20, 1.0)),
    ("Release", lambda n: releases(n, 100, 0.1, 3.0)),
    ("Release", lambda n: releases(n, 200, 0.2, 2.0)),
    ("Release", lambda n: releases(n, 200, 0.06, 0.0)),
)
