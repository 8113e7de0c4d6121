"""Agreement against scikit-learn, published examples and numbers worked out by hand; honest where it is undefined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from napari_relict.calibration.agreement import (
    COLUMNS,
    QUADRATIC,
    agreement,
    gwet,
    krippendorff,
    percentage,
    weighted_kappa,
)

# Four observers, twelve units, five values, some missing: Krippendorff, Computing Krippendorff's Alpha-Reliability
# (2011), section D, where the ordinal alpha is .815; Gwet, Handbook of Inter-Rater Reliability (4th ed., 2014), whose
# AC1 is .77544, and .90037 with bipolar weights (also in the documentation of his packages irrCAC).
OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
UNITS = np.array([[np.nan if value == "." else float(value) for value in row] for row in OBSERVERS]).T
COUNTS = (UNITS[:, :, None] == np.arange(1, 6)).sum(1)
ONCE = np.ones((1, 12))


def bipolar() -> np.ndarray:
    k, m = np.meshgrid(np.arange(1, 6), np.arange(1, 6), indexing="ij")
    with np.errstate(invalid="ignore"):
        apart = (k - m) ** 2 / (((k + m) - 2) * (10 - (k + m)))
    apart[k == m] = 0
    return 1 - apart / apart.max()


def test_published_examples() -> None:
    assert krippendorff(COUNTS, ONCE)[0] == pytest.approx(0.815, abs=5e-4)
    assert gwet(COUNTS, np.eye(5), ONCE)[0] == pytest.approx(0.77544, abs=5e-6)
    assert gwet(COUNTS, bipolar(), ONCE)[0] == pytest.approx(0.90037, abs=5e-6)


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    one = random.integers(1, 5, 30)
    other = np.clip(one + random.integers(-1, 2, 30), 1, 4)
    expected = cohen_kappa_score(one, other, labels=[1, 2, 3, 4], weights="quadratic")
    assert weighted_kappa(one, other, np.ones((1, 30)))[0] == pytest.approx(expected)


def test_a_resample_is_what_the_pairs_it_drew_give() -> None:
    random = np.random.default_rng(0)
    grades = random.integers(1, 5, (20, 2))
    counts = (grades[:, :, None] == np.arange(1, 5)).sum(1)
    drawn = random.integers(0, 20, 20)
    draws, once = np.bincount(drawn, minlength=20)[None].astype(float), np.ones((1, 20))
    assert percentage(counts, draws) == pytest.approx(percentage(counts[drawn], once))
    assert gwet(counts, QUADRATIC, draws) == pytest.approx(gwet(counts[drawn], QUADRATIC, once))
    assert krippendorff(counts, draws) == pytest.approx(krippendorff(counts[drawn], once))
    assert weighted_kappa(*grades.T, draws) == pytest.approx(weighted_kappa(*grades[drawn].T, once))


def ratings(grades: dict[str, Sequence[int | None]], round: str = "first", repeat: bool = False) -> pd.DataFrame:
    rows = [
        {"synthetic": f"s{n}", "training": "t", "reader": reader, "round": round, "repeat": repeat, "grade": grade}
        for reader, mine in grades.items()
        for n, grade in enumerate(mine)
        if grade is not None
    ]
    return pd.DataFrame(rows, columns=["synthetic", "training", "reader", "round", "repeat", "grade"])


def values(table: pd.DataFrame, kind: str) -> pd.Series:
    return table[table["kind"] == kind].set_index("statistic")["value"]


def test_two_readers_by_hand() -> None:
    table = agreement(ratings({"ada": [1, 1, 2, 4, 4], "bob": [1, 2, 2, 4, 3]}))
    assert list(table.columns) == list(COLUMNS)
    found = values(table, "two readers")
    assert found["percentage agreement"] == pytest.approx(60)
    assert found["percentage agreement, replica or not"] == pytest.approx(100)
    # Squares apart: 2 of 5 are 1. Means 2.4 and 2.4, variances 1.84 and 1.04.
    assert found["weighted kappa (quadratic)"] == pytest.approx(1 - 0.4 / (1.84 + 1.04))
    # Shares of the grades .3, .3, .1, .3; the weights sum to 4 + 2 (3 * 8/9 + 2 * 5/9) = 104/9.
    chance = 104 / 9 / 12 * (3 * 0.3 * 0.7 + 0.1 * 0.9)
    assert found["Gwet's AC2 (quadratic)"] == pytest.approx((1 - 0.4 / 9 - chance) / (1 - chance))
    assert (table["pairs"] == 5).all()
    assert (table["low"] <= table["value"]).all()
    assert table["method"].str.startswith("95% jackknife").sum() == 4
    # All five alike: the bound of Clopper and Pearson.
    same = table.set_index("statistic").loc["percentage agreement, replica or not"]
    assert (same["low"], same["high"], same["note"]) == (pytest.approx(100 * 0.025**0.2), 100, "")


def test_what_is_compared_with_what() -> None:
    table = agreement(
        pd.concat(
            [
                ratings({"ada": [1, 2, 3, 4, 1, 2], "bob": [1, 2, 3, 4, 1, 2], "eve": [2, None, 3, 4, 1, 2]}),
                ratings({"ada": [1, None, 4, None, None, None]}, repeat=True),
                ratings({"ada": [2, 2, 3, 4, 1, 1]}, round="second"),
                ratings({"ada and bob": [4, 4, 4, 4, 4, 4]}, round="consensus"),
            ]
        )
    )
    sizes = table.groupby(["kind", "readers"])["pairs"].first().to_dict()
    assert sizes == {
        ("within reader, hidden repeats", "ada"): 2,
        ("within reader, second round", "ada"): 6,
        ("two readers", "ada, bob"): 6,
        ("two readers", "ada, eve"): 5,
        ("two readers", "bob, eve"): 5,
        ("all readers", "ada, bob, eve"): 6,
    }
    share = table[table["statistic"] == "percentage agreement"].set_index(["kind", "readers"])["value"]
    assert share[("within reader, hidden repeats", "ada")] == 50
    assert share[("within reader, second round", "ada")] == pytest.approx(100 * 4 / 6)
    assert share[("two readers", "ada, bob")] == pytest.approx(100 * 4 / 6)  # ada's second round
    assert "weighted kappa (quadratic)" not in set(table.loc[table["kind"] == "all readers", "statistic"])
    few = table[table["kind"] == "within reader, hidden repeats"]
    assert few[["low", "high"]].isna().all(axis=None)
    assert few["note"].str.contains(r"too few pairs \(2\)").all()


def test_nothing_but_equal_grades_says_nothing_and_says_so() -> None:
    table = agreement(ratings({"ada": [1] * 8, "bob": [1] * 8})).set_index("statistic")
    undefined = ["weighted kappa (quadratic)", "Krippendorff's alpha (ordinal)"]
    assert table.loc[undefined, ["value", "low", "high"]].isna().all(axis=None)
    assert table.loc[undefined, "note"].str.contains("undefined: all grades are the same").all()
    assert "all grades are the same" in table.loc["Gwet's AC2 (quadratic)", "note"]
    assert "too narrow" in table.loc["Gwet's AC2 (quadratic)", "note"]
    assert table.loc["percentage agreement", "low"] == pytest.approx(100 * 0.025 ** (1 / 8))


def test_pairs_of_one_synthetic_volume_go_together() -> None:
    frame = ratings({"ada": [1, 2, 3, 4, 1, 2, 3, 4], "bob": [1, 2, 3, 4, 1, 2, 3, 3]})
    frame["training"] = frame["synthetic"]
    frame["synthetic"] = "s" + (frame["synthetic"].str[1:].astype(int) % 4).astype(str)
    table = agreement(frame)
    assert table["note"].str.contains(r"too few synthetic volumes \(4\)").all()


def test_without_ratings_there_are_no_rows_but_the_columns() -> None:
    assert list(agreement(ratings({})).columns) == list(COLUMNS)
    assert agreement(ratings({"ada": [1, 2]})).empty
