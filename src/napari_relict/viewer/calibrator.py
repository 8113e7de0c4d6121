"""Recomputes thresholds as ratings come in, off the main thread, one computation at a time."""

from __future__ import annotations

from typing import Any

import pandas as pd
from psygnal import Signal

from napari_relict.viewer.jobs import Jobs


class Calibrator:
    """`request` after every change of the ratings; `calibrated` brings thresholds and their ratings."""

    calibrated = Signal(object, object)
    failed = Signal(object)

    def __init__(self, study: Any, jobs: Jobs) -> None:
        self._study, self._jobs = study, jobs
        self.running = False
        self._again = False

    def request(self) -> None:
        """Compute now, or once more after the computation under way: many ratings in a row cost two runs."""
        if self.running:
            self._again = True
            return
        self.running = True
        self._jobs.start(_calibrate, self._study, done=self._on_done, failed=self._on_failed)

    def _on_done(self, result: tuple[pd.DataFrame, pd.DataFrame]) -> None:
        self.running = False
        if self._again:
            self._again = False
            self.request()
        self.calibrated.emit(*result)

    def _on_failed(self, error: Exception) -> None:
        self.running = self._again = False
        self.failed.emit(error)


def _calibrate(study: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    return study.calibrate(), study.ratings()
