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
        """Report that `done` of `total` steps of `stage` are finished.

        Parameters
        ----------
        stage : str
            What is being done, in a few words.
        done, total : int
            Finished steps, of how many.

        Raises
        ------
        Cancelled
            To stop the job.
        """


def silent(stage: str, done: int, total: int) -> None:
    """Say nothing: the `Progress` of those who do not ask.

    Parameters
    ----------
    stage : str
        What is being done.
    done, total : int
        Finished steps, of how many.
    """


class CancelSwitch:
    """A `Progress` that passes reports on until `cancel()` is called, from any thread; then it stops the job.

    Parameters
    ----------
    progress : Progress, default: silent
        Who is told until then.
    """

    def __init__(self, progress: Progress = silent) -> None:
        self._progress = progress
        self._cancelled = False

    def cancel(self) -> None:
        """Stop the job at its next report."""
        self._cancelled = True

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Pass a report on.

        Parameters
        ----------
        stage : str
            What is being done.
        done, total : int
            Finished steps, of how many.

        Raises
        ------
        Cancelled
            `cancel` was called.
        """
        if self._cancelled:
            raise Cancelled(f"stopped during {stage}, {done} of {total} done; run it again to go on from there")
        self._progress(stage, done, total)
