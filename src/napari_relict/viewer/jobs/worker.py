"""Slow work off the main thread; results come back on it, or not at all once their owner is gone.

A thread cannot be stopped from outside. Work still running when Python ends is waited for: torn from under it,
the interpreter would crash. (napari waits too, but only where its event loop was run.)
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

from napari.qt.threading import create_worker
from psygnal import Signal
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QThreadPool


class Jobs:
    """Runs functions in napari workers.

    Parameters
    ----------
    owner : whoever waits for the results. After `close`, or once this object is deleted (its window was closed),
        results of what still runs are dropped.
    """

    failed = Signal(object)  # an exception nobody else took

    def __init__(self, owner: QObject) -> None:
        self._owner = ref(owner)  # a circle of owner and jobs would keep a closed window in memory
        self._next = 0
        self._waiting: dict[int, tuple[Callable[[Any], None], Callable[[Exception], None] | None]] = {}

    @property
    def busy(self) -> bool:
        return bool(self._waiting)

    def start(
        self,
        work: Callable[..., Any],
        *args: Any,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Call `work(*args)` in a thread, then `done(result)` here."""
        self._next += 1
        token = self._next
        self._waiting[token] = (done, failed)
        worker = create_worker(_caught, work, *args, _start_thread=False)
        worker.returned.connect(partial(self._finish, token))
        atexit.unregister(_wait)  # registered last, it runs first: while everything the work needs is there
        atexit.register(_wait)
        worker.start()

    def close(self) -> None:
        self._waiting.clear()

    def _finish(self, token: int, outcome: tuple[Any, Exception | None]) -> None:
        callbacks = self._waiting.pop(token, None)
        owner = self._owner()
        if callbacks is None or owner is None or not isalive(owner):
            return
        done, failed = callbacks
        result, error = outcome
        if error is None:
            done(result)
        elif failed is not None:
            failed(error)
        else:
            self.failed.emit(error)


def _wait() -> None:
    QThreadPool.globalInstance().waitForDone()


def _caught(work: Callable[..., Any], *args: Any) -> tuple[Any, Exception | None]:
    """Errors come back as values: raised in a worker they would open a traceback window for a faulty file."""
    try:
        return work(*args), None
    except Exception as error:
        return None, error
