"""What follows from the ratings, worked out anew as they come in: off the main thread, one computation at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psygnal import Signal

from napari_relict.viewer.jobs.worker import Jobs


class Recomputing:
    """`request` after every change of the ratings; `computed` brings what `work()` returned."""

    computed = Signal(object)
    failed = Signal(object)

    def __init__(self, work: Callable[[], Any], jobs: Jobs) -> None:
        self._work, self._jobs = work, jobs
        self.running = False
        self._again = False

    def request(self) -> None:
        """Compute now, or once more after the computation under way: many ratings in a row cost two runs."""
        if self.running:
            self._again = True
            return
        self.running = True
        self._jobs.start(self._work, done=self._on_done, failed=self._on_failed)

    def _on_done(self, result: Any) -> None:
        self.running = False
        if self._again:
            self._again = False
            self.request()
        self.computed.emit(result)

    def _on_failed(self, error: Exception) -> None:
        self.running = self._again = False
        self.failed.emit(error)
