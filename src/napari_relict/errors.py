"""What goes wrong with people's data, said in one line each.

A message names the file, what is wrong with it and what to do about it. The command line prints it and exits
with `exit_status`; the viewer shows it; nobody sees a traceback for a fault that lies in a file.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LITTLE = 1 << 20  # bytes; with less free, a disk counts as full


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

    def __reduce__(self) -> tuple[type[DataError], tuple[str, str, str]]:
        """So that it comes whole out of another process: the line alone does not make one."""
        return type(self), (self.subject, self.wrong, self.remedy)


class UsageError(RelictError):
    """What was asked for makes no sense, whatever the data."""

    exit_status = 2


class Cancelled(RelictError):
    """The person asked a long job to stop. What was finished before is kept."""

    exit_status = 130


@contextmanager
def disk_faults(subject: str | Path) -> Iterator[None]:
    """Turn a full, failing or forbidden disk into a `DataError` about `subject`; other errors pass through.

    Writers put a file in place only when all of it is written, so "what was finished is kept" holds.
    """
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        fault = _disk_fault(error, Path(subject))
        if fault is None:
            raise
        raise DataError(subject, *fault) from error


def _disk_fault(error: BaseException, place: Path) -> tuple[str, str] | None:
    """What is wrong and what to do, or None when the disk is not at fault."""
    numbers, texts = set(), ""
    seen: BaseException | None = error
    while seen is not None:  # libraries wrap what the system said
        if isinstance(seen, OSError) and seen.errno is not None:
            numbers.add(seen.errno)
        texts += str(seen)
        seen = seen.__cause__ or seen.__context__
    # SQLite says "disk I/O error" when it cannot grow its shared-memory file on a full disk.
    full = "database or disk is full" in texts or ("disk I/O error" in texts and _free_bytes(place) < LITTLE)
    if numbers & {errno.ENOSPC, errno.EDQUOT} or full:
        return "no space left on the disk", "free some and run it again: what was finished is kept"
    if numbers & {errno.EACCES, errno.EPERM, errno.EROFS} or "readonly database" in texts:
        return "may not be written", "check its permissions"
    if numbers & {errno.ENOENT, errno.ENOTDIR} or "unable to open database" in texts or "non-existent" in texts:
        return "cannot be written there", "give a folder that exists"
    if errno.EIO in numbers or "disk I/O error" in texts:
        return "the disk reports an error", "check the disk"
    return None


def _free_bytes(place: Path) -> int:
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free
