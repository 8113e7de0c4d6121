"""Ratings -> the probability that a pair would be rated a replica, from all levels, and how far to believe it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import beta
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import KFold, LeaveOneOut, StratifiedKFold

FEWEST_OF_EACH = 5  # replicas and non-replicas rated; below, no probability is given
FEWEST_FOR_ISOTONIC = 50  # ratings; with fewer its steps follow single pairs (Niculescu-Mizil & Caruana 2005)
MOST_LEFT_OUT_ONE_BY_ONE = 40
FOLDS, INNER_FOLDS = 10, 5
STRENGTHS = np.logspace(-2, 1, 4)  # C: small is strongly regularised
BEND = 1.0  # SDs of the null above its centre, where the slope of a level may change
BINS = np.array([0, 0.1, 0.3, 0.5, 0.7, 0.9, 1])
RESAMPLES = 2000
ProbabilityKind = Literal["logistic", "isotonic"]


@dataclass(frozen=True)
class Fusion:
    """The probability of each volume, and how good probabilities of unseen volumes are.

    Attributes
    ----------
    probability : numpy.ndarray of shape (n,)
        Of rated volumes from models fitted without them; NaN without enough ratings.
    level : numpy.ndarray of shape (n,)
        Which column speaks most for a replica in the model of all ratings; -1 where none does.
    brier : float
        Mean squared difference of probability and rating over the rated volumes, each left out; NaN without enough
        ratings.
    brier_low, brier_high : float
        95% interval (bootstrap of the volumes with the models as they are).
    brier_of_share : float
        Of always saying the share of replicas: a fusion that does no better says nothing.
    bins : pandas.DataFrame
        One row a bin of predicted probabilities: predicted (mean), observed (share of replicas), low, high (95%
        Jeffreys interval), ratings.
    n_rated, n_replicas : int
        Rated volumes, and replicas among them.
    kind : str
        What was fitted.
    note : str
        What to keep in mind.
    """

    probability: np.ndarray
    level: np.ndarray
    brier: float
    brier_low: float
    brier_high: float
    brier_of_share: float
    bins: pd.DataFrame
    n_rated: int
    n_replicas: int
    kind: str
    note: str


def fuse(
    z: np.ndarray, rated: np.ndarray, replica: np.ndarray, kind: ProbabilityKind = "logistic", seed: int = 0
) -> Fusion:
    """Fit a regularised logistic regression on the levels' z-scores, its strength chosen by cross-validation.

    A level has a slope for what is closer than strangers and one for what is not: a level that sees nothing of a copy
    (an encoder a mirrored part, a mask an inverted contrast) would otherwise speak as loudly against it as the level
    that sees it speaks for it.

    A rated volume gets its probability from a model fitted without it, strength and all (nested cross-validation: each
    is left out up to 40 ratings, a tenth at a time above), so that no volume is judged by its own rating.

    Parameters
    ----------
    z : numpy.ndarray of shape (n, levels)
        Larger is closer; NaN count as 0, the null's centre. One row a synthetic volume.
    rated : numpy.ndarray of bool, shape (n,)
        Which volumes were rated.
    replica : numpy.ndarray of bool, shape (n,)
        Read where `rated`.
    kind : ProbabilityKind, default: 'logistic'
        `isotonic` puts a monotone curve through the logistic's values; with fewer than 50 ratings it is not done, and
        said.
    seed : int, default: 0
        Of everything that is drawn.

    Returns
    -------
    Fusion
        A probability for every volume.

    Notes
    -----
    Isotonic regression takes fifty ratings (Niculescu-Mizil & Caruana 2005).
    """
    labels = replica[rated]
    few = min(labels.sum(), (~labels).sum()) if len(labels) else 0
    note = f"only {int(few)} of the rarer kind rated" if few < 2 * FEWEST_OF_EACH else ""
    if few < FEWEST_OF_EACH:
        return _nothing(len(z), labels, f"no probability: it needs {FEWEST_OF_EACH} rated replicas and others")
    if kind == "isotonic" and len(labels) < FEWEST_FOR_ISOTONIC:
        kind, note = "logistic", "; ".join([*([note] if note else []), "too few ratings for isotonic"])
    features = _two_slopes(np.nan_to_num(z))
    rated_features = features[rated]
    probability = np.full(len(z), np.nan)
    whole = _fitted(rated_features, labels, kind)
    if (~rated).any():
        probability[~rated] = whole.predict_proba(features[~rated])[:, 1]
    one_by_one = len(labels) <= MOST_LEFT_OUT_ONE_BY_ONE
    # Not stratified: a volume's fold must not depend on its own label.
    outer = LeaveOneOut() if one_by_one else KFold(FOLDS, shuffle=True, random_state=seed)
    places = np.flatnonzero(rated)
    for train, test in outer.split(rated_features):
        if min(labels[train].sum(), (~labels[train]).sum()) < 2:
            probability[places[test]] = labels[train].mean()
            continue
        probability[places[test]] = _fitted(rated_features[train], labels[train], kind).predict_proba(
            rated_features[test]
        )[:, 1]
    own = probability[rated]
    errors = (own - labels) ** 2
    draws = np.random.default_rng(seed).integers(0, len(errors), (RESAMPLES, len(errors)))
    low, high = np.quantile(errors[draws].mean(1), [0.025, 0.975])
    share = float(labels.mean())
    return Fusion(
        probability=probability,
        level=_deciding(features, rated_features, labels),
        brier=float(errors.mean()),
        brier_low=float(low),
        brier_high=float(high),
        brier_of_share=share * (1 - share),
        bins=calibration_bins(own, labels),
        n_rated=len(labels),
        n_replicas=int(labels.sum()),
        kind=kind,
        note=note,
    )


def calibration_bins(probability: np.ndarray, replica: np.ndarray) -> pd.DataFrame:
    """Lay predicted beside observed, bin by bin.

    Parameters
    ----------
    probability : numpy.ndarray of shape (n,)
        Of volumes that the model had not seen.
    replica : numpy.ndarray of bool, shape (n,)
        What readers said.

    Returns
    -------
    pandas.DataFrame
        One row a bin that is not empty: predicted, observed, low, high (95% Jeffreys interval), ratings.
    """
    rows = []
    which = np.clip(np.digitize(probability, BINS) - 1, 0, len(BINS) - 2)
    for number in range(len(BINS) - 1):
        in_bin = which == number
        if not in_bin.any():
            continue
        yes, count = int(replica[in_bin].sum()), int(in_bin.sum())
        low, high = beta.ppf([0.025, 0.975], yes + 0.5, count - yes + 0.5)
        rows.append((float(probability[in_bin].mean()), yes / count, float(low), float(high), count))
    return pd.DataFrame(rows, columns=["predicted", "observed", "low", "high", "ratings"])


def _fitted(known: np.ndarray, labels: np.ndarray, kind: ProbabilityKind) -> Any:
    folds = int(min(INNER_FOLDS, labels.sum(), (~labels).sum()))
    inner = StratifiedKFold(folds, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn on its own future defaults
        model = LogisticRegressionCV(Cs=STRENGTHS, cv=inner, scoring="neg_log_loss", max_iter=1000).fit(known, labels)
        if kind == "logistic":
            return model
        plain = LogisticRegression(C=float(np.ravel(model.C_)[0]), max_iter=1000)
        return CalibratedClassifierCV(plain, method="isotonic", cv=inner).fit(known, labels)


def _two_slopes(z: np.ndarray) -> np.ndarray:
    """Each level above the bend and below it: (n, levels) -> (n, 2 levels), all above ones first."""
    # z of an exact copy may be in the hundreds.
    parts = np.column_stack([np.maximum(z - BEND, 0), np.minimum(z - BEND, 0)])
    return np.asarray(np.arcsinh(parts))


def _deciding(features: np.ndarray, known: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Find the level that raises the log odds most above those of the mean rated volume; -1 where none does.

    Only what it finds closer than strangers counts.
    """
    terms, _ = np.hsplit((features - known.mean(0)) * np.ravel(_fitted(known, labels, "logistic").coef_), 2)
    return np.where(terms.max(1) > 0, terms.argmax(1), -1)


def _nothing(count: int, labels: np.ndarray, note: str) -> Fusion:
    unknown = float("nan")
    bins = calibration_bins(np.empty(0), np.empty(0, bool))
    return Fusion(
        *(np.full(count, unknown), np.full(count, -1), unknown, unknown, unknown, unknown, bins),
        *(len(labels), int(labels.sum()), "none", note),
    )
