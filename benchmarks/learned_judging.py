"""Scores of learned encoders beside those of other levels: by kind, as a table of three classes, and of the null."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks.judging import CLASSES, Value, macro_f1_of, share_of
from napari_relict.calibration.null import location_and_scale, p_values, q_values
from napari_relict.calibration.probability import fuse

FOLDS = 5
GRID_OF_CUTS = 61
ALPHA = 0.05
LEARNED_AND_NCC, LEVELS, ALL_LEVELS = "learned + NCC", "levels of the study", "levels of the study + learned"
FUSED = (LEARNED_AND_NCC, LEVELS, ALL_LEVELS)
POSES = {"lain": "as they lie", "posed": "posed"}


@dataclass(frozen=True)
class Found:
    """What a level makes of volumes: by synthetic and by holdout volume, larger is more of a copy; and the nearest."""

    synthetic: pd.Series
    holdout: pd.Series
    nearest: pd.Series

    @staticmethod
    def of(similarity: Mapping[str, np.ndarray], names: Mapping[str, Sequence[str]]) -> Found:
        """From (volumes, training) similarities of both cohorts."""
        best = {cohort: pd.Series(values.max(1), names[cohort]) for cohort, values in similarity.items()}
        nearest = [names["training"][place] for place in similarity["synthetic"].argmax(1)]
        return Found(best["synthetic"], best["holdout"], pd.Series(nearest, names["synthetic"]))

    def without(self, left_out: Collection[str]) -> Found:
        """Without these holdout volumes."""
        return Found(self.synthetic, self.holdout[~self.holdout.index.isin(list(left_out))], self.nearest)


def fused(levels: Mapping[str, Found], truth: pd.DataFrame) -> Found:
    """Probability of being copied, of volumes that the model had not seen, by the product's own fusion of levels.

    Every volume is rated by the way it was made, holdout volumes too; each probability comes from a model fitted
    without that volume (see `napari_relict.calibration.probability.fuse`).
    """
    columns = []
    for found in levels.values():
        values = np.r_[found.synthetic.reindex(truth.index).to_numpy(float), found.holdout.to_numpy(float)]
        centre, scale = location_and_scale(found.holdout.to_numpy(float))
        columns.append((values - centre) / scale)
    first = next(iter(levels.values()))
    copied = np.r_[(truth["relation"] != CLASSES[2]).to_numpy(), np.zeros(len(first.holdout), bool)]
    probability = fuse(np.column_stack(columns), np.ones(len(copied), bool), copied).probability
    return Found(
        pd.Series(probability[: len(truth)], truth.index),
        pd.Series(probability[len(truth) :], first.holdout.index),
        first.nearest,
    )


def combinations_of(
    by_pose: Mapping[str, Mapping[str, Found]], levels: Mapping[str, Found], truth: pd.DataFrame
) -> dict[tuple[str, str], Found]:
    """Every level by itself and fused with the others, by what it is and by how volumes lay."""
    out: dict[tuple[str, str], Found] = {}
    for pose, methods in by_pose.items():
        for method, found in methods.items():
            out[method, POSES[pose]] = found
        out[LEARNED_AND_NCC, POSES[pose]] = fused(methods, truth)
    if levels:
        learned = {f"{m}, as they lie": f for m, f in by_pose["lain"].items() if m != "NCC"}
        for title, found in levels.items():
            out[title, "study"] = found
        out[LEVELS, "study"] = fused(levels, truth)
        out[ALL_LEVELS, "study"] = fused({**levels, **learned}, truth)
    return out


def per_kind(
    by_pose: Mapping[str, Mapping[str, Found]],
    levels: Mapping[str, Found],
    truth: pd.DataFrame,
    kinds: Sequence[str],
) -> pd.DataFrame:
    """AUC against strangers (novel and holdout volumes): kinds by methods."""
    columns = {}
    for name, found in combinations_of(by_pose, levels, truth).items():
        scores = found.synthetic.reindex(truth.index)
        others = np.r_[scores[truth["kind"] == "novel"], found.holdout]
        mine = (scores[truth["kind"] == kind] for kind in kinds if kind != "novel")
        columns[name] = [_auc(values.to_numpy(float), others) for values in mine]
    return pd.DataFrame(columns, index=[kind for kind in kinds if kind != "novel"])


def judged_table(
    by_pose: Mapping[str, Mapping[str, Found]], levels: Mapping[str, Found], truth: pd.DataFrame
) -> pd.DataFrame:
    """Macro-F1 of three and of two classes, with cuts chosen on other volumes, and TPR at 5% FPR, with intervals."""
    whole = truth[truth["relation"].isin(CLASSES)]
    copies = whole.index[whole["relation"] != CLASSES[2]]
    rows = {}
    for name, found in combinations_of(by_pose, levels, truth).items():
        scores = found.synthetic.reindex(truth.index)
        others = np.r_[scores[truth["kind"] == "novel"], found.holdout]
        beyond = scores[copies].to_numpy(float) > np.quantile(others, 0.95, method="higher")
        two = whole.assign(relation=whole["relation"].where(whole["relation"] == CLASSES[2], CLASSES[0]))
        rows[name] = (
            macro_f1_of(whole, crossed(scores[whole.index], whole)),
            _two_classes(two, crossed(scores[whole.index], two, classes=2)),
            share_of(beyond),
            float((found.nearest.reindex(copies) == truth.loc[copies, "training"]).mean()),
        )
    return pd.DataFrame.from_dict(
        rows, orient="index", columns=["macro-F1, three classes", "macro-F1, two classes", "TPR at 5% FPR", "top-1"]
    )


def null_table(nulls: Mapping[str, Found], truth: pd.DataFrame) -> pd.DataFrame:
    """What the p-values of novel volumes are, and who is flagged, by what was trained on and what the null was."""
    rows = {}
    novel = (truth["kind"] == "novel").to_numpy()
    copied = truth["relation"].isin(CLASSES[:2]).to_numpy()
    for name, found in nulls.items():
        p = p_values(found.synthetic.reindex(truth.index).to_numpy(float), found.holdout.to_numpy(float))
        flagged = q_values(p) < ALPHA
        rows[name] = (
            len(found.holdout),
            float(p[novel].mean()),
            share_of(p[novel] <= ALPHA),
            share_of(flagged[novel]),
            share_of(flagged[copied]),
        )
    columns = ["null volumes", "mean p of novel", "p <= .05 of novel", "novel flagged", "copies flagged"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def crossed(scores: pd.Series, truth: pd.DataFrame, classes: int = 3) -> pd.Series:
    """Relations by cuts that were chosen on the other folds."""
    called = pd.Series("", truth.index, dtype=object)
    fold = np.random.default_rng(0).permutation(len(truth)) % FOLDS
    for number in range(FOLDS):
        rest = fold != number
        cuts = best_cuts(scores[rest].to_numpy(float), truth["relation"][rest].to_numpy(), classes)
        called[~rest] = by_cuts(scores[~rest].to_numpy(float), *cuts)
    return called


def best_cuts(scores: np.ndarray, relation: np.ndarray, classes: int) -> tuple[float, float]:
    """The two cuts (near, exact) with the best macro-F1 on these volumes; with two classes they are one."""
    tried = np.unique(np.quantile(scores, np.linspace(0, 1, GRID_OF_CUTS)))
    labels = CLASSES if classes == 3 else (CLASSES[0], CLASSES[2])
    best, chosen = -1.0, (np.inf, np.inf)
    for place, near in enumerate(tried):
        for exact in tried[place:] if classes == 3 else (near,):
            value = macro_f1(relation, by_cuts(scores, near, exact), labels)
            if value > best:
                best, chosen = value, (float(near), float(exact))
    return chosen


def by_cuts(scores: np.ndarray, near: float, exact: float) -> np.ndarray:
    return np.where(scores >= exact, CLASSES[0], np.where(scores >= near, CLASSES[1], CLASSES[2]))


def macro_f1(relation: np.ndarray, called: np.ndarray, labels: Sequence[str]) -> float:
    """As scikit-learn has it, a hundred times as fast for a few hundred volumes."""
    each = []
    for label in labels:
        true, said = relation == label, called == label
        each.append(2 * float((true & said).sum()) / max(float(true.sum() + said.sum()), 1.0))
    return float(np.mean(each))


def _two_classes(truth: pd.DataFrame, called: pd.Series) -> Value:
    """With a bootstrap interval over volumes."""
    one, other, labels = truth["relation"].to_numpy(), called.to_numpy(), (CLASSES[0], CLASSES[2])
    rng = np.random.default_rng(0)
    draws = (rng.integers(0, len(one), len(one)) for _ in range(250))
    low, high = np.quantile([macro_f1(one[draw], other[draw], labels) for draw in draws], [0.025, 0.975])
    return Value(macro_f1(one, other, labels), float(low), float(high))


def _auc(values: np.ndarray, others: np.ndarray) -> float:
    known = np.r_[np.ones(len(values)), np.zeros(len(others))]
    return float(roc_auc_score(known, np.r_[values, others])) if len(values) else float("nan")
