"""How far a training is as a whole, from what it says step by step. No Qt."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

_EPOCH = re.compile(r"epoch (\d+) of at most (\d+)")


class TrainingClock:
    """Turns the steps of each epoch into steps of all of them, with the time they take at most.

    Parameters
    ----------
    clock : seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: tuple[float, int] | None = None  # when the first step was seen, and how many there were by then

    def __call__(self, stage: str, done: int, total: int) -> tuple[str, int, int, float | None]:
        """Stage, done, total and seconds left; what is no epoch (preparing, matching) is passed on as it is."""
        epoch = _EPOCH.match(stage)
        if epoch is None:
            return stage, done, total, None
        number, epochs = int(epoch[1]), int(epoch[2])
        steps, all_steps = (number - 1) * total + done, epochs * total
        now = self._clock()
        if self._first is None:
            self._first = now, steps
        began, first = self._first
        left = (now - began) / (steps - first) * (all_steps - steps) if steps > first else None
        return stage, steps, all_steps, left
