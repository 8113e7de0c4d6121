"""Work that takes minutes: says how far it is, can be stopped, and stops by itself when its window is gone.

The thread touches nothing of Qt. It leaves what it has to say in a plain object, which a timer of the main thread
reads: a window may be closed at any moment, and a signal of a deleted object would end napari.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_relict.errors import Cancelled
from napari_relict.jobs.progress import CancelSwitch
from napari_relict.viewer.jobs.worker import Jobs

EVERY = 100  # ms


class Line:
    """What the thread and the window have in common. Called as a `Progress`; `tell` passes anything else on."""

    def __init__(self) -> None:
        self.latest: tuple[str, int, int] | None = None
        self.told: deque[Any] = deque()
        self._switch = CancelSwitch(self._keep)

    def __call__(self, stage: str, done: int, total: int) -> None:
        self._switch(stage, done, total)

    def tell(self, what: Any) -> None:
        self.told.append(what)

    def cancel(self) -> None:
        self._switch.cancel()

    def _keep(self, stage: str, done: int, total: int) -> None:
        self.latest = (stage, done, total)


class LongJob(QObject):
    """One job at a time; signals come on the main thread.

    Parameters
    ----------
    owner : a widget. When it is deleted, what runs is stopped at its next step.
    """

    progressed = Signal(str, int, int)
    told = Signal(object)  # what the work passed to `Line.tell`
    stopped = Signal()  # it was asked to stop, and did

    def __init__(self, jobs: Jobs, owner: QObject) -> None:
        super().__init__(owner)
        self._jobs = jobs
        self._line: Line | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY)
        self._timer.timeout.connect(self._read)

    @property
    def running(self) -> bool:
        return self._line is not None

    def start(
        self, work: Callable[[Line], Any], *, done: Callable[[Any], None], failed: Callable[[Exception], None]
    ) -> None:
        """Call `work(line)` in a thread, then `done(result)` or `failed(error)` here; neither once it was stopped."""
        if self.running:
            return
        line = self._line = Line()
        self.destroyed.connect(line.cancel)
        self._timer.start()

        def finish(result: Any) -> None:
            self._end()
            done(result)

        def give_up(error: Exception) -> None:
            self._end()
            if isinstance(error, Cancelled):
                self.stopped.emit()
            else:
                failed(error)

        self._jobs.start(work, line, done=finish, failed=give_up)

    def stop(self) -> None:
        """Ask it to stop; it does at its next step, and keeps what is finished."""
        if self._line is not None:
            self._line.cancel()

    def _read(self) -> None:
        line = self._line
        if line is None:
            return
        while line.told:
            self.told.emit(line.told.popleft())
        if line.latest is not None:
            latest, line.latest = line.latest, None
            self.progressed.emit(*latest)

    def _end(self) -> None:
        self._timer.stop()
        self._read()
        self._line = None
