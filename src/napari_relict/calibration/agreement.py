"""How far readers agree, with themselves and with each other.

Coefficients are sums over pairs, so that all of the jackknife is one matrix product. Each is checked against
scikit-learn or published examples in tests/calibration/test_agreement.py. (irrCAC, which has them too, asks for a scipy
and a pandas of years ago; krippendorff is under the GPL.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import t as student

from napari_relict.calibration.verdicts import GRADES, REPLICA_GRADE

FEWEST_PAIRS = 5  # below, an interval would be made up
FEW_PAIRS = 10  # below, it is called small
PAIR = ["synthetic", "training"]
COLUMNS = ("kind", "readers", "statistic", "value", "low", "high", "pairs", "method", "note")
LEVELS = np.array(sorted(GRADES), float)
SQUARES = (LEVELS[:, None] - LEVELS) ** 2
QUADRATIC = 1 - SQUARES / SQUARES.max()  # 1 for equal grades, 0 for the ends of the scale


@dataclass(frozen=True)
class _Comparison:
    kind: str
    readers: str
    grades: pd.DataFrame  # pairs (synthetic, training) by columns that are compared; NaN where not rated


def agreement(ratings: pd.DataFrame) -> pd.DataFrame:
    """Agreement within each reader, of each two readers and of all of them.

    Between readers, each one's latest round is compared; hidden repeats and consensus ratings are left out of it.

    Parameters
    ----------
    ratings : pandas.DataFrame
        Standing ratings: synthetic, training, reader, round (first, second, consensus), repeat, grade (1 to 4).

    Returns
    -------
    pandas.DataFrame
        One row a statistic: kind, readers, statistic, value, low, high (95% interval), pairs, method, note. Percentages
        are 0 to 100, coefficients at most 1; NaN where a value is undefined, with a note that says why.
    """
    rows = [
        {"kind": comparison.kind, "readers": comparison.readers, **row}
        for comparison in _comparisons(ratings)
        for row in _statistics(comparison.grades)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def percentage(counts: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Compute how often two of the grades of one pair are the same.

    Parameters
    ----------
    counts : numpy.ndarray of shape (pairs, grades)
        How often each pair got each grade; at least two a pair.
    draws : numpy.ndarray of shape (resamples, pairs)
        How often each pair counts.

    Returns
    -------
    numpy.ndarray of shape (resamples,)
        0 to 100.
    """
    several = counts.sum(1)
    same = (counts * (counts - 1)).sum(1) / (several * (several - 1))
    return np.asarray(100 * (draws @ same) / draws.sum(1))


def weighted_kappa(one: np.ndarray, other: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Compute Cohen's kappa with quadratic weights of two readers' grades.

    With these weights it is 1 - E(a - b)^2 / (var a + var b + (mean a - mean b)^2).

    Parameters
    ----------
    one, other : numpy.ndarray of shape (pairs,)
        Grades.
    draws : numpy.ndarray of shape (resamples, pairs)
        How often each pair counts.

    Returns
    -------
    numpy.ndarray of shape (resamples,)
        NaN where neither's grades differ.

    Notes
    -----
    Fleiss & Cohen (1973).
    """
    total = draws.sum(1)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(draws @ values / total)

    a, b = mean(one), mean(other)
    expected = mean(one**2) + mean(other**2) - 2 * a * b
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 1e-12, 1 - mean((one - other) ** 2) / expected, np.nan)


def gwet(counts: np.ndarray, weights: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Compute Gwet's AC2 for any number of readers: AC1 with the identity as weights.

    Parameters
    ----------
    counts : numpy.ndarray of shape (pairs, grades)
        Pairs with one grade count for how often grades are given, not for agreement.
    weights : numpy.ndarray of shape (grades, grades)
        1 on the diagonal.
    draws : numpy.ndarray of shape (resamples, pairs)
        How often each pair counts.

    Returns
    -------
    numpy.ndarray of shape (resamples,)
        At most 1.

    Notes
    -----
    Gwet (2014), chapters 4 and 5.
    """
    several, size = counts.sum(1), counts.shape[1]
    agreeing = np.where(several >= 2, several * (several - 1), 1)
    same = np.where(several >= 2, (counts * (counts @ weights.T - 1)).sum(1) / agreeing, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        seen = draws @ same / (draws @ (several >= 2).astype(float))
        share = draws @ (counts / several[:, None]) / draws.sum(1)[:, None]
        by_chance = weights.sum() / (size * (size - 1)) * (share * (1 - share)).sum(1)
        return np.asarray((seen - by_chance) / (1 - by_chance))


def krippendorff(counts: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Compute Krippendorff's alpha for ordered grades and any number of readers.

    Parameters
    ----------
    counts : numpy.ndarray of shape (pairs, grades)
        Pairs with one grade say nothing and are passed over.
    draws : numpy.ndarray of shape (resamples, pairs)
        How often each pair counts.

    Returns
    -------
    numpy.ndarray of shape (resamples,)
        NaN where all grades are equal.

    Notes
    -----
    Krippendorff (2011).
    """
    several, size = counts.sum(1), counts.shape[1]
    counts, draws, several = counts[several >= 2], draws[:, several >= 2], several[several >= 2]
    together = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(size)
    together = (together / (several - 1)[:, None, None]).reshape(len(counts), size * size)
    seen = (draws @ together).reshape(len(draws), size, size)
    given = seen.sum(2)
    # Two grades lie as far apart as there are grades given between their middles.
    middle = np.cumsum(given, 1) - given / 2
    apart = (middle[:, :, None] - middle[:, None, :]) ** 2
    expected = (given[:, :, None] * given[:, None, :] * apart).sum((1, 2)) / (given.sum(1) - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 1e-12, 1 - (seen * apart).sum((1, 2)) / expected, np.nan)


def _comparisons(ratings: pd.DataFrame) -> Iterator[_Comparison]:
    ratings = ratings[ratings["round"] != "consensus"].astype({"grade": float})
    for reader, graded in ratings.groupby("reader"):
        both = graded.pivot(index=[*PAIR, "round"], columns="repeat", values="grade")
        yield _Comparison("within reader, hidden repeats", str(reader), both.reindex(columns=[False, True]).dropna())
    firsts = ratings[~ratings["repeat"].astype(bool)]
    for reader, graded in firsts.groupby("reader"):
        both = graded.pivot(index=PAIR, columns="round", values="grade")
        both = both.reindex(columns=["first", "second"]).dropna()
        yield _Comparison("within reader, second round", str(reader), both)
    latest = firsts.sort_values("round", kind="stable").drop_duplicates(["reader", *PAIR], keep="last")
    readers = latest.pivot(index=PAIR, columns="reader", values="grade")
    names = sorted(map(str, readers.columns))
    for one, other in combinations(names, 2):
        yield _Comparison("two readers", f"{one}, {other}", readers[[one, other]].dropna())
    if len(names) > 2:
        yield _Comparison("all readers", ", ".join(names), readers[readers.notna().sum(axis=1) >= 2])


def _statistics(grades: pd.DataFrame) -> Iterator[dict[str, object]]:
    if grades.empty:
        return
    values = grades.to_numpy(float)
    counts = (values[:, :, None] == LEVELS).sum(1)
    calls = np.column_stack([counts[:, LEVELS < REPLICA_GRADE].sum(1), counts[:, LEVELS >= REPLICA_GRADE].sum(1)])
    all_same = bool((counts.sum(0) > 0).sum() == 1)
    volumes, of_volume = np.unique(grades.index.get_level_values("synthetic"), return_inverse=True)
    # Pairs of one synthetic volume go together: they are no independent evidence.
    draws = np.vstack([np.ones(len(grades)), (np.arange(len(volumes))[:, None] != of_volume).astype(float)])
    statistics: dict[str, Callable[[], np.ndarray]] = {
        "percentage agreement": lambda: percentage(counts, draws),
        "percentage agreement, replica or not": lambda: percentage(calls, draws),
        "weighted kappa (quadratic)": lambda: weighted_kappa(values[:, 0], values[:, 1], draws),
        "Gwet's AC2 (quadratic)": lambda: gwet(counts, QUADRATIC, draws),
        "Krippendorff's alpha (ordinal)": lambda: krippendorff(counts, draws),
    }
    if values.shape[1] > 2:
        del statistics["weighted kappa (quadratic)"]
    for name, compute in statistics.items():
        value, *others = (float(number) for number in compute())
        most = 100.0 if name.startswith("percentage") else 1.0
        low, high, note = _interval(value / most, np.array(others) / most, len(grades), len(volumes))
        method = "" if np.isnan(low) else f"95% jackknife of log(1 - value), {len(volumes)} synthetic volumes"
        if most > 1 and value == most and np.isfinite(low):
            # Clopper & Pearson (1934): of volumes that all agree there is no spread to go by.
            low, note, method = 0.025 ** (1 / len(volumes)), "", "95% Clopper-Pearson"
        low = max(low, 0.0 if most > 1 else -1.0)
        if all_same and not name.startswith("percentage"):
            what = "undefined" if np.isnan(value) else "says little"
            note = "; ".join(part for part in (f"{what}: all grades are the same", note) if part)
        yield {
            "statistic": name,
            "value": value,
            "low": most * low,
            "high": most * high,
            "pairs": len(grades),
            "method": method,
            "note": note,
        }


def _interval(value: float, others: np.ndarray, pairs: int, volumes: int) -> tuple[float, float, str]:
    """Low, high, and what has to be said of them.

    Jackknife, each synthetic volume left out in turn, with Student's t (Tukey 1958), of log(1 - value): coefficients
    pile up below 1, and their distance from it varies as a share of itself. In simulations of few pairs it held the
    truth more often than a percentile bootstrap did (docs/benchmarks.md).

    Parameters
    ----------
    value : at most 1. others : (volumes,), the value without each volume.
    """
    if pairs < FEWEST_PAIRS:
        return np.nan, np.nan, f"too few pairs ({pairs})"
    if volumes < FEWEST_PAIRS:
        return np.nan, np.nan, f"too few synthetic volumes ({volumes})"
    if np.isnan(value):
        return np.nan, np.nan, ""
    if not np.isfinite(others).all():
        return np.nan, np.nan, "undefined without one of the volumes: nearly all grades are the same"
    rest = 1 - value
    error = np.sqrt((volumes - 1) / volumes * ((others - others.mean()) ** 2).sum())
    if rest < 1e-12 or error < 1e-12:
        return value, value, "the same without any of the volumes: the interval is too narrow"
    factor = float(np.exp(student.ppf(0.975, volumes - 1) * error / rest))
    few = f"only {volumes} synthetic volumes" if volumes < FEW_PAIRS else ""
    return 1 - rest * factor, 1 - rest / factor, few
