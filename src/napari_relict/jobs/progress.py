"""How long work reports on itself and how it is asked to stop.

Core code takes a `Progress` and calls it; the command line draws a bar from it, the viewer moves a progress
widget. Neither is known here.
"""

from __future__ import annotations

from typing import Protocol

from napari_relict.errors import Cancelled


class Progress(Protocol):
    """Called after each finished step of a stage."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report that `done` of `total` steps of `stage` are finished. May raise `Cancelled` to stop the job."""


def silent(stage: str, done: int, total: int) -> None:
    """A `Progress` that says nothing."""


class CancelSwitch:
    """A `Progress` that passes reports on until `cancel()` is called, from any thread; then it stops the job."""

    def __init__(self, progress: Progress = silent) -> None:
        self._progress = progress
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._cancelled:
            raise Cancelled(f"stopped during {stage}, {done} of {total} done; run it again to go on from there")
        self._progress(stage, done, total)
