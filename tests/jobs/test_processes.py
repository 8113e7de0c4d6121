"""Jobs in processes of their own: order, progress, faults, a stop, and no orphans."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path

import pytest

from napari_relict.errors import Cancelled, DataError
from napari_relict.jobs.processes import in_processes
from slow_work import die, fail, step_through

STARTS = """
from pathlib import Path
from napari_relict.jobs.processes import in_processes
from slow_work import leave_a_mark

if __name__ == "__main__":
    in_processes(leave_a_mark, [Path({first!r}), Path({second!r})], 2, lambda place, steps: None)
"""


def ignore(place: int, steps: int) -> None:
    pass


def test_results_come_in_order_and_steps_are_told() -> None:
    told: list[tuple[int, int]] = []
    found = in_processes(step_through, [("a", 80), ("b", 1), ("c", 1)], 2, lambda *one: told.append(one))
    assert found == ["a", "b", "c"]
    mine = [steps for place, steps in told if place == 0]
    assert mine == sorted(mine) and len(mine) >= 2 and mine[-1] <= 80


def test_a_fault_ends_all() -> None:
    begun = time.monotonic()
    with pytest.raises(DataError, match="the first one: is at fault; mend it"):
        in_processes(fail, [0, 1], 2, ignore)
    assert time.monotonic() - begun < 60  # the other one would have taken a hundred seconds
    assert not active_children()


def test_a_stop_ends_all() -> None:
    def stop(place: int, steps: int) -> None:
        raise Cancelled("stopped by hand")

    begun = time.monotonic()
    with pytest.raises(Cancelled, match="by hand"):
        in_processes(step_through, [("a", 10_000), ("b", 10_000), ("c", 10_000), ("d", 10_000)], 2, stop)
    assert time.monotonic() - begun < 60
    assert not active_children()


def test_a_process_that_is_ended_from_outside_is_said_in_one_line() -> None:
    with pytest.raises(DataError, match="was ended from outside, for want of memory perhaps; run it again"):
        in_processes(die, [1, 2], 1, ignore)


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
def test_a_killed_parent_leaves_no_orphans(tmp_path: Path) -> None:
    marks = [tmp_path / "first", tmp_path / "second"]
    script = tmp_path / "starts.py"
    script.write_text(STARTS.format(first=str(marks[0]), second=str(marks[1])))
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    parent = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": path})
    children: list[int] = []

    def begun() -> bool:
        written = [mark.read_text().split() if mark.is_file() else [] for mark in marks]
        children[:] = [int(words[0]) for words in written if words]
        return len(children) == 2

    try:
        wait_until(begun)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    wait_until(lambda: not any(is_running(child) for child in children))


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    try:  # one that has ended and that nobody has asked about yet
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return sys.platform != "linux"


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
