"""Scores and verdicts against what is true: AUC, sensitivity at fixed false positives, macro-F1, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta
from sklearn.metrics import f1_score, roc_auc_score

ROUNDS = 1000
CLASSES = ("exact replica", "near replica", "no replica")


@dataclass(frozen=True)
class Value:
    """An estimate with its 95% interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.2f}-{self.high:.2f})" if np.isfinite(self.value) else "undefined"


@dataclass(frozen=True)
class KindResult:
    """What a method makes of one kind of volume.

    Attributes
    ----------
    auc : against strangers (novel and holdout volumes).
    tpr5, tpr1 : share beyond the threshold that 5% and 1% of the strangers exceed.
    top1 : share whose nearest training volume is the one that was copied.
    called : share with another verdict than "no replica".
    """

    n: int
    auc: Value
    tpr5: Value
    tpr1: Value
    top1: Value
    called: Value


@dataclass(frozen=True)
class Judged:
    method: str
    kinds: dict[str, KindResult]
    macro_f1: Value
    macro_f1_strangers: Value
    cuts: str

    def in_words(self) -> str:
        lines = [f"{self.method}: macro-F1 {self.macro_f1}; without relatives {self.macro_f1_strangers} ({self.cuts})"]
        lines += [
            f"  {kind:24} n={one.n:3} AUC {one.auc} TPR5 {one.tpr5} top-1 {one.top1} called {one.called}"
            for kind, one in self.kinds.items()
        ]
        return "\n".join(lines)


def judge(
    method: str,
    truth: pd.DataFrame,
    scores: pd.Series,
    holdout: pd.Series,
    nearest: pd.Series,
    kinds: Sequence[str],
    verdicts: pd.DataFrame | None = None,
) -> Judged:
    """Judge one method.

    Parameters
    ----------
    truth : index synthetic; columns kind, relation, training.
    scores, nearest : by synthetic volume, larger is more of a copy; whom it is taken to be copied from.
    verdicts : of the method; without them two cuts are chosen on these very volumes, in the method's favour.
    """
    scores, nearest = scores.reindex(truth.index), nearest.reindex(truth.index)
    strangers = np.concatenate([scores[truth["kind"] == "novel"], holdout])
    if verdicts is None:
        called, cuts = _best_cuts(scores.to_numpy(float), truth), "two cuts chosen on these very volumes"
    else:
        called, cuts = verdicts["verdict"].reindex(truth.index), "verdicts as a user gets them"
    found = {}
    for kind in kinds:
        mine = truth["kind"] == kind
        values = scores[mine].to_numpy(float)
        copied = truth.loc[mine, "training"]
        found[kind] = KindResult(
            int(mine.sum()),
            _auc(values, strangers),
            share_of(values > np.quantile(strangers, 0.95, method="higher")),
            share_of(values > np.quantile(strangers, 0.99, method="higher")),
            share_of((nearest[mine] == copied).to_numpy()) if kind != "novel" else Value(np.nan, np.nan, np.nan),
            share_of((called[mine] != "no replica").to_numpy()),
        )
    whole = truth["relation"].isin(CLASSES)
    apart = whole & (truth["kind"] != "related")
    return Judged(
        method, found, macro_f1_of(truth[whole], called[whole]), macro_f1_of(truth[apart], called[apart]), cuts
    )


def _auc(values: np.ndarray, strangers: np.ndarray) -> Value:
    """With a bootstrap interval over volumes; where all are apart, the lower end is the rule of three."""
    if not len(values):
        return Value(np.nan, np.nan, np.nan)

    def auc(one: np.ndarray, other: np.ndarray) -> float:
        return float(roc_auc_score(np.r_[np.ones(len(one)), np.zeros(len(other))], np.r_[one, other]))

    rng = np.random.default_rng(0)
    rounds = [auc(rng.choice(values, len(values)), rng.choice(strangers, len(strangers))) for _ in range(ROUNDS // 4)]
    low, high = np.quantile(rounds, [0.025, 0.975])
    point = auc(values, strangers)
    if point == 1.0:
        low = 1 - 3 / len(values)
    return Value(point, float(max(low, 0)), float(high))


def share_of(hits: np.ndarray) -> Value:
    """With a Jeffreys interval."""
    n, k = len(hits), int(hits.sum())
    if not n:
        return Value(np.nan, np.nan, np.nan)
    low = float(beta.ppf(0.025, k + 0.5, n - k + 0.5)) if k else 0.0
    high = float(beta.ppf(0.975, k + 0.5, n - k + 0.5)) if k < n else 1.0
    return Value(k / n, low, high)


def macro_f1_of(truth: pd.DataFrame, called: pd.Series) -> Value:
    one, other = truth["relation"].to_numpy(), called.reindex(truth.index).to_numpy()
    rng = np.random.default_rng(0)

    def macro(index: np.ndarray) -> float:
        return float(f1_score(one[index], other[index], labels=list(CLASSES), average="macro", zero_division=0))

    everyone = np.arange(len(one))
    rounds = [macro(rng.choice(everyone, len(everyone))) for _ in range(ROUNDS // 4)]
    low, high = np.quantile(rounds, [0.025, 0.975])
    return Value(macro(everyone), float(low), float(high))


def _best_cuts(scores: np.ndarray, truth: pd.DataFrame) -> pd.Series:
    """Verdicts by the two cuts of the score that give the best macro-F1 on these volumes."""
    whole = truth["relation"].isin(CLASSES).to_numpy()
    cuts = np.unique(np.quantile(scores, np.linspace(0, 1, 41)))
    best, chosen = -1.0, (np.inf, np.inf)
    for i, near in enumerate(cuts):
        for exact in cuts[i:]:
            called = np.where(scores >= exact, CLASSES[0], np.where(scores >= near, CLASSES[1], CLASSES[2]))
            value = f1_score(
                truth["relation"][whole], called[whole], labels=list(CLASSES), average="macro", zero_division=0
            )
            if value > best:
                best, chosen = float(value), (near, exact)
    near, exact = chosen
    return pd.Series(
        np.where(scores >= exact, CLASSES[0], np.where(scores >= near, CLASSES[1], CLASSES[2])), truth.index
    )
