"""Published rules in the calibration panel: asked for once, with their cautions, and never of blinded readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fake_study import FakeStudy
from qtpy.QtCore import Qt

from napari_relict.calibration.rules import RULES
from napari_relict.decisions.published_rules import judge_by_rules
from napari_relict.viewer.jobs.worker import Jobs
from napari_relict.viewer.review.study_tabs import StudyTabs
from napari_relict.viewer.review.tasks import rules_of
from napari_relict.viewer.session.session import ReadingSession
from napari_relict.viewer.widgets.calibration_panel import CalibrationPanel
from stored import stored_study


@pytest.fixture
def rules(tmp_path: Path) -> pd.DataFrame:
    return judge_by_rules(stored_study(tmp_path / "study", synthetic=12, training=40, copies=4))


def test_rules_are_worked_out_off_the_main_thread_and_only_when_asked_for(qtbot: Any, tmp_path: Path) -> None:
    study = stored_study(tmp_path / "study", synthetic=12, training=40, copies=4)
    panel = CalibrationPanel()
    qtbot.addWidget(panel)
    jobs, asked = Jobs(panel), []
    panel.rules_asked.connect(lambda: asked.append(1))
    panel.rules_asked.connect(lambda: jobs.start(rules_of, study, done=panel.set_rules))
    assert not asked and panel.rules.model.frame.empty
    panel.rules_button.click()
    assert "computing" in panel.rules.note.text()
    qtbot.waitUntil(lambda: not panel.rules.model.frame.empty, timeout=20_000)
    assert "ours (first)" in panel.rules.note.text()
    panel.rules_button.click()
    panel.rules_button.click()
    assert len(asked) == 1


def test_a_row_says_what_was_called_and_what_to_keep_in_mind(qtbot: Any, rules: pd.DataFrame) -> None:
    panel = CalibrationPanel()
    qtbot.addWidget(panel)
    panel.set_rules(rules)
    frame = panel.rules.model.frame
    assert len(frame) == len(RULES)
    ours = rules.iloc[0]
    assert frame.iloc[0, 1] == f"{ours.called} ({ours.low:.0%} to {ours.high:.0%})"
    assert frame.iloc[0]["caution"] == ours.caution != ""
    tip = panel.rules.model.data(panel.rules.model.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert ours.caution in tip and ours.source in tip
    assert list(frame["says"].str.startswith("not applied")) == sorted(frame["says"].str.startswith("not applied"))
    refused = frame[frame["rule"] == "SSCD"].iloc[0]
    assert (refused.iloc[1], refused["caution"]) == ("", "")
    assert "not applied" in refused["says"]
    panel.resize(900, 250)
    panel.rules_button.click()
    panel.grab()


@pytest.mark.parametrize("blinded", [True, False])
def test_the_blinded_are_not_told_how_many_are_copies(qtbot: Any, study: FakeStudy, blinded: bool) -> None:
    tabs = StudyTabs()
    qtbot.addWidget(tabs)
    asked = []
    tabs.calibration.rules_asked.connect(lambda: asked.append(1))
    tabs.hide_from_blinded(ReadingSession(study, "ana", blinded=blinded))
    tabs.calibration.rules_button.click()
    assert bool(asked) != blinded
    assert tabs.calibration.rules_button.isEnabled() != blinded
