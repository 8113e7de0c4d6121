"""`napari-relict` as a script runs it: in a process of its own, or, sooner, in this one."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Mapping

from napari_relict.cli.app import main


def run(*arguments: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "napari_relict", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=240, check=False)


def run_here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The same without starting Python, which takes a second or two: exit status and what is printed."""
    told = [str(argument) for argument in arguments]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main(told)
            status = 0
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else int(left.code is not None)
    return subprocess.CompletedProcess(told, status, out.getvalue(), err.getvalue())
