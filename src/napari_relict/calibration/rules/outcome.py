"""What a rule says: calls volume by volume, numbers of the whole set with intervals, and one line of text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import binomtest

RESAMPLES = 500


@dataclass(frozen=True)
class Number:
    """A number of the whole set with its 95% interval.

    Attributes
    ----------
    value : float
        The number; NaN where it is undefined.
    low, high : float, optional
        The interval; NaN where there is none.
    """

    value: float
    low: float = float("nan")
    high: float = float("nan")

    def __str__(self) -> str:
        """Write it with three digits and its interval."""
        if not np.isfinite(self.value):
            return "undefined"
        return _written(self.value) + (
            f" ({_written(self.low)} to {_written(self.high)})" if np.isfinite(self.low) else ""
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """What one rule says of one set of synthetic volumes.

    Attributes
    ----------
    rule, title, source : str
        Which rule, and the paper it is from.
    estimated_on : str
        Where its cut or its null comes from, in words.
    calls : numpy.ndarray, optional
        Bool (synthetic,), True for a copy; None where the rule calls no single volumes, or has no cut.
    values : numpy.ndarray, optional
        Float64 (synthetic,), what the calls rest on; NaN where unknown.
    numbers : mapping of str to Number, optional
        Of the whole set, by name.
    note : str, default: ''
        What has to be said besides.
    """

    rule: str
    title: str
    source: str
    estimated_on: str
    calls: np.ndarray | None = None
    values: np.ndarray | None = None
    numbers: Mapping[str, Number] = field(default_factory=dict)
    note: str = ""

    @property
    def called(self) -> int | None:
        """How many volumes are called copies; None where none can be."""
        return None if self.calls is None else int(self.calls.sum())

    @property
    def share(self) -> Number | None:
        """The same as a share, with Wilson's interval."""
        return None if self.calls is None else share(int(self.calls.sum()), len(self.calls))

    @property
    def said(self) -> str:
        """All of it in one line."""
        parts = []
        if self.calls is not None:
            parts.append(f"{self.called} of {len(self.calls)} called copies, share {self.share}")
        parts += [f"{name} {number}" for name, number in self.numbers.items()]
        parts.append(f"estimated on {self.estimated_on}")
        parts += [self.note] if self.note else []
        return f"{self.title} ({self.source}): " + "; ".join(parts)


def share(hits: int, of: int) -> Number:
    """Divide hits by all, with Wilson's 95% interval.

    Parameters
    ----------
    hits, of : int
        How many of how many.

    Returns
    -------
    Number
        Undefined for none of none.
    """
    if not of:
        return Number(float("nan"))
    ends = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    return Number(hits / of, float(ends.low), float(ends.high))


def mean(values: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0) -> Number:
    """Average over volumes, with a 95% percentile bootstrap interval.

    Parameters
    ----------
    values : numpy.ndarray of shape (volumes,)
        Not finite ones do not count.
    resamples : int, default: RESAMPLES
        How many resamples.
    seed : int, default: 0
        Of everything that is drawn.

    Returns
    -------
    Number
        No interval for fewer than two.
    """
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return Number(float(values[0])) if len(values) else Number(float("nan"))
    drawn = np.random.default_rng(seed).multinomial(len(values), np.full(len(values), 1 / len(values)), resamples)
    low, high = np.quantile(drawn @ values / len(values), [0.025, 0.975])
    return Number(float(values.mean()), float(low), float(high))


def _written(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
