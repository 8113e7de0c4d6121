"""What tests of a real napari window share: the mark, the mouse, and what is seen."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QWidget

needs_gl = [
    pytest.mark.gl,
    pytest.mark.skipif(os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="the offscreen platform has no OpenGL"),
]


def canvas_of(review: Any) -> QWidget:
    """The widget on which napari draws."""
    for widget in review.panel.window().centralWidget().findChildren(QWidget):
        if type(widget).__name__.startswith("CanvasBackend"):
            return widget
    raise LookupError("no canvas")


def move(canvas: QWidget, to: QPoint, button: Any, qtbot: Any, modifiers: Any = None) -> None:
    """A move with a button held, as the window system sends it; napari throttles moves."""
    kept = Qt.KeyboardModifier.NoModifier if modifiers is None else modifiers
    for back in (6, 3, 0):
        place = QPointF(to - QPoint(back, back))
        QApplication.sendEvent(
            canvas, QMouseEvent(QEvent.Type.MouseMove, place, canvas.mapToGlobal(place), button, button, kept)
        )
        qtbot.wait(30)


def difference_cell(viewer: Any) -> np.ndarray:
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float)
    return picture[:, 2 * picture.shape[1] // 3 :]
