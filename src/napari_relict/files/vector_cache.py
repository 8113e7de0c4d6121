"""Vectors in an SQLite file, by a key of several columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from napari_relict.errors import disk_faults


class VectorCache:
    """Vectors in one table: each is durable once stored, so a stopped job goes on where it was.

    Parameters
    ----------
    file : pathlib.Path
        The SQLite file; made where it is missing.
    table : str
        Name of the table.
    key : mapping of str to str
        Columns of the key with their types.
    """

    def __init__(self, file: Path, table: str, key: Mapping[str, str]) -> None:
        self._file, self._table = file, table
        self._where = " AND ".join(f"{column}=?" for column in key)
        self._places = ", ".join("?" * (len(key) + 1))
        with disk_faults(file):
            file.parent.mkdir(parents=True, exist_ok=True)
        columns = ", ".join(f"{column} {kind}" for column, kind in key.items())
        with self._open() as database:
            database.execute(
                f"CREATE TABLE IF NOT EXISTS {table} ({columns}, vector BLOB, PRIMARY KEY ({', '.join(key)}))"
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with disk_faults(self._file), closing(sqlite3.connect(self._file, timeout=60)) as database, database:
            database.execute("PRAGMA journal_mode=WAL")
            yield database

    def get(self, *key: str | bool) -> np.ndarray | None:
        """Read a vector.

        Parameters
        ----------
        *key : str or bool
            A value for each column of the key.

        Returns
        -------
        numpy.ndarray of float32, shape (features,), or None
            None where there is none.
        """
        with self._open() as database:
            row = database.execute(f"SELECT vector FROM {self._table} WHERE {self._where}", key).fetchone()
        return None if row is None else np.frombuffer(row[0], np.float32)

    def has(self, *key: str | bool) -> bool:
        """Say whether there is a vector.

        Parameters
        ----------
        *key : str or bool
            A value for each column of the key.

        Returns
        -------
        bool
            True where there is one.
        """
        with self._open() as database:
            return database.execute(f"SELECT 1 FROM {self._table} WHERE {self._where}", key).fetchone() is not None

    def put(self, *key: str | bool, vector: np.ndarray) -> None:
        """Store a vector in place of one that is there.

        Parameters
        ----------
        *key : str or bool
            A value for each column of the key.
        vector : numpy.ndarray of shape (features,)
            Stored as float32.
        """
        row = (*key, vector.astype(np.float32).tobytes())
        with self._open() as database:
            database.execute(f"INSERT OR REPLACE INTO {self._table} VALUES ({self._places})", row)
