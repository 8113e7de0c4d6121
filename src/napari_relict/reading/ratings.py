"""Ratings as append-only events; which of them stand is a view over them."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from napari_relict.errors import UsageError
from napari_relict.reading.marked_regions import MarkedRegion, regions_from_text, regions_to_text
from napari_relict.reading.reading_list import Showing, known_round
from napari_relict.records.database import Database
from napari_relict.version import __version__

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
    "round",
    "repeat",
    "regions",
    "kit",
)


def rate(
    database: Database,
    showing: Showing,
    grade: int,
    *,
    reader: str,
    session: str,
    round: str = "first",
    confidence: int | None = None,
    criteria: Sequence[str] = (),
    comment: str = "",
    regions: Sequence[MarkedRegion] = (),
    seconds: float | None = None,
    order_index: int | None = None,
    blinded: bool = True,
) -> str:
    """Append a rating. When this returns, the rating is on the disk.

    Parameters
    ----------
    seconds : how long the reader took.
    order_index : place in the reading list, from 0.

    Returns
    -------
    The event's id.

    Raises
    ------
    UsageError : grade not 1 to 4, confidence not 1 to 5, no such round, or no reader.
    """
    if grade not in (1, 2, 3, 4):
        raise UsageError(f"a grade is 1 to 4, not {grade}")
    if confidence is not None and confidence not in (1, 2, 3, 4, 5):
        raise UsageError(f"a confidence is 1 to 5, not {confidence}")
    if not reader.strip():
        raise UsageError("a rating needs the reader's name")
    with database.connect() as connection:
        event = {
            **new_event(connection, "rate", showing, reader, session, known_round(round)),
            "grade": grade,
            "confidence": confidence,
            "criteria": json.dumps(list(criteria)),
            "comment": comment,
            "regions": regions_to_text(regions),
            "seconds": seconds,
            "order_index": order_index,
            "blinded": int(blinded),
        }
        insert(connection, event)
    return str(event["id"])


def undo(database: Database, *, reader: str, session: str, round: str = "first") -> Showing | None:
    """Take back the reader's latest rating of the round that still stands; None when there is none.

    The event stays on record.
    """
    with database.connect() as connection:
        last = connection.execute(
            "SELECT * FROM rating_event AS event WHERE kind = 'rate' AND reader = ? AND round = ?"
            " AND NOT EXISTS (SELECT 1 FROM rating_event AS undo WHERE undo.undoes = event.id)"
            " ORDER BY time DESC, number DESC LIMIT 1",
            (reader.strip(), known_round(round)),
        ).fetchone()
        if last is None:
            return None
        showing = Showing(last["synthetic"], last["training"], bool(last["repeat"]), bool(last["swapped"]))
        event = new_event(connection, "undo", showing, reader, session, round)
        insert(connection, {**event, "undoes": last["id"]})
    return showing


def standing(database: Database) -> pd.DataFrame:
    """The ratings that stand, one a reader, pair, round and repeat.

    `criteria` as '; '-separated text, `regions` as a list of `MarkedRegion`.
    """
    frame = _frame(database, "SELECT * FROM rating ORDER BY number")
    frame["regions"] = pd.Series([regions_from_text(text) for text in frame["regions"]], frame.index, dtype=object)
    return frame


def events(database: Database) -> pd.DataFrame:
    """Everything that was ever rated or taken back, in order; `regions` as JSON text, as it can be exported."""
    return _frame(database, "SELECT * FROM rating_event ORDER BY number")


def new_event(
    connection: sqlite3.Connection, kind: str, showing: Showing, reader: str, session: str, round: str
) -> dict[str, Any]:
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
        "synthetic": showing.synthetic,
        "training": showing.training,
        "grade": None,
        "confidence": None,
        "criteria": "[]",
        "comment": "",
        "seconds": None,
        "order_index": None,
        "blinded": 0,
        "swapped": int(showing.swapped),
        "app_version": __version__,
        "synthetic_hash": content("synthetic", showing.synthetic),
        "training_hash": content("training", showing.training),
        "scores_hash": str(scores[0]) if scores else "",
        "round": round,
        "repeat": int(showing.repeat),
        "regions": "[]",
        "kit": "",
    }


def insert(connection: sqlite3.Connection, event: dict[str, Any]) -> int:
    """Append an event; 0 when one of its id is there already, else 1."""
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
    for name in ("blinded", "swapped", "repeat"):
        frame[name] = frame[name].astype(bool)
    for name in ("grade", "confidence", "order_index"):
        frame[name] = frame[name].astype("Int64")
    return frame
