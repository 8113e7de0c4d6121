"""A kit that came back -> rating events of the study."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_relict.errors import DataError
from napari_relict.reading.kit import Kit
from napari_relict.reading.marked_regions import Cell, regions_from_text, regions_to_text
from napari_relict.reading.ratings import EVENT_COLUMNS, insert
from napari_relict.records.database import Database

OTHER_SIDE: Mapping[Cell, Cell] = {"synthetic": "training", "training": "synthetic", "both": "both"}


def collect(database: Database, folder: Path) -> tuple[int, list[str]]:
    """Append a kit's events, translated to the pairs that its items are.

    Events keep their ids, so collecting a kit again adds only what is new, and undone ratings are undone here too.

    Returns
    -------
    How many events were new, and what has to be said: volumes that were changed since the kit was made.

    Raises
    ------
    DataError : not a kit, another study's kit, or one of which the items do not fit. Then nothing is appended.
    """
    kit = Kit.open(folder)
    events = _events(kit)
    new, changed = 0, set()
    with database.connect() as connection:
        known = connection.execute("SELECT reader, round FROM kit WHERE id = ?", (kit.settings.kit,)).fetchone()
        if known is None:
            raise DataError(folder, "is not a kit of this study", "collect it into the study that made it")
        items = {
            row["item"]: row for row in connection.execute("SELECT * FROM kit_item WHERE kit = ?", (kit.settings.kit,))
        }
        if tuple(known) != kit.made_for or set(kit.items()) != set(items):
            raise _unfit(folder, "its reader, round or items are not those it was made with")
        contents = {
            (row["cohort"], row["name"]): row["content"]
            for row in connection.execute("SELECT cohort, name, content FROM volume")
        }
        for number, event in enumerate(events, start=1):
            item = items.get(event["synthetic"])
            if item is None or event["training"] != event["synthetic"]:
                raise _unfit(folder, f"event {number} is of '{event['synthetic']}', which is no item of it")
            if (event["reader"], event["round"]) != kit.made_for:
                raise _unfit(folder, f"event {number} is of another reader or round")
            for cohort in ("synthetic", "training"):
                content = contents.get((cohort, item[cohort]))
                if content is None:
                    raise DataError(
                        folder,
                        f"item {item['item']}: the study no longer has the {cohort} volume '{item[cohort]}'",
                        "put it back and run: napari-relict match; nothing was collected",
                    )
                if content != item[f"{cohort}_hash"]:
                    changed.add(f"{cohort} volume {item[cohort]}")
            new += insert(connection, _translated(event, item, kit.settings.kit))
    notes = []
    if changed:
        notes.append(
            f"changed since the kit was made, so these ratings are of other voxels than the study has now: "
            f"{', '.join(sorted(changed))}"
        )
    return new, notes


def _events(kit: Kit) -> list[dict[str, Any]]:
    with kit._database.connect() as connection:
        return [dict(row) for row in connection.execute("SELECT * FROM rating_event ORDER BY number")]


def _translated(event: Mapping[str, Any], item: sqlite3.Row, kit: str) -> dict[str, Any]:
    found = {name: event[name] for name in EVENT_COLUMNS}
    for name in ("synthetic", "training", "repeat", "swapped", "synthetic_hash", "training_hash", "scores_hash"):
        found[name] = item[name]
    if item["swapped"]:  # in the kit, the synthetic place is the left one
        regions = regions_from_text(event["regions"])
        found["regions"] = regions_to_text([replace(region, on=OTHER_SIDE[region.on]) for region in regions])
    return {**found, "kit": kit}


def _unfit(folder: Path, what: str) -> DataError:
    return DataError(folder, f"does not fit this study: {what}", "ask for the kit again; nothing was collected")
