"""Faults of the disk become one line that names the place; everything else passes through untouched."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from napari_relict import errors
from napari_relict.errors import Cancelled, DataError, UsageError, disk_faults
from napari_relict.jobs.progress import CancelSwitch


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no space left"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "no space left"),
        (PermissionError(errno.EACCES, "Permission denied"), "may not be written"),
        (OSError(errno.EROFS, "Read-only file system"), "may not be written"),
        (sqlite3.OperationalError("database or disk is full"), "no space left"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "may not be written"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "cannot be written there"),
    ],
)
def test_disk_faults_are_named(tmp_path: Path, error: Exception, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught, disk_faults(tmp_path / "x"):
        raise error
    assert str(tmp_path / "x") in str(caught.value)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(("free", "said"), [(0, "no space left"), (1 << 30, "disk reports an error")])
def test_sqlites_io_error_means_a_full_disk_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, said: str
) -> None:
    monkeypatch.setattr(errors, "_free_bytes", lambda place: free)
    with pytest.raises(DataError, match=said), disk_faults(tmp_path):
        raise sqlite3.OperationalError("disk I/O error")


def test_a_wrapped_fault_is_seen_and_others_pass(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no space left"), disk_faults(tmp_path):
        try:
            raise OSError(errno.ENOSPC, "full")
        except OSError as error:
            raise OSError("store failed") from error
    for other in (sqlite3.IntegrityError("append-only"), ValueError("x"), DataError("a", "b", "c")):
        with pytest.raises(type(other)) as caught, disk_faults(tmp_path):
            raise other
        assert caught.value is other


def test_exit_statuses() -> None:
    assert (DataError("a", "b", "c").exit_status, UsageError("x").exit_status) == (1, 2)
    assert str(DataError("scan.nii", "is cut off", "copy it again")) == "scan.nii: is cut off; copy it again"


def test_a_cancel_stops_at_the_next_step() -> None:
    said: list[tuple[str, int, int]] = []
    switch = CancelSwitch(lambda *step: said.append(step))
    switch("search", 1, 3)
    switch.cancel()
    with pytest.raises(Cancelled, match="search, 2 of 3"):
        switch("search", 2, 3)
    assert said == [("search", 1, 3)]
