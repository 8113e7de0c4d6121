"""The quality of the cohort in a review: the stored table, a new one, and the volumes behind a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from psygnal import Signal

from napari_relict.errors import RelictError
from napari_relict.experiments.outliers import Behind, gather_for, volumes_behind
from napari_relict.experiments.quality import Gathered, read_notes
from napari_relict.quality import METRICS
from napari_relict.viewer.jobs.long_job import Line, LongJob
from napari_relict.viewer.jobs.worker import Jobs
from napari_relict.viewer.widgets.quality_panel import QualityPanel

if TYPE_CHECKING:
    from napari_relict.study import Study


class Quality:
    """Joins a study and the panel; everything is worked out in threads.

    Parameters
    ----------
    panel : what shows it.
    """

    opened = Signal(str, str)  # synthetic and training; training may be empty

    def __init__(self, study: Study, panel: QualityPanel, jobs: Jobs) -> None:
        self._study, self._panel, self._jobs = study, panel, jobs
        self._job = LongJob(jobs, panel)
        self._read = False
        self._wanted: tuple[str, str] | None = None
        self._gathered: dict[str, Gathered] = {}  # by kind of what is looked at
        self._job.progressed.connect(panel.bar.show_progress)
        self._job.stopped.connect(self._on_stopped)
        panel.bar.asked_to_stop.connect(self._job.stop)
        panel.asked.connect(self.compute)
        panel.metric_chosen.connect(self.choose)
        panel.opened.connect(self.opened.emit)

    def show(self) -> None:
        """The stored table, read when it is first looked at."""
        if not self._read:
            self._read = True
            self._jobs.start(_stored, self._study, done=self._on_table, failed=self._on_failed)

    def compute(self) -> None:
        """All metrics, anew."""
        if not self._job.running:
            self._gathered.clear()
            self._panel.set_running(True)
            self._job.start(self._compute, done=self._on_table, failed=self._on_failed)

    def choose(self, metric: str, space: str) -> None:
        """Show the volumes behind this line of the table."""
        self._wanted = (metric, space)
        if self._job.running:
            self._panel.say("the volumes behind it are shown when the work under way is done")
            return
        if METRICS[metric].works_on not in self._gathered:
            self._panel.set_running(True)
        self._job.start(lambda line: self._behind(metric, space, line), done=self._on_behind, failed=self._on_failed)

    def stop(self) -> None:
        self._job.stop()

    # In the thread ----------------------------------------------------------------------------------------
    def _compute(self, line: Line) -> tuple[pd.DataFrame, list[str]]:
        self._study.quality(progress=line)
        return _stored(self._study)

    def _behind(self, metric: str, space: str, line: Line) -> tuple[tuple[str, str], Behind]:
        kind = METRICS[metric].works_on
        if kind not in self._gathered:
            self._gathered[kind] = gather_for(self._study, metric, progress=line)
        return (metric, space), volumes_behind(self._gathered[kind], metric, space)

    # On the main thread -----------------------------------------------------------------------------------
    def _on_table(self, found: tuple[pd.DataFrame, list[str]]) -> None:
        self._panel.set_running(False)
        self._panel.show_table(*found)
        self._wanted = None

    def _on_behind(self, found: tuple[tuple[str, str], Behind]) -> None:
        self._panel.set_running(False)
        line, behind = found
        if self._wanted == line:
            self._panel.show_behind(behind)
        elif self._wanted is not None:  # another one was chosen meanwhile
            self.choose(*self._wanted)

    def _on_stopped(self) -> None:
        self._panel.set_running(False)
        self._panel.say("stopped; what was computed is kept")

    def _on_failed(self, error: Exception) -> None:
        self._panel.set_running(False)
        if not isinstance(error, RelictError | OSError):
            raise error
        self._panel.say(str(error))


def _stored(study: Study) -> tuple[pd.DataFrame, list[str]]:
    table = study.quality_table()
    return table, read_notes(study.folder) if len(table) else []
