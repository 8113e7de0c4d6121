"""Ratings of some volumes call the others: by the calibrated probability, and by the threshold of one measure.

RELICT rates fifty pairs and judges the rest by the threshold. Here a volume is called where it lies past the threshold
or its probability is a half or more, and is undecided within the threshold's interval. How often that is wrong is
counted on rated volumes, each judged by what the others alone would have made of it: measure, threshold and
probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from napari_relict.calibration.cuts import CutRule, best_cuts
from napari_relict.calibration.probability import FEWEST_OF_EACH
from napari_relict.calibration.verdicts import EXACT, NEAR, NONE, UNDECIDED, Opinion

CALLED = 0.5  # probability from which on a volume is called


@dataclass(frozen=True)
class Cut:
    """The threshold of the chosen measure, as closeness (larger is closer).

    Attributes
    ----------
    measure, title : str
        The measure's name, and as people read it.
    value : float
        The threshold.
    low : float
        End of its interval on the side of volumes that are not called.
    written : str
        The threshold and its interval in the measure's own unit, in words.
    """

    measure: str
    title: str
    value: float
    low: float
    written: str


@dataclass(frozen=True)
class ErrorCounts:
    """How often a rule was wrong on rated volumes, as far as it could not know them.

    Attributes
    ----------
    rule : str
        Null, ratings or either.
    called, wrong : int
        How many it would have called, and of these were rated no replica.
    cleared, missed : int
        How many it would have cleared, and of these were rated a replica.
    note : str, default: ''
        What to keep in mind.
    """

    rule: str
    called: int
    wrong: int
    cleared: int
    missed: int
    note: str = ""

    @property
    def said(self) -> str:
        """In words, wherever it is printed."""
        parts = [
            f"{what} {bad} of {count} ({_rate(bad, count)})"
            for what, bad, count in (
                ("wrong among called", self.wrong, self.called),
                ("replicas among cleared", self.missed, self.cleared),
            )
            if count
        ]
        on = "on rated volumes that the rule had not seen" if self.rule != "null" else "on rated volumes"
        rest = f"; {self.note}" if self.note else ""
        return f"rule '{self.rule}', {on}: {', '.join(parts) or 'none called or cleared'}{rest}"


def enough_ratings(replica: np.ndarray) -> bool:
    """Say whether there are at least five of each kind.

    Returns
    -------
    bool
        True where there are.
    """
    return min(int(replica.sum()), int((~replica).sum())) >= FEWEST_OF_EACH


def by_ratings(probability: float, closeness: float, cut: Cut | None, changed: str | None) -> Opinion:
    """Judge a volume that nobody rated by the ratings of others.

    Parameters
    ----------
    probability : float
        Of being rated a replica; NaN without enough ratings.
    closeness : float
        Of the volume by the chosen measure, larger is closer; NaN where it has none.
    cut : Cut or None
        The threshold of the chosen measure; None without one.
    changed : str or None
        What of the anatomy was changed, in words; empty when nothing was, None when nobody looked.

    Returns
    -------
    Opinion
        Exact or near replica, no replica, or undecided.
    """
    sure = np.isfinite(probability)
    said = [f"probability {probability:.2f}"] if sure else []
    past = within = False
    if cut is not None and np.isfinite(closeness):
        past, within = bool(closeness >= cut.value), bool(closeness >= cut.low)
        where = "past" if past else "within the interval of" if within else "short of"
        said.append(f"{where} the threshold of {cut.title} ({cut.written})")
    why = ", ".join(said)
    if not said:
        return Opinion(UNDECIDED, "ratings", "nothing that ratings can judge it by")
    if past or (sure and probability >= CALLED):
        return Opinion(EXACT if changed == "" else NEAR, "ratings", "; ".join(t for t in (why, changed) if t))
    if within:
        return Opinion(UNDECIDED, "ratings", why)
    return Opinion(NONE, "ratings", why)


def calls_without_own_rating(
    closeness: np.ndarray,
    replica: np.ndarray,
    probability: np.ndarray,
    rule: CutRule,
    target: float,
) -> np.ndarray:
    """Judge each rated volume as if it had not been rated.

    The measure is chosen anew each time, by balanced accuracy on the others.

    Parameters
    ----------
    closeness : numpy.ndarray of shape (rated, measures)
        Larger is closer; NaN are never past a threshold.
    replica : numpy.ndarray of bool, shape (rated,)
        What readers said.
    probability : numpy.ndarray of shape (rated,)
        Each from a model that had not seen it.
    rule : CutRule
        What the cut is chosen for; see `best_cuts`.
    target : float
        Sensitivity or specificity to be held; not read by balanced accuracy.

    Returns
    -------
    numpy.ndarray of bool, shape (rated,)
        Called.
    """
    count = len(replica)
    others = ~np.eye(count, dtype=bool)
    accuracies, past = [], []
    for values in closeness.T:
        floor = np.nanmin(values) - 1.0 if np.isfinite(values).any() else 0.0
        filled = np.where(np.isfinite(values), values, floor)
        of_others, said = (np.broadcast_to(row, others.shape)[others].reshape(count, -1) for row in (filled, replica))
        cuts = best_cuts(of_others, said, rule, target)
        accuracies.append(cuts.accuracy)
        past.append((filled >= cuts.cut) & np.isfinite(values))
    best = np.argmax(np.column_stack(accuracies), axis=1)
    by_cut = np.column_stack(past)[np.arange(count), best]
    return np.asarray(by_cut | (np.nan_to_num(probability, nan=0.0) >= CALLED))


def errors(rule: str, verdicts: Sequence[str], replica: np.ndarray, note: str = "") -> ErrorCounts:
    """Count how often a rule's verdicts were wrong on rated volumes.

    Parameters
    ----------
    rule : str
        Null, ratings or either.
    verdicts : sequence of str
        (rated,) in words.
    replica : numpy.ndarray of bool, shape (rated,)
        What readers said.
    note : str, default: ''
        What to keep in mind.

    Returns
    -------
    ErrorCounts
        The counts.
    """
    called = np.array([verdict in (EXACT, NEAR) for verdict in verdicts], bool)
    cleared = np.array([verdict == NONE for verdict in verdicts], bool)
    return ErrorCounts(
        rule,
        int(called.sum()),
        int((called & ~replica).sum()),
        int(cleared.sum()),
        int((cleared & replica).sum()),
        note,
    )


def _rate(bad: int, count: int) -> str:
    low, high = beta.ppf([0.025, 0.975], bad + 0.5, count - bad + 0.5)
    return f"{bad / count:.0%}, 95% interval {0 if not bad else low:.0%} to {1 if bad == count else high:.0%}"


def cut_of(threshold: Mapping[str, float], title: str, higher_is_closer: bool) -> Cut:
    """Turn a stored threshold into closeness.

    Parameters
    ----------
    threshold : mapping of str to float
        A row of the thresholds: measure, threshold, threshold_low, threshold_high.
    title : str
        Of the measure.
    higher_is_closer : bool
        Whether a larger score is closer.

    Returns
    -------
    Cut
        The threshold as closeness, larger is closer.
    """
    sign = 1.0 if higher_is_closer else -1.0
    ends = [sign * float(threshold[name]) for name in ("threshold_low", "threshold_high")]
    written = (
        f"{float(threshold['threshold']):.3g}, 95% interval {float(threshold['threshold_low']):.3g} to "
        f"{float(threshold['threshold_high']):.3g}"
    )
    return Cut(str(threshold["measure"]), title, sign * float(threshold["threshold"]), min(ends), written)
