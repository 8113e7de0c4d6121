"""Long jobs side by side, each in a process of its own: for what draws from one stream of random numbers a process.

Torch does, so threads could not train two networks with a seed each.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from queue import Empty
from threading import Thread
from typing import Any, TypeVar

from napari_relict.errors import Cancelled, DataError

Item = TypeVar("Item")
Result = TypeVar("Result")
Tell = Callable[[int], None]  # called with how many of its steps a job has finished; raises `Cancelled` to stop it
TOLD_EVERY = 0.3  # seconds
STOPPED = "stopped; run it again to go on from there"


def in_processes(
    work: Callable[[Item, Tell], Result], items: Sequence[Item], count: int, advanced: Callable[[int, int], None]
) -> list[Result]:
    """Run `work(item, tell)` for every item, `count` at a time, each in a process.

    When an item fails or `advanced` stops the job, the others end at their next step, and all have ended when this
    returns. When this process is killed, they end at once.

    Parameters
    ----------
    work : callable
        A function that can be pickled, and so can items and results.
    items : sequence of Item
        What `work` is called with.
    count : int
        Processes at a time.
    advanced : callable
        Called here with the place of an item and how many of its steps are finished; may raise `Cancelled`.

    Returns
    -------
    list of Result
        Results in the order of `items`.

    Raises
    ------
    Cancelled
        By `advanced`.
    DataError
        A process was ended from outside.
    Exception
        Whatever `work` raises.
    """
    context = get_context("spawn")  # a fork would copy locks that threads of this process hold
    told, stop = context.Queue(), context.RawValue("b", 0)  # no lock: a process killed while it holds one stops all
    with ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(told, stop)) as crew:
        try:
            jobs = [crew.submit(_do, work, place, item) for place, item in enumerate(items)]
            waiting: set[Future[Result]] = set(jobs)
            while waiting:
                finished, waiting = wait(waiting, timeout=TOLD_EVERY, return_when=FIRST_COMPLETED)
                for place, steps in _reports(told):
                    advanced(place, steps)
                for future in finished:
                    future.result()
            return [job.result() for job in jobs]
        except BrokenProcessPool as error:
            raise DataError(
                "a process of this job",
                "was ended from outside, for want of memory perhaps",
                "run it again, with fewer processes: it goes on from where it was",
            ) from error
        finally:
            stop.value = 1
            crew.shutdown(cancel_futures=True)


def _reports(told: Any) -> Iterator[tuple[int, int]]:
    while True:
        try:
            yield told.get_nowait()
        except Empty:
            return


# In the process of a job ----------------------------------------------------------------------------------------------
_told: Any = None
_stop: Any = None


def _begin(told: Any, stop: Any) -> None:
    global _told, _stop  # what a worker is given can only be kept here
    _told, _stop = told, stop
    told.cancel_join_thread()  # nobody reads any more when everything is to end
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked for the job stops it, at a step
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(work: Callable[[Item, Tell], Result], place: int, item: Item) -> Result:
    last = 0.0
    if _stop.value:
        raise Cancelled(STOPPED)

    def tell(steps: int) -> None:
        nonlocal last
        if _stop.value:
            raise Cancelled(STOPPED)
        if time.monotonic() - last > TOLD_EVERY:
            last = time.monotonic()
            _told.put((place, steps))

    return work(item, tell)
