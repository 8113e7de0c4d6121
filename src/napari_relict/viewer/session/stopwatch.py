"""Time spent on a pair, pauses left out, and what it says about the pairs to come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

FEWEST = 3  # ratings before a pace can be told
RECENT = 20  # readers get faster: only so many of the last ones count


class Stopwatch:
    """Runs until it is stopped, and on from there."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._before = 0.0
        self._since: float | None = clock()

    @property
    def stopped(self) -> bool:
        return self._since is None

    def seconds(self) -> float:
        return self._before + (0.0 if self._since is None else self._clock() - self._since)

    def restart(self, seconds: float = 0.0) -> None:
        """From `seconds`; a stopped watch stays stopped."""
        self._before = seconds
        if self._since is not None:
            self._since = self._clock()

    def stop(self) -> None:
        self._before, self._since = self.seconds(), None

    def start(self) -> None:
        if self._since is None:
            self._since = self._clock()


def time_left(spent: Sequence[float], pairs: int) -> float | None:
    """Seconds that `pairs` will take at the median pace of the last ratings; None while there are too few of them."""
    if len(spent) < FEWEST:
        return None
    return pairs * median(spent[-RECENT:])


def in_words(seconds: float) -> str:
    """Roughly: '40 s', '7 min', '1 h 20 min'."""
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5)):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    minutes = 5 * round(minutes / 5)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
