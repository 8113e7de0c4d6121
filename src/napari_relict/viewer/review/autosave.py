"""Where the reader is, and what is said but not locked, kept in the study while a review goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer

from napari_relict.errors import RelictError
from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.canvas.viewpoint import place_of
from napari_relict.viewer.jobs.debounced import Recomputing
from napari_relict.viewer.jobs.worker import Jobs
from napari_relict.viewer.session.session import ReadingSession

KEEP_AFTER = 400  # ms after a change


class Keeping:
    """Parameters
    ----------
    owner : of the timer. failed : called with an error of the thread that keeps.
    """

    def __init__(
        self,
        session: ReadingSession,
        scene: ReviewScene,
        jobs: Jobs,
        owner: QObject,
        failed: Callable[[Exception], None],
    ) -> None:
        self._session, self._scene = session, scene
        self._recomputing = Recomputing(session.keep, jobs)
        self._recomputing.failed.connect(failed)
        self.timer = QTimer(owner)
        self.timer.setSingleShot(True)
        self.timer.setInterval(KEEP_AFTER)
        self.timer.timeout.connect(self._start)

    def soon(self) -> None:
        """In a moment, and in a thread: the disk may be slow, or busy with a match."""
        self.timer.start()

    def now(self) -> str:
        """At once; what went wrong in words, or an empty string."""
        self.timer.stop()
        self._look()
        try:
            self._session.keep()
        except (RelictError, OSError, sqlite3.Error) as error:
            return f"Where you are could not be kept: {error}"
        return ""

    def _start(self) -> None:
        self._look()
        if self._session.order:
            self._recomputing.request()

    def _look(self) -> None:
        self._session.view = place_of(self._scene) or self._session.view
