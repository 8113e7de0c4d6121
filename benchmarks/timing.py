"""How long a call takes, and the rows that the speed benchmarks hand on."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

Row = dict[str, object]


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """Shortest of some calls, after one to warm up."""
    call()
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return min(took)


def titled(package: str) -> str:
    """The package with its version.

    Raises
    ------
    ImportError : it is not installed.
    """
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError as missing:
        raise ImportError(package) from missing


def compared(
    part: str, size: str, peer: str, peer_s: float | None, ours_s: float, difference: float | None, note: str
) -> Row:
    """One row; times in seconds become milliseconds. A peer without a time is not installed."""
    row: Row = {"part": part, "size": size, "peer": peer, "ours_ms": 1000 * ours_s, "difference": difference}
    if peer_s is None:
        return row | {"peer_ms": None, "ratio": None, "note": "not installed"}
    return row | {"peer_ms": 1000 * peer_s, "ratio": peer_s / ours_s, "note": note}


class StageTimes:
    """A `Progress` that adds up how long each stage took: from the report before to its own last one.

    Attributes
    ----------
    wall, processor : seconds by stage; those of the processor are of all threads, whatever else the machine does.
    """

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.processor: dict[str, float] = {}
        self._before = time.perf_counter(), time.process_time()

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.perf_counter(), time.process_time()
        for kept, at, before in zip((self.wall, self.processor), now, self._before, strict=True):
            kept[stage] = kept.get(stage, 0.0) + at - before
        self._before = now
