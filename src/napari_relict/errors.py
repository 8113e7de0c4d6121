"""What goes wrong with people's data, said in one line each.

A message names the file, what is wrong with it and what to do about it. The command line prints it and exits
with `exit_status`; the viewer shows it; nobody sees a traceback for a fault that lies in a file.
"""

from __future__ import annotations

import errno
from pathlib import Path


class RelictError(Exception):
    """Base of every error this package raises on purpose."""

    exit_status = 1


class DataError(RelictError):
    """A file (or folder) is at fault.

    Parameters
    ----------
    subject : path or name of what is at fault.
    wrong : what is wrong with it.
    remedy : what the person can do.
    """

    def __init__(self, subject: str | Path, wrong: str, remedy: str) -> None:
        self.subject, self.wrong, self.remedy = str(subject), wrong, remedy
        super().__init__(f"{self.subject}: {wrong}; {remedy}")


class UsageError(RelictError):
    """What was asked for makes no sense, whatever the data."""

    exit_status = 2


class Cancelled(RelictError):
    """The person asked a long job to stop. What was finished before is kept."""

    exit_status = 130


def out_of_space(error: BaseException) -> bool:
    """True when `error` (or what caused it) says that the disk is full."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "database or disk is full" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
