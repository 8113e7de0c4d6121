"""Rating events from a file: one that `export ratings` wrote, or a plain table."""

from __future__ import annotations

import json
import sqlite3
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.errors import DataError
from napari_relict.reading.marked_regions import regions_from_text, regions_to_text
from napari_relict.reading.ratings import EVENT_COLUMNS, insert, new_event
from napari_relict.reading.reading_list import ROUNDS, Showing
from napari_relict.records.database import Database
from napari_relict.records.files import read_table

NEEDED = ("reader", "synthetic", "training", "grade")


def import_ratings(database: Database, file: Path) -> int:
    """Append the rating events of a file written by `export ratings`, or of a plain table.

    A plain table needs reader, synthetic, training and grade; round and repeat are the first round and no repeat
    where it does not say. Events known already are passed over, so importing
    a file twice changes nothing.

    Returns
    -------
    How many events were new.

    Raises
    ------
    DataError : unreadable, columns missing, a grade or round that is none, or a volume the study does not know. Then
        nothing is imported.
    """
    table = read_table(file)
    if missing := [name for name in NEEDED if name not in table]:
        raise DataError(file, f"has no column {missing[0]}", f"needed are {', '.join(NEEDED)}")
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
            new += insert(connection, event)
    return new


def _imported(connection: sqlite3.Connection, file: Path, number: int, row: dict[str, Any]) -> dict[str, Any]:
    row = {key: None if _missing(value) else value for key, value in row.items()}
    kind = str(row.get("kind") or "rate")
    if kind not in ("rate", "undo"):
        raise _wrong(file, number, f"kind '{kind}' is not rate or undo")
    reader = str(row["reader"] or "").strip()
    if not reader:
        raise _wrong(file, number, "no reader")
    round = str(row.get("round") or ROUNDS[0])
    if round not in ROUNDS:
        raise _wrong(file, number, f"round '{round}' is not {', '.join(ROUNDS)}")
    repeat, swapped = (_is_true(row.get(name)) for name in ("repeat", "swapped"))
    showing = Showing(str(row["synthetic"]), str(row["training"]), repeat, swapped)
    event = new_event(connection, kind, showing, reader, str(row.get("session") or "imported"), round)
    for name in EVENT_COLUMNS:
        if row.get(name) is not None:
            event[name] = row[name]
    if not row.get("id"):  # a plain table: the same row is the same event
        words = [reader, showing.synthetic, showing.training, str(row.get("grade")), str(row.get("time"))]
        words += [] if (round, repeat) == (ROUNDS[0], False) else [round, str(repeat)]
        event["id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(words)))
    event |= {"reader": reader, "synthetic": showing.synthetic, "training": showing.training, "round": round}
    if kind == "rate":
        try:
            event["grade"] = int(float(str(row["grade"])))
        except ValueError:
            event["grade"] = 0
        if event["grade"] not in (1, 2, 3, 4) or float(str(row["grade"])) != event["grade"]:
            raise _wrong(file, number, f"grade '{row['grade']}' is not 1 to 4")
    criteria = str(event["criteria"])
    if not criteria.startswith("["):
        event["criteria"] = json.dumps([part.strip() for part in criteria.split(";") if part.strip()])
    for name, largest in (("confidence", 5), ("order_index", None)):
        event[name] = _whole(event[name], file, number, name, largest)
    try:
        event["regions"] = regions_to_text(regions_from_text(str(event["regions"])))
    except ValueError:
        raise _wrong(file, number, f"regions '{event['regions']}' are not a list of marked regions") from None
    event |= {"repeat": int(repeat), "swapped": int(swapped), "blinded": int(_is_true(event["blinded"]))}
    return event


def _is_true(value: Any) -> bool:
    return str(value).strip().lower() in ("1", "1.0", "true", "yes")


def _wrong(file: Path, number: int, what: str) -> DataError:
    return DataError(file, f"row {number}: {what}", "correct it; nothing was imported")


def _whole(value: Any, file: Path, number: int, name: str, largest: int | None) -> int | None:
    if value is None:
        return None
    try:
        whole = float(str(value))
    except ValueError:
        whole = float("nan")
    if not whole.is_integer() or whole < 0 or (largest is not None and not 1 <= whole <= largest):
        allowed = f"1 to {largest}" if largest is not None else "a whole number"
        raise _wrong(file, number, f"{name} '{value}' is not {allowed}")
    return int(whole)


def _missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))
