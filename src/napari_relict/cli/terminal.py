"""What the command line needs of the terminal it runs in: progress, and whether a window can be opened."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType

import typer

WIDTH = 28


def say(line: str) -> None:
    """Write a line to stdout at once.

    Parameters
    ----------
    line : str
        Without its end.
    """
    print(line, flush=True)


def say_errors(errors: Sequence[BaseException]) -> None:
    """Write errors to stderr, one line each, with the notes that came along with them.

    Parameters
    ----------
    errors : sequence of BaseException
        What went wrong.
    """
    for error in errors:
        for line in (str(error), *getattr(error, "__notes__", ())):
            print(f"napari-relict: {' '.join(line.split())}", file=sys.stderr)


def stop_at_problems(problems: Sequence[BaseException]) -> None:
    """Leave with status 1 where data are at fault.

    Parameters
    ----------
    problems : sequence of BaseException
        What was wrong with which file.

    Raises
    ------
    typer.Exit
        There are problems; each was written to stderr.
    """
    if problems:
        say_errors(problems)
        raise typer.Exit(1)


class TerminalProgress:
    """A `Progress` that draws a bar a stage on stderr; where stderr is no terminal, a line when a stage ends."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._stage, self._drawn, self._began = "", 0.0, 0.0

    def __enter__(self) -> TerminalProgress:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the line empty."""
        self._clear()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Draw how far a stage is.

        Parameters
        ----------
        stage : str
            What is being done.
        done, total : int
            Steps done, of how many.
        """
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
    """Whether a window can be expected to open.

    Returns
    -------
    bool
        True on macOS and Windows, and where a display server is named.
    """
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def under_virtual_screen(command: list[str]) -> bool:
    """Run a command that opens a window, under xvfb-run when there is no screen.

    Parameters
    ----------
    command : list of str
        The command and its arguments.

    Returns
    -------
    bool
        False when it could not run, or failed.
    """
    if not has_screen():
        if shutil.which("xvfb-run") is None or shutil.which("xauth") is None:
            return False
        command = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", *command]
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb"} if sys.platform == "linux" else None
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
