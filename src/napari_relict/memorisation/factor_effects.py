"""Does a factor act as published? Differences of shares of copies with intervals, and the answer in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from napari_relict.memorisation.plan import Factor, Setting, base_of, factors
from napari_relict.memorisation.presets import Preset

RULE = "rule_"  # columns of shares that published rules call
SEEN_COPIES, FALSE_ALARMS = 0.5, 0.15  # shares of training and of new volumes called, for the judge to be trusted
RESEMBLES = 0.1  # share of volumes nearer than the median stranger, below which they resemble nobody
CHECKS = ("control_new", "control_copies", "as_near")
SHOWN, UNCLEAR, OPPOSITE = "shows", "does not show", "runs the other way"


@dataclass(frozen=True)
class Share:
    """A share with its 95% interval.

    Attributes
    ----------
    value : float
        The share.
    low, high : float
        The interval.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Write it in percent with its interval."""
        return f"{self.value:.0%} ({self.low:.0%} to {self.high:.0%})"


@dataclass(frozen=True)
class Point:
    """A level of a factor: copies among synthetic volumes, and memorised among training patients.

    Attributes
    ----------
    level : str
        In words.
    copies : Share
        N_copies as a share of the synthetic volumes.
    memorised : Share
        N_mem as a share of the training patients.
    called, patients_called : float
        Means over repeats, at the false discovery rate.
    published : mapping of str to float
        Share of volumes called by each published rule that calls any; mean over repeats.
    each : tuple of float
        N_copies' share of every repeat.
    control_new, control_copies : float, optional
        Of real volumes seen through the autoencoder, the share called of new patients and of training volumes; NaN
        where there is none.
    as_near : float, optional
        See `judging.Judgement`.
    """

    level: str
    copies: Share
    memorised: Share
    called: float
    patients_called: float
    published: Mapping[str, float]
    each: tuple[float, ...]
    control_new: float = float("nan")
    control_copies: float = float("nan")
    as_near: float = float("nan")


@dataclass(frozen=True)
class FactorEffect:
    """One factor and what it did.

    Attributes
    ----------
    factor, title : str
        Its name, and as people read it.
    published : str
        What publications say of it.
    points : tuple of Point
        From least to most copying as published.
    difference : Share
        Last level less first, in shares of synthetic volumes that are copies.
    answer : str
        `shows`, `does not show` or `runs the other way`.
    """

    factor: str
    title: str
    published: str
    points: tuple[Point, ...]
    difference: Share
    answer: str

    @property
    def said(self) -> str:
        """The answer in a sentence."""
        first, last = self.points[0], self.points[-1]
        points = [f"{100 * end:+.0f}" for end in (self.difference.value, self.difference.low, self.difference.high)]
        apart = (
            f"{first.level} {first.copies}, {last.level} {last.copies}: a difference of "
            f"{points[0]} points ({points[1]} to {points[2]})"
        )
        ends = {
            SHOWN: "The published direction shows.",
            UNCLEAR: "The published direction does not show: the interval holds 0.",
            OPPOSITE: "It runs against the published direction.",
        }
        return f"{self.title} ({self.published}). Share of copies: {apart}. {ends[self.answer]}{self._caution}"

    @property
    def _caution(self) -> str:
        """Levels at which the judge could not tell copies from new patients, in words."""
        cautions = {
            "Even copies would hardly be recognised through the autoencoder with {}.": [
                point.level for point in self.points if point.control_copies < SEEN_COPIES
            ],
            "With {} new patients are called too often, so a part is false alarms.": [
                point.level for point in self.points if point.control_new > FALSE_ALARMS
            ],
            "What is made with {} lies farther from every patient than patients do from each other: that it copies "
            "nobody says little.": [point.level for point in self.points if point.as_near < RESEMBLES],
        }
        return "".join(f" {words.format(', '.join(levels))}" for words, levels in cautions.items() if levels)


def factor_effects(runs: pd.DataFrame, preset: Preset, patients: int) -> list[FactorEffect]:
    """Say what every factor did, length first; levels that no run has are left out.

    Parameters
    ----------
    runs : pandas.DataFrame
        Of `running.Tables`.
    preset : Preset
        How large the study is.
    patients : int
        Of the training cohort.

    Returns
    -------
    list of FactorEffect
        One a factor.
    """
    base = base_of(preset, patients)
    along = [
        point_of(group, "all steps" if share == 1 else f"{share:.3g} of the steps")
        for share in preset.lengths
        if len(group := _rows(runs, base, share))
    ]
    effects = [effect_of("length", "training length", "longer training: more copying", along)]
    effects += [
        effect_of(factor.name, factor.title, factor.published, _points(runs, factor))
        for factor in factors(preset, patients)
    ]
    return [effect for effect in effects if effect is not None]


def effect_of(factor: str, title: str, published: str, points: Sequence[Point]) -> FactorEffect | None:
    """Say what a factor did from the first of its levels to the last.

    Parameters
    ----------
    factor, title : str
        Its name, and as people read it.
    published : str
        What publications say of it.
    points : sequence of Point
        From least to most copying as published.

    Returns
    -------
    FactorEffect or None
        None with fewer than two levels.
    """
    if len(points) < 2:
        return None
    apart = difference(points[-1].copies, points[0].copies)
    answer = SHOWN if apart.low > 0 else OPPOSITE if apart.high < 0 else UNCLEAR
    return FactorEffect(factor, title, published, tuple(points), apart, answer)


def difference(one: Share, other: Share) -> Share:
    """Subtract one share from another, with an interval from theirs.

    Both are taken as independent. Two generators judged against one holdout are not quite, which makes it too wide.

    Parameters
    ----------
    one, other : Share
        Shares with their intervals.

    Returns
    -------
    Share
        One - other.

    Notes
    -----
    Newcombe (1998); Zou & Donner (2008).
    """
    value = one.value - other.value
    low = value - np.hypot(one.value - one.low, other.high - other.value)
    high = value + np.hypot(one.high - one.value, other.value - other.low)
    return Share(value, float(low), float(high))


def point_of(rows: pd.DataFrame, level: str) -> Point:
    """Average over the trainings of one setting.

    Its interval is the wider of two: the mean of those of the trainings, which share one null, so that its error does
    not become smaller with their number; and how much the trainings differ (Student's t).

    Parameters
    ----------
    rows : pandas.DataFrame
        Of `running.Tables.runs`.
    level : str
        In words.

    Returns
    -------
    Point
        The level.
    """
    each = (rows["n_copies"] / rows["n_synthetic"]).to_numpy(float)
    return Point(
        level,
        _mean(rows, "n_copies", "n_synthetic"),
        _mean(rows, "n_mem", "n_patients"),
        float((rows["called"] / rows["n_synthetic"]).mean()),
        float((rows["patients_called"] / rows["n_patients"]).mean()),
        {name.removeprefix(RULE): float(rows[name].mean()) for name in _called_by(rows)},
        tuple(each.tolist()),
        *(float(rows[name].mean()) if name in rows else float("nan") for name in CHECKS),
    )


def _mean(rows: pd.DataFrame, name: str, of: str) -> Share:
    value, low, high = (
        rows[column].to_numpy(float) / rows[of].to_numpy(float) for column in (name, f"{name}_low", f"{name}_high")
    )
    count, mean = len(rows), float(value.mean())
    apart = stats.t.ppf(0.975, count - 1) * value.std(ddof=1) / np.sqrt(count) if count > 1 else 0.0
    below, above = (max(float(np.abs(value - end).mean()), float(apart)) for end in (low, high))
    return Share(mean, max(mean - below, 0.0), min(mean + above, 1.0))


def _called_by(rows: pd.DataFrame) -> list[str]:
    """Columns of published rules that called volumes in all of these."""
    return [name for name in map(str, rows.columns) if name.startswith(RULE) and rows[name].notna().all()]


def _points(runs: pd.DataFrame, factor: Factor) -> list[Point]:
    return [
        point_of(rows, factor.level_words(setting))
        for setting in factor.levels
        if len(rows := _rows(runs, setting, 1.0))
    ]


def _rows(runs: pd.DataFrame, setting: Setting, length: float) -> pd.DataFrame:
    """Find the repeats of a setting."""
    of_setting = (
        (runs["kind"] == setting.kind)
        & (runs["augment"] == setting.augment)
        & (runs["size"] == setting.size)
        & (runs["n_patients"] == setting.n_patients)
        & np.isclose(runs["length"], length)
    )
    return runs[of_setting]
