"""What comparing aligned pairs gave, kept on disk, so that a stopped `match` does not align them again."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.errors import DataError, disk_faults
from napari_relict.matching.pairwise_alignment import ON_LABELS, Task, Verified
from napari_relict.matching.region_verify import FoundRegion
from napari_relict.measures.change import Change
from napari_relict.volumes.cohort import REMEDY, PreparedCohort, chunk_file

# Raise this when `verify` gives another answer to the same task: what older versions kept is then passed over.
RECIPE = 6


class VerifiedCache:
    """Answers to tasks in one SQLite file: each is durable once stored, so a stopped job goes on where it was.

    Parameters
    ----------
    preparation : key of the prepared cohorts.
    """

    def __init__(self, file: Path, preparation: str) -> None:
        self._file, self._preparation = file, preparation
        with disk_faults(file):
            file.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as database:
            database.execute("CREATE TABLE IF NOT EXISTS verified (task TEXT PRIMARY KEY, answer TEXT)")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with disk_faults(self._file), closing(sqlite3.connect(self._file, timeout=60)) as database, database:
            database.execute("PRAGMA journal_mode=WAL")
            yield database

    def get(self, key: str) -> list[Verified] | None:
        """The answer kept by this key; None when there is none, or none that can be read."""
        with self._open() as database:
            found = database.execute("SELECT answer FROM verified WHERE task=?", (key,)).fetchone()
        try:
            return None if found is None else [_verified(**values) for values in json.loads(found[0])]
        except (ValueError, TypeError):  # another version's
            return None

    def put(self, key: str, answer: Sequence[Verified]) -> None:
        """On the disk when this returns."""
        text = json.dumps([asdict(one) for one in answer])
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO verified VALUES (?, ?)", (key, text))

    def key(self, task: Task) -> str:
        """SHA-256 of all that the answer depends on: volumes by what they hold, not by their names.

        Every field of a task counts, labels only where a measure needs them.

        Raises
        ------
        DataError : a prepared segmentation is not there.
        """
        labelled = bool(ON_LABELS & set(task.measures))
        about: dict[str, Any] = {one.name: getattr(task, one.name) for one in fields(task)}
        training = about.pop("training")
        about["query"] = _content(about.pop("cohort"), task.query, labelled)
        about["candidates"] = [
            asdict(one) | {"training": _content(training, one.training, labelled)} for one in task.candidates
        ]
        about["measures"] = sorted(task.measures)
        about["labels"] = list(task.labels) if labelled else []
        about["sides"] = sorted(task.sides.items()) if labelled else []
        text = json.dumps([RECIPE, self._preparation, about], sort_keys=True, default=np.ndarray.tolist)
        return hashlib.sha256(text.encode()).hexdigest()


def _content(cohort: PreparedCohort, name: str, labelled: bool) -> list[str]:
    """Hash of the volume, and of its prepared segmentation where that counts."""
    row = cohort.rows[name]
    if not (labelled and row.has_labels):
        return [row.content]
    try:
        stored = chunk_file(cohort.folder, "labels", row.row).read_bytes()
    except FileNotFoundError as missing:
        raise DataError(name, f"its prepared {cohort.cohort} segmentation is damaged", REMEDY) from missing
    return [row.content, hashlib.sha256(stored).hexdigest()]


def _verified(change: dict[str, Any] | None, region: dict[str, Any] | None, **values: Any) -> Verified:
    if change is not None:
        change["where"] = tuple(change["where"])
    if region is not None:
        region["centre"] = tuple(region["centre"])
    return Verified(
        change=None if change is None else Change(**change),
        region=None if region is None else FoundRegion(**region),
        **values,
    )
