"""Who does the work: threads of this process, or the workers of a Dask cluster. The plan is the same for both."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from napari_relict.errors import UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")
RETRIES = 3  # of a task whose cluster worker died
CONNECT_SECONDS = 20


@dataclass(frozen=True)
class Workforce:
    """Runs functions side by side.

    Attributes
    ----------
    executor : Executor
        Where the functions run.
    count : int
        Tasks done at the same time.
    remote : bool, default: False
        The workers are other processes, so what a task needs travels to them.
    """

    executor: Executor
    count: int
    remote: bool = False

    def in_order(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Run a function on many items.

        At most twice `count` tasks run ahead, so that memory stays flat. The first error is raised where its result
        would be; tasks that have not begun are dropped.

        Parameters
        ----------
        function : callable
            Called once an item; pickled where the workers are remote.
        items : iterable of Item
            What it is called with.

        Yields
        ------
        Result
            Results in the order of `items`.
        """
        queue = iter(items)
        running: deque[Future[Result]] = deque()
        try:
            for item in queue:
                running.append(self.executor.submit(function, item))
                if len(running) >= 2 * self.count:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()


def workers() -> int:
    """Count the tasks this machine does at the same time.

    Returns
    -------
    int
        Its cores, 16 at the most.
    """
    return max(1, min(16, os.cpu_count() or 1))


@contextmanager
def workforce(scheduler: str | None = None) -> Iterator[Workforce]:
    """Open the threads of this process, or the Dask cluster whose scheduler is at the given address.

    A cluster's workers read the study's folder themselves: it has to lie at the same path for all of them. A
    task whose worker dies is done again by another.

    Parameters
    ----------
    scheduler : str, optional
        Address of a Dask scheduler.

    Yields
    ------
    Workforce
        Who does the work; closed at the end of the `with` block.

    Raises
    ------
    UsageError
        `distributed` is not installed, or nobody answers at the address.
    """
    if scheduler is None:
        pool = ThreadPoolExecutor(workers())
        try:
            yield Workforce(pool, workers())
        finally:
            pool.shutdown(cancel_futures=True)
        return
    try:
        import distributed
    except ImportError as error:
        raise UsageError("a cluster needs the package distributed: pip install 'napari-relict[cluster]'") from error
    try:
        client: Any = distributed.Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"no Dask scheduler answers at {scheduler}") from error
    with client:
        count = sum(client.nthreads().values())
        if not count:
            raise UsageError(f"the Dask scheduler at {scheduler} has no workers")
        yield Workforce(client.get_executor(pure=False, retries=RETRIES), count, remote=True)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Give torch one thread, whatever the machine has.

    With another number sums are rounded otherwise, and the same seed trains another network. Small networks gain
    nothing from a second one.

    Yields
    ------
    None
        Nothing; the number of threads is put back at the end of the `with` block.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
