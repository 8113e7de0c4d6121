"""Fixtures of the viewer tests: a procedural study, and a session of one reader."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are imported by file, so siblings are not found

from fake_study import FakeStudy

from napari_relict.viewer.plugin import ReviewWidget
from napari_relict.viewer.session.session import ReadingSession


@pytest.fixture
def study() -> FakeStudy:
    return FakeStudy()


@pytest.fixture
def session(study: FakeStudy) -> ReadingSession:
    return ReadingSession(study, "ana")


@pytest.fixture
def settle(qtbot: Any) -> Iterator[Callable[[Any], None]]:
    """Wait until a review has read and computed everything it was asked for."""

    def wait(review: Any) -> None:
        qtbot.waitUntil(lambda: review.idle, timeout=300_000)

    yield wait


@pytest.fixture
def open_widget(make_napari_viewer: Any, qtbot: Any, settle: Callable[[Any], None]) -> Callable[..., ReviewWidget]:
    def build(study: FakeStudy, blinded: bool = True) -> ReviewWidget:
        viewer = make_napari_viewer(show=True)
        viewer.window.resize(1200, 800)
        widget = ReviewWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Review", area="right")
        widget.start(study, reader="ana", blinded=blinded)
        qtbot.waitUntil(lambda: widget.review is not None, timeout=120_000)
        settle(widget.review)
        return widget

    return build
