"""Trying a threshold by hand: counts, rates, the ROC, and the line that is dragged."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from napari_relict.viewer.data_models.confusion import confusion, roc
from napari_relict.viewer.data_models.scores import Calibrated, Threshold
from napari_relict.viewer.widgets.calibration_panel import CalibrationPanel
from napari_relict.viewer.widgets.threshold_view import ThresholdView

SCORES = np.array([0.95, 0.9, 0.7, 0.85, 0.6, 0.5, np.nan])
REPLICA = np.array([True, True, True, False, False, False, True])


def row(title: str = "NCC", higher: bool = True, threshold: Threshold | None = None) -> Calibrated:
    grades = np.where(REPLICA, 4.0, 1.0)
    scores = SCORES if higher else -SCORES
    return Calibrated(title, "voxel", higher, scores, grades, REPLICA, threshold, "", "")


def test_counts_of_a_cut_by_hand() -> None:
    found = confusion(SCORES, REPLICA, 0.8, True)
    assert (found.called_replicas, found.missed_replicas) == (2, 1)
    assert (found.called_others, found.passed_others) == (1, 2)
    assert found.sensitivity == pytest.approx(2 / 3)
    assert found.balanced_accuracy == pytest.approx(2 / 3)
    # Wilson's 95% interval of 2 in 3 is .208 to .939.
    assert "calls 2 of 3 replicas (67%, 21% to 94%)" in found.sentence()
    assert confusion(-SCORES, REPLICA, -0.8, False) == found, "a distance, cut at the same place"


def test_without_replicas_nothing_is_claimed() -> None:
    found = confusion(np.array([0.5]), np.array([False]), 0.4, True)
    assert np.isnan(found.sensitivity)
    assert "none rated" in found.sentence()


def test_the_curve_is_that_of_scikit_learn() -> None:
    known = np.isfinite(SCORES)
    others, replicas, _ = roc_curve(REPLICA[known], SCORES[known], drop_intermediate=False)
    for mine, theirs in zip(roc(SCORES, REPLICA, True), (others, replicas), strict=True):
        np.testing.assert_allclose(mine, theirs)


def test_dragging_tries_a_cut_and_leaves_the_threshold(qtbot: Any) -> None:
    view = ThresholdView()
    qtbot.addWidget(view)
    view.show_row(row(threshold=Threshold(0.8, 0.7, 0.9)))
    assert "threshold 0.800: calls 2 of 3 replicas" in view.told.text()
    axes = view.figure.axes[0]
    for name, x in (("press", 0.55), ("move", 0.65), ("release", 0.65), ("move", 0.99)):
        callback = {"press": view._on_press, "move": view._on_move, "release": view._on_release}[name]
        callback(SimpleNamespace(inaxes=view.figure.axes[0] if name != "press" else axes, xdata=x))
    assert view.cut == 0.65
    assert "tried 0.650: calls 3 of 3 replicas" in view.told.text()
    view.show_row(row(threshold=Threshold(0.8, 0.7, 0.9)))
    assert view.cut == 0.65, "new ratings come in: the cut stays"
    view.show_row(row("MSE", higher=False))
    assert view.cut is None
    assert "click to try" in view.told.text()
    assert view.figure.axes[0].xaxis_inverted()


def test_a_click_on_a_measure_shows_it_close_up(qtbot: Any) -> None:
    panel = CalibrationPanel()
    qtbot.addWidget(panel)
    rows = [row("NCC"), row("MSE", higher=False)]
    panel.set_rows(rows)
    assert "NCC" in panel.close_up.told.text()
    panel.views[1].chosen.emit(rows[1])
    assert "MSE" in panel.close_up.told.text()
    panel.set_rows(rows)
    assert "MSE" in panel.close_up.told.text(), "stays chosen as ratings come in"


def test_without_ratings_it_says_so(qtbot: Any) -> None:
    view = ThresholdView()
    qtbot.addWidget(view)
    view.show_row(Calibrated("NCC", "voxel", True, np.empty(0), np.empty(0), np.empty(0, bool), None, "", ""))
    assert "no rated pair" in view.told.text()


def test_a_moved_cut_says_which_unrated_volumes_change_sides(qtbot: Any) -> None:
    view = ThresholdView()
    qtbot.addWidget(view)
    unrated = (("syn-a", 0.95), ("syn-b", 0.75), ("syn-c", 0.5), ("syn-d", float("nan")))
    for higher, sign in ((True, 1.0), (False, -1.0)):
        shown = replace(
            row(f"NCC {higher}", higher, threshold=Threshold(sign * 0.8, sign * 0.7, sign * 0.9)),
            unrated=tuple((name, sign * score) for name, score in unrated),
        )
        view.show_row(shown)
        assert "Unrated past it: 1 of 4." in view.told.text()
        view.try_cut(sign * 0.7)
        assert "Unrated past it: 2 of 4. Now past it: syn-b." in view.told.text()
        view.try_cut(sign * 0.99)
        assert "No longer past it: syn-a." in view.told.text()
    view.unrated_visible = False  # blinded readers are not told what scores call
    view.try_cut(0.7)
    assert "syn-b" not in view.told.text() and "Unrated" not in view.told.text()


def test_cautions_stand_above_the_thresholds(qtbot: Any) -> None:
    panel = CalibrationPanel()
    qtbot.addWidget(panel)
    panel.set_said(["the null is odd"])
    assert panel.said.text() == "! the null is odd" and not panel.said.isHidden()
    panel.set_said([])
    assert panel.said.isHidden()
