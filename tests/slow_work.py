"""Work for other processes, which import it by name."""

from __future__ import annotations

import os
import time
from pathlib import Path

from napari_relict.errors import DataError
from napari_relict.jobs.processes import Tell


def step_through(item: tuple[str, int], tell: Tell) -> str:
    """A step in ten milliseconds; the letter of the item, once all are done."""
    letter, steps = item
    for step in range(steps):
        time.sleep(0.01)
        tell(step + 1)
    return letter


def fail(item: int, tell: Tell) -> None:
    if item == 0:
        raise DataError("the first one", "is at fault", "mend it")
    step_through(("", 10_000), tell)


def die(item: int, tell: Tell) -> None:
    os._exit(7)


def leave_a_mark(file: Path, tell: Tell) -> None:
    """The number of this process, and the time again and again."""
    while True:
        file.write_text(f"{os.getpid()} {time.time()}")
        time.sleep(0.05)
        tell(1)
