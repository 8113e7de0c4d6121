"""Ratings as append-only events; the current rating is a view over them."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_relict import __version__
from napari_relict.errors import DataError, UsageError
from napari_relict.study.database import Database

EVENT_COLUMNS = (
    "id",
    "kind",
    "undoes",
    "time",
    "reader",
    "session",
    "synthetic",
    "training",
    "grade",
    "confidence",
    "criteria",
    "comment",
    "seconds",
    "order_index",
    "blinded",
    "swapped",
    "app_version",
    "synthetic_hash",
    "training_hash",
    "scores_hash",
)
NEEDED_TO_IMPORT = ("reader", "synthetic", "training", "grade")


@dataclass(frozen=True)
class Pair:
    """A synthetic volume and the training volume it is compared with."""

    synthetic: str
    training: str


def rate(
    database: Database,
    pair: Pair,
    grade: int,
    *,
    reader: str,
    session: str,
    confidence: int | None = None,
    criteria: Sequence[str] = (),
    comment: str = "",
    seconds: float | None = None,
    order_index: int | None = None,
    blinded: bool = True,
    swapped: bool = False,
) -> str:
    """Append a rating. When this returns, the rating is on the disk.

    Returns
    -------
    The event's id.

    Raises
    ------
    UsageError : grade not 1 to 4, confidence not 1 to 5, or no reader.
    """
    if grade not in (1, 2, 3, 4):
        raise UsageError(f"a grade is 1 to 4, not {grade}")
    if confidence is not None and confidence not in (1, 2, 3, 4, 5):
        raise UsageError(f"a confidence is 1 to 5, not {confidence}")
    if not reader.strip():
        raise UsageError("a rating needs the reader's name")
    with database.connect() as connection:
        event = {
            **_event(connection, "rate", pair, reader, session),
            "grade": grade,
            "confidence": confidence,
            "criteria": json.dumps(list(criteria)),
            "comment": comment,
            "seconds": seconds,
            "order_index": order_index,
            "blinded": int(blinded),
            "swapped": int(swapped),
        }
        _insert(connection, event)
    return str(event["id"])


def undo(database: Database, *, reader: str, session: str) -> Pair | None:
    """Take back the reader's latest rating that still stands; None when there is none. The event stays on record."""
    with database.connect() as connection:
        last = connection.execute(
            "SELECT * FROM rating_event AS event WHERE kind = 'rate' AND reader = ?"
            " AND NOT EXISTS (SELECT 1 FROM rating_event AS undo WHERE undo.undoes = event.id)"
            " ORDER BY number DESC LIMIT 1",
            (reader.strip(),),
        ).fetchone()
        if last is None:
            return None
        pair = Pair(last["synthetic"], last["training"])
        _insert(connection, {**_event(connection, "undo", pair, reader, session), "undoes": last["id"]})
    return pair


def current(database: Database) -> pd.DataFrame:
    """The ratings that stand, one a reader and pair; `criteria` as '; '-separated text."""
    return _frame(database, "SELECT * FROM rating ORDER BY number")


def events(database: Database) -> pd.DataFrame:
    """Everything that was ever rated or taken back, in order."""
    return _frame(database, "SELECT * FROM rating_event ORDER BY number")


def import_ratings(database: Database, file: Path) -> int:
    """Append the rating events of a file written by `export ratings`, or of a plain table.

    A plain table needs reader, synthetic, training and grade. Events known already are passed over, so importing
    a file twice changes nothing.

    Returns
    -------
    How many events were new.

    Raises
    ------
    DataError : unreadable, columns missing, a grade that is none, or a volume the study does not know. Then
        nothing is imported.
    """
    from napari_relict.study.tables import read_table

    table = read_table(file)
    if missing := [name for name in NEEDED_TO_IMPORT if name not in table]:
        raise DataError(file, f"has no column {missing[0]}", f"needed are {', '.join(NEEDED_TO_IMPORT)}")
    new = 0
    with database.connect() as connection:
        known = {
            cohort: {row[0] for row in connection.execute("SELECT name FROM volume WHERE cohort = ?", (cohort,))}
            for cohort in ("synthetic", "training")
        }
        for number, row in enumerate(table.to_dict("records"), start=1):
            event = _imported(connection, file, number, {str(key): value for key, value in row.items()})
            for cohort, names in known.items():
                if event[cohort] not in names:
                    raise DataError(
                        file,
                        f"row {number}: the study has no {cohort} volume '{event[cohort]}'",
                        "is it another study's file? nothing was imported",
                    )
            new += _insert(connection, event)
    return new


def _imported(connection: sqlite3.Connection, file: Path, number: int, row: dict[str, Any]) -> dict[str, Any]:
    row = {key: None if _missing(value) else value for key, value in row.items()}
    kind = str(row.get("kind") or "rate")
    if kind not in ("rate", "undo"):
        raise DataError(file, f"row {number}: kind '{kind}' is not rate or undo", "correct it; nothing was imported")
    reader = str(row["reader"] or "").strip()
    if not reader:
        raise DataError(file, f"row {number}: no reader", "give a name; nothing was imported")
    pair = Pair(str(row["synthetic"]), str(row["training"]))
    event = _event(connection, kind, pair, reader, str(row.get("session") or "imported"))
    for name in EVENT_COLUMNS:
        if row.get(name) is not None:
            event[name] = row[name]
    if not row.get("id"):  # a plain table: the same row is the same event
        text = json.dumps([reader, pair.synthetic, pair.training, str(row.get("grade")), str(row.get("time"))])
        event["id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, text))
    event["reader"] = reader
    event["synthetic"], event["training"] = pair.synthetic, pair.training
    if kind == "rate":
        try:
            event["grade"] = int(float(str(row["grade"])))
        except ValueError:
            event["grade"] = 0
        if event["grade"] not in (1, 2, 3, 4) or float(str(row["grade"])) != event["grade"]:
            raise DataError(
                file,
                f"row {number}: grade '{row['grade']}' is not 1 to 4",
                "correct it; nothing was imported",
            )
    criteria = str(event["criteria"])
    if not criteria.startswith("["):
        event["criteria"] = json.dumps([part.strip() for part in criteria.split(";") if part.strip()])
    for name, largest in (("confidence", 5), ("order_index", None)):
        event[name] = _whole(event[name], file, number, name, largest)
    for name in ("blinded", "swapped"):
        event[name] = int(str(event[name]).strip().lower() in ("1", "1.0", "true", "yes"))
    return event


def _whole(value: Any, file: Path, number: int, name: str, largest: int | None) -> int | None:
    if value is None:
        return None
    try:
        whole = float(str(value))
    except ValueError:
        whole = float("nan")
    if not whole.is_integer() or whole < 0 or (largest is not None and not 1 <= whole <= largest):
        allowed = f"1 to {largest}" if largest is not None else "a whole number"
        raise DataError(file, f"row {number}: {name} '{value}' is not {allowed}", "correct it; nothing was imported")
    return int(whole)


def _missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))


def _event(connection: sqlite3.Connection, kind: str, pair: Pair, reader: str, session: str) -> dict[str, Any]:
    """An event with everything that is known without asking the reader."""

    def content(cohort: str, name: str) -> str:
        row = connection.execute("SELECT content FROM volume WHERE cohort = ? AND name = ?", (cohort, name)).fetchone()
        return str(row[0]) if row else ""

    scores = connection.execute("SELECT value FROM meta WHERE key = 'scores_hash'").fetchone()
    return {
        "id": str(uuid.uuid4()),
        "kind": kind,
        "undoes": None,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "reader": reader.strip(),
        "session": session,
        "synthetic": pair.synthetic,
        "training": pair.training,
        "grade": None,
        "confidence": None,
        "criteria": "[]",
        "comment": "",
        "seconds": None,
        "order_index": None,
        "blinded": 0,
        "swapped": 0,
        "app_version": __version__,
        "synthetic_hash": content("synthetic", pair.synthetic),
        "training_hash": content("training", pair.training),
        "scores_hash": str(scores[0]) if scores else "",
    }


def _insert(connection: sqlite3.Connection, event: dict[str, Any]) -> int:
    places = ", ".join("?" for _ in EVENT_COLUMNS)
    done = connection.execute(
        f"INSERT INTO rating_event ({', '.join(EVENT_COLUMNS)}) VALUES ({places}) ON CONFLICT (id) DO NOTHING",
        [event[name] for name in EVENT_COLUMNS],
    )
    return done.rowcount


def _frame(database: Database, query: str) -> pd.DataFrame:
    with database.connect() as connection:
        rows = [dict(row) for row in connection.execute(query)]
    frame = pd.DataFrame(rows, columns=list(EVENT_COLUMNS))
    frame["criteria"] = ["; ".join(str(one) for one in json.loads(text)) for text in frame["criteria"].astype(str)]
    for name in ("blinded", "swapped"):
        frame[name] = frame[name].astype(bool)
    for name in ("grade", "confidence", "order_index"):
        frame[name] = frame[name].astype("Int64")
    return frame
