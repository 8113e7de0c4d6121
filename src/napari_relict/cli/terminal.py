"""What the command line needs of the terminal it runs in: progress, and whether a window can be opened."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType

WIDTH = 28


def say(line: str) -> None:
    print(line, flush=True)


def say_errors(errors: Sequence[BaseException]) -> None:
    """One line an error, with those that came along with it."""
    for error in errors:
        for line in (str(error), *getattr(error, "__notes__", ())):
            print(f"napari-relict: {' '.join(line.split())}", file=sys.stderr)


class TerminalProgress:
    """A `Progress` that draws a bar a stage on stderr; where stderr is no terminal, a line when a stage ends."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._stage, self._drawn, self._began = "", 0.0, 0.0

    def __enter__(self) -> TerminalProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began, self._drawn = stage, now, 0.0
        if not self._live:
            if done == total:
                print(f"{stage}: {done} done", file=sys.stderr, flush=True)
            return
        if now - self._drawn < 0.1 and done < total:
            return
        self._drawn = now
        filled = WIDTH * done // max(total, 1)
        left = (now - self._began) / done * (total - done) if done else 0.0
        bar = "#" * filled + "-" * (WIDTH - filled)
        print(
            f"\r\033[K{stage:32.32} [{bar}] {done}/{total}  {left:4.0f} s left",
            end="",
            file=sys.stderr,
            flush=True,
        )

    def _clear(self) -> None:
        if self._live and self._stage:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def has_screen() -> bool:
    """True when a window can be expected to open."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def under_virtual_screen(command: list[str]) -> bool:
    """Run a command that opens a window, under xvfb-run when there is no screen; False when it could not."""
    if not has_screen():
        if shutil.which("xvfb-run") is None or shutil.which("xauth") is None:
            return False
        command = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", *command]
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb"} if sys.platform == "linux" else None
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
