"""The cohort's metrics in the viewer: shown, computed in a thread, stopped, and the volumes behind one opened."""

from __future__ import annotations

from threading import Event
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_study import FakeStudy, quality_rows
from qtpy.QtCore import QThreadPool

from napari_relict.errors import DataError
from napari_relict.experiments.outliers import Behind
from napari_relict.viewer.data_models.quality_lines import metrics_frame, place_of, summary
from napari_relict.viewer.jobs.long_job import LongJob
from napari_relict.viewer.jobs.worker import Jobs
from napari_relict.viewer.quality import controller
from napari_relict.viewer.quality.controller import Quality
from napari_relict.viewer.review.study_tabs import StudyTabs
from napari_relict.viewer.session.session import ReadingSession
from napari_relict.viewer.widgets.place_column import PLACE_ROLE
from napari_relict.viewer.widgets.quality_panel import QualityPanel


@pytest.fixture
def panel(qtbot: Any) -> QualityPanel:
    panel = QualityPanel()
    qtbot.addWidget(panel)
    panel.resize(1100, 260)
    panel.show()
    return panel


def test_a_value_has_its_place_among_real_patients() -> None:
    warned, real, missing = (place_of(row) for row in quality_rows().itertuples())
    assert (warned.value, warned.low, warned.high, warned.real) == (-0.5, -0.75, -0.25, 0.5)
    assert not warned.inside and real.inside and real.high == 4.5
    assert missing is None


def test_the_table_says_value_interval_floor_and_standing() -> None:
    frame = metrics_frame(quality_rows())
    assert frame.loc[0, ["synthetic", "real", "standing"]].to_list() == [
        "2.000 [1.500, 2.500]", "4.000 [3.000, 5.000]", "look for copies",
    ]  # fmt: skip
    assert frame["standing"].to_list()[1:] == ["as real", "not computed"]
    assert frame.loc[2, "synthetic"] == "–"
    assert summary(quality_rows()).startswith("2 lines: 1 as real patients, 1 say look for copies, 0 otherwise")


def test_it_is_computed_in_a_thread_and_painted(qtbot: Any, study: FakeStudy, panel: QualityPanel) -> None:
    Quality(study, panel, Jobs(panel)).show()
    qtbot.waitUntil(lambda: "Not computed yet" in panel.metrics.note.text(), timeout=30_000)
    panel.compute.click()
    assert not panel.compute.isEnabled() and panel.bar.isVisible()
    qtbot.waitUntil(lambda: panel.metrics.model.rowCount() == 3, timeout=30_000)
    assert panel.compute.isEnabled() and not panel.bar.isVisible()
    column = list(panel.metrics.model.frame.columns).index("place")
    assert panel.metrics.proxy.index(0, column).data(PLACE_ROLE).value == -0.5
    panel.grab()  # paints all kinds of places


def behind(synthetic: list[str], training: list[str]) -> Behind:
    volumes = pd.DataFrame({"synthetic": synthetic, "training": training, "value": 1.0, "standing": "as real"})
    return Behind("distance", "holdout volumes", 2.0, 3.0, volumes)


def test_volumes_behind_the_chosen_metric_open_with_one_click(
    qtbot: Any, study: FakeStudy, panel: QualityPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(controller, "gather_for", lambda study, metric, progress: asked.append(metric))
    near = behind(["syn-03", "syn-00"], ["patient-01", "patient-00"])
    monkeypatch.setattr(controller, "volumes_behind",
                        lambda found, metric, space: near if space else behind(["syn-07"], [""]))  # fmt: skip
    study.quality_rows = quality_rows()
    shown = Quality(study, panel, Jobs(panel))
    shown.show()
    qtbot.waitUntil(lambda: panel.metrics.model.rowCount() == 3, timeout=30_000)
    panel.metrics.view.selectRow(0)
    qtbot.waitUntil(lambda: panel.behind.model.rowCount() == 2, timeout=30_000)
    assert "holdout volumes: 2.000 to 3.000" in panel.behind.note.text()
    opened: list[tuple[str, str]] = []
    shown.opened.connect(lambda *names: opened.append(names))
    panel.behind.view.clicked.emit(panel.behind.proxy.index(1, 0))
    panel.metrics.view.selectRow(1)
    qtbot.waitUntil(lambda: panel.behind.model.rowCount() == 1, timeout=30_000)
    panel.behind.view.clicked.emit(panel.behind.proxy.index(0, 0))
    assert opened == [("syn-00", "patient-00"), ("syn-07", "")]
    panel.metrics.view.selectRow(0)
    qtbot.waitUntil(lambda: panel.behind.model.rowCount() == 2, timeout=30_000)
    assert asked == ["frechet", "noise"], "features are gathered once a kind"


def test_a_fault_is_one_line(qtbot: Any, study: FakeStudy, panel: QualityPanel) -> None:
    def broken() -> pd.DataFrame:
        raise DataError("quality.json", "is damaged", "run: napari-relict quality")

    study.quality_table = broken  # type: ignore[method-assign]
    Quality(study, panel, Jobs(panel)).show()
    qtbot.waitUntil(lambda: "is damaged" in panel.behind.note.text(), timeout=30_000)


def test_the_blinded_do_not_see_it(qtbot: Any, study: FakeStudy) -> None:
    tabs = StudyTabs()
    qtbot.addWidget(tabs)
    tabs.hide_from_blinded(ReadingSession(study, "ana"))
    assert not tabs.is_open(tabs.quality) and not tabs.is_open(tabs.alterations)


def test_a_long_job_reports_and_is_stopped(qtbot: Any, panel: QualityPanel) -> None:
    job, seen, told = LongJob(Jobs(panel), panel), [], []
    job.progressed.connect(lambda *report: seen.append(report))
    job.told.connect(told.append)
    begun, ends = Event(), []

    def work(line: Any) -> None:
        line.tell("one")
        for step in range(10_000):
            line("counting", step, 10_000)
            begun.set()
            Event().wait(0.005)

    job.start(work, done=ends.append, failed=ends.append)
    qtbot.waitUntil(lambda: bool(seen), timeout=30_000)
    assert seen[0][0] == "counting" and told == ["one"]
    with qtbot.waitSignal(job.stopped, timeout=30_000):
        job.stop()
    assert ends == [] and not job.running


def test_a_job_of_a_deleted_window_stops(qtbot: Any) -> None:
    panel = QualityPanel()
    job, steps = LongJob(Jobs(panel), panel), []

    def work(line: Any) -> None:
        for step in range(2_000):
            steps.append(step)
            line("counting", step, 2_000)
            Event().wait(0.005)

    job.start(work, done=np.asarray, failed=np.asarray)
    qtbot.waitUntil(lambda: bool(steps), timeout=30_000)
    panel.deleteLater()
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().waitForDone(0), timeout=30_000)
    assert len(steps) < 2_000
