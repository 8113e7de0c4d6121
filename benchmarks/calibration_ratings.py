"""Simulated studies of what is said of ratings to come: which to give next, how many; and how good probabilities are.

As in `benchmarks.calibration_studies`: each function simulates `studies` studies and returns one row a quantity.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import norm

from benchmarks.calibration_studies import Rate
from napari_relict.calibration.active import expected_widths, ratings_needed, threshold_width
from napari_relict.calibration.probability import fuse

RULE, TARGET = "balanced accuracy", 0.95
MOST = 1500  # further ratings that are tried, where more are said to be needed


def brier(studies: int, rated: int, share: float, apart: float, unseen: int = 2000) -> list[Rate]:
    """Does the interval hold the Brier score of volumes nobody has rated, whose true probabilities are known?"""
    held = better = 0
    for seed in range(studies):
        random = np.random.default_rng(seed)
        replica = np.r_[np.arange(rated) < round(share * rated), random.random(unseen) < share]
        z = random.standard_normal((len(replica), 2)) + apart * replica[:, None]
        found = fuse(z, np.arange(len(z)) < rated, replica)
        # The chance of a replica at z, of normal scores with one covariance.
        odds = np.log(share / (1 - share)) + apart * z.sum(1) - apart**2
        chance = (1 / (1 + np.exp(-odds)))[rated:]
        guess = found.probability[rated:]
        true = float((guess**2 * (1 - chance) + (1 - guess) ** 2 * chance).mean())
        held += int(found.brier_low <= true <= found.brier_high)
        better += int(found.brier_low > true)
    size = f"{rated} rated, {share:.0%} replicas, two levels {apart:g} SD apart"
    return [
        Rate("Brier score", size, held, studies, "95%"),
        Rate("Brier score better than its interval", size, better, studies, "2.5%"),
    ]


def next_ones(studies: int, rated: int, apart: float, more: int = 10, pool: int = 60) -> list[Rate]:
    """Ten volumes that `next` names are rated, or ten at random: how wide is the threshold's interval then?"""
    narrower = narrower_than_now = as_expected = 0
    for seed in range(studies):
        random = np.random.default_rng(seed)
        truth = np.arange(rated + pool) % 2 == 0
        values = random.standard_normal(len(truth)) + apart * truth
        known, others = values[:rated], values[rated:]
        chance = norm.pdf(others - apart) / (norm.pdf(others - apart) + norm.pdf(others))
        expected = expected_widths(others, chance, known, truth[:rated], RULE, TARGET, seed)
        order = np.argsort(np.where(np.isfinite(expected), expected, np.inf))

        def width(
            places: np.ndarray, values: np.ndarray = values, truth: np.ndarray = truth, seed: int = seed
        ) -> float:
            chosen = np.r_[np.arange(rated), rated + places]
            return threshold_width(values[chosen], truth[chosen], RULE, TARGET, seed)

        named = width(order[:more])
        narrower += int(named < width(random.choice(pool, more, replace=False)))
        narrower_than_now += int(named < width(np.empty(0, int)))
        as_expected += int(abs(width(order[:1]) / expected[order[0]] - 1) < 0.25)
    size = f"{rated} rated, {pool} not, {apart:g} SD apart"
    return [
        Rate(
            f"{more} named pairs narrow the interval more than {more} at random", size, narrower, studies, "above 50%"
        ),
        Rate(f"interval narrower after {more} named pairs", size, narrower_than_now, studies, "near 100%"),
        Rate("width after the first of them within 25% of what was expected", size, as_expected, studies, "near 100%"),
    ]


def needed(studies: int, rated: int, apart: float, factor: float) -> list[Rate]:
    """An interval `factor` times as wide is asked for: is it there after as many ratings as were said?"""
    reached = {"more": 0, "more_low": 0, "more_high": 0}
    for seed in range(studies):
        random = np.random.default_rng(seed)
        truth = np.arange(rated + MOST) % 2 == 0
        values = random.standard_normal(len(truth)) + apart * truth
        now = threshold_width(values[:rated], truth[:rated], RULE, TARGET, seed)
        found = ratings_needed(values[:rated], truth[:rated], factor * now, RULE, TARGET, seed)
        for name in reached:
            some = slice(0, rated + int(min(getattr(found, name), MOST)))
            reached[name] += int(threshold_width(values[some], truth[some], RULE, TARGET, seed) <= factor * now)
    size = f"{rated} rated, {apart:g} SD apart, {factor:g} of the width"
    wanted = {"more_low": ("the lower end of the number", "2.5%"), "more": ("the number itself", "50%"),
              "more_high": ("its upper end", "97.5%")}  # fmt: skip
    return [
        Rate(f"as narrow as asked for after {what}", size, reached[name], studies, share)
        for name, (what, share) in wanted.items()
    ]


ALL: tuple[tuple[str, Callable[[int], list[Rate]]], ...] = (
    ("Ratings to come", lambda n: next_ones(n, 30, 2.0)),
    ("Ratings to come", lambda n: needed(n, 40, 2.0, 0.7)),
    ("Ratings to come", lambda n: needed(n, 100, 2.0, 0.7)),
    ("Probability", lambda n: brier(n, 44, 0.5, 1.5)),
    ("Probability", lambda n: brier(n, 100, 0.2, 1.5)),
)
