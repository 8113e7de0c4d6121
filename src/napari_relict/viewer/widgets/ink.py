"""Colours of painted widgets, after napari's theme, and the axis they share.

Meaning never rests on colour alone: every mark drawn with these also has its own shape or text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtGui import QColor


@dataclass(frozen=True)
class Ink:
    """Colours on a background, as CSS."""

    text: str = "#f0f1f2"
    muted: str = "#a9b0b8"
    line: str = "#6a7079"
    field: str = "#191b20"
    threshold: str = "#ffe9a8"
    pair: str = "#ffffff"
    replica: str = "#ff9e29"
    other: str = "#8ec5ff"

    def colour(self, name: str, alpha: float = 1.0) -> QColor:
        colour = QColor(getattr(self, name))
        colour.setAlphaF(alpha)
        return colour

    def paint(self, axes: Any, size: int = 8) -> None:
        """Ground, frame and numbers of matplotlib axes; `size` in points."""
        axes.set_facecolor(self.field)
        axes.tick_params(colors=self.muted, labelsize=size)
        for spine in axes.spines.values():
            spine.set_color(self.line)


DARK = Ink()
LIGHT = Ink("#17191c", "#50565e", "#8d949c", "#f4f4f2", "#7a4b00", "#000000", "#b45500", "#005a9e")


def ink_for(theme: str) -> Ink:
    return LIGHT if "light" in theme else DARK


class Axis:
    """Maps scores to pixels so that closer is always to the right, whichever way the measure runs."""

    def __init__(self, values: npt.ArrayLike, higher_is_closer: bool, left: float, right: float) -> None:
        numbers = np.asarray(values, float).ravel()
        numbers = numbers[np.isfinite(numbers)]
        low, high = (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 1.0)
        margin = 0.05 * (high - low) or 0.5
        self.low, self.high = low - margin, high + margin
        self._flip, self._left, self._right = not higher_is_closer, left, right

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        share = min(max(1 - share if self._flip else share, 0.0), 1.0)
        return self._left + share * (self._right - self._left)
