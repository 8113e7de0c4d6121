"""The state tells its changes, and every tool draws once a change."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from fake_study import FakeStudy
from napari.components import ViewerModel

from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.canvas.state import CanvasState
from napari_relict.viewer.pair.modes import Mode
from napari_relict.viewer.pair.pair import PairKey, load_pair
from napari_relict.viewer.pair.text import CellTexts

TEXTS = CellTexts("Left", "Right", "Difference", "left", "right")


def test_what_is_set_together_is_told_once_and_what_stays_is_not_told() -> None:
    state, told = CanvasState(), []
    state.changed.connect(told.append)
    state.mode = Mode.DIFFERENCE
    assert told == []
    with state.together():
        state.mode = Mode.AB
        with state.together():
            state.on_right = True
        assert told == []
    assert told == [{"mode", "on_right"}]
    state.crosshair = True
    assert told[1:] == [{"crosshair"}]


def test_another_pair_has_every_tool_draw_once(study: FakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = ReviewScene(ViewerModel())
    scene.show(load_pair(study, PairKey("syn-00", "patient-00")), TEXTS)
    drawn: Counter[str] = Counter()
    for tool in scene._tools:

        def count(cells: Any, images: Any, names: Any, tool: Any = tool) -> None:
            drawn[type(tool).__name__] += bool(names & tool.listens_to)
            type(tool).update(tool, cells, images, names)

        monkeypatch.setattr(tool, "update", count)
    scene.show(load_pair(study, PairKey("syn-03", "patient-03")), TEXTS)
    assert set(drawn) >= {"Sides", "Outlines", "ThirdCell", "Captions", "Framing", "Drawing", "Status"}
    assert set(drawn.values()) <= {0, 1}


def test_a_closed_scene_no_longer_draws(study: FakeStudy) -> None:
    scene = ReviewScene(ViewerModel())
    scene.show(load_pair(study, PairKey("syn-00", "patient-00")), TEXTS)
    layers = scene.layers
    scene.close()
    name = layers[4].name
    scene.state.mode = Mode.AB
    assert layers[4].name == name
    assert len(scene.state.changed) == 0
