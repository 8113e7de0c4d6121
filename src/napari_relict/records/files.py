"""Tables to and from files: CSV, Parquet, JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from napari_relict.errors import DataError, UsageError, disk_faults

FORMATS = (".csv", ".parquet", ".json")
AS_TEXT = ("synthetic", "training", "reader", "session", "comment", "regions")  # 007 stays 007


def read_table(file: Path) -> pd.DataFrame:
    """Read a table; the file's ending says which format.

    Raises
    ------
    UsageError : another ending.
    DataError : missing, empty or damaged.
    """
    readers: dict[str, Callable[[], pd.DataFrame]] = {
        # As text: a volume may be called 001, and a reader NA.
        ".csv": lambda: pd.read_csv(file, dtype=str, keep_default_na=False),
        ".parquet": lambda: pd.read_parquet(file),
        ".json": lambda: pd.read_json(file, orient="records", dtype=dict.fromkeys(AS_TEXT, str), convert_dates=False),
    }
    try:
        return readers[_ending(file)]()
    except FileNotFoundError as error:
        raise DataError(file, "no such file", "give the file to import") from error
    except (ValueError, OSError) as error:
        raise DataError(file, f"cannot be read ({str(error).splitlines()[0]})", "export it again") from error


def write_table(table: pd.DataFrame, file: Path) -> None:
    """Write a table; the file's ending says which format. An existing file is replaced only when all is written.

    Raises
    ------
    UsageError : another ending.
    DataError : the folder is missing, not writable, or the disk is full.
    """
    unfinished = file.with_name(file.name + ".part")
    writers: dict[str, Callable[[], object]] = {
        ".csv": lambda: table.to_csv(unfinished, index=False),
        ".parquet": lambda: table.to_parquet(unfinished, index=False),
        ".json": lambda: table.to_json(unfinished, orient="records", indent=1),
    }
    write = writers[_ending(file)]
    try:
        with disk_faults(file):
            write()
            unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def _ending(file: Path) -> str:
    ending = file.suffix.lower()
    if ending not in FORMATS:
        raise UsageError(f"{file}: the ending says the format; use one of {', '.join(FORMATS)}")
    return ending
