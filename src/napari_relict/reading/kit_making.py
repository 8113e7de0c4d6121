"""A study -> a reading kit for one reader."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from napari_relict.errors import DataError, UsageError, disk_faults
from napari_relict.jobs.progress import Progress, silent
from napari_relict.reading.kit import TITLE, KitSettings, folder_name, write_kit_settings
from napari_relict.reading.ratings import new_event
from napari_relict.reading.reading_list import Showing
from napari_relict.reading.reading_source import ReadingSource
from napari_relict.records.database import Database
from napari_relict.records.settings import GridSettings, ReadingSettings
from napari_relict.version import __version__
from napari_relict.volumes.affines import MIRROR, rows_of
from napari_relict.volumes.cohort import CohortWriter, PreparedVolume, Row
from napari_relict.volumes.grid import Grid


def make_kit(
    study: ReadingSource,
    database: Database,
    grid: Grid,
    reader: str,
    folder: Path | None = None,
    *,
    round: str = "first",
    progress: Progress = silent,
) -> Path:
    """Write a kit with the reader's own list and record in the study what its items are.

    The kit appears whole or not at all: it is written beside its place, recorded, and put in place last.

    Parameters
    ----------
    folder : where; None: in the study, under `kits`.

    Returns
    -------
    The kit's folder.

    Raises
    ------
    UsageError : the folder has something in it, or study.toml does not know the reader.
    DataError : nothing to read, or prepared volumes are missing.
    """
    reader = reader.strip()
    if not reader:
        raise UsageError("a kit needs the reader's name")
    folder = (study.folder / "kits" / folder_name(reader, round) if folder is None else folder).resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: is there already; give a folder that does not exist")
    showings = study.reading_list(reader, round)
    if not showings:
        if round == "consensus":
            raise DataError(study.folder, "has no pairs on which readers disagree", "there is nothing to settle")
        raise DataError(study.folder, "has no pairs to read", "run: napari-relict match")
    settings = KitSettings(
        kit=str(uuid.uuid4()),
        reader=reader,
        round=round,  # type: ignore[arg-type]  # the reading list knows this round
        name=TITLE,
        modality=study.settings.modality,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        app_version=__version__,
        grid=GridSettings(shape=grid.shape, spacing=grid.spacing),
        reading=ReadingSettings(criteria=study.settings.reading.criteria),
    )
    width = max(4, len(str(len(showings))))
    items = {f"{number:0{width}}": showing for number, showing in enumerate(showings, start=1)}
    unfinished = folder.with_name(f".{folder.name}.part")
    with disk_faults(folder):
        shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed
        unfinished.mkdir(parents=True)
        try:
            _write(study, settings, grid, items, unfinished, progress)
            _record(database, settings, items)
            try:
                if folder.exists():
                    folder.rmdir()
                unfinished.rename(folder)
            except OSError:
                with database.connect() as connection:
                    connection.execute("DELETE FROM kit WHERE id = ?", (settings.kit,))
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _write(
    study: ReadingSource,
    settings: KitSettings,
    grid: Grid,
    items: dict[str, Showing],
    folder: Path,
    progress: Progress,
) -> None:
    write_kit_settings(settings, folder)
    writers = [CohortWriter(folder / "volumes" / f"{side}.zarr", grid, "kit") for side in ("left", "right")]
    progress("write the kit", 0, len(items))
    matches = []
    for done, (item, showing) in enumerate(items.items(), start=1):
        pair = [study.volume("synthetic", showing.synthetic), study.volume("training", showing.training)]
        # A segmentation on one side alone would tell which side that is.
        segmented = all(volume.labels is not None for volume in pair)
        for writer, volume in zip(writers, reversed(pair) if showing.swapped else pair, strict=True):
            image = volume.image.astype(np.float16)  # what it was stored as
            writer.add(_blank_row(item, volume, segmented), image, volume.labels if segmented else None)
        mirrored = study.mirrored(showing.synthetic, showing.training)
        alignment = study.alignment(showing.synthetic, showing.training)
        if alignment is not None and showing.swapped:
            alignment = _from_the_other_side(alignment, mirrored)
        matches.append((item, mirrored, json.dumps([] if alignment is None else rows_of(alignment))))
        progress("write the kit", done, len(items))
    sides = study.meta().get("sides", "{}")
    with Database(folder).connect() as connection:
        connection.executemany(
            "INSERT INTO match (synthetic, training, rank, mirrored, inverted, part, alignment)"
            " VALUES (?1, ?1, 1, ?2, 0, '', ?3)",
            matches,
        )
        connection.execute("INSERT INTO meta VALUES ('sides', ?)", (sides,))


def _blank_row(item: str, volume: PreparedVolume, segmented: bool) -> Row:
    """A row that says nothing of where the volume comes from: no path, patient, pose, hash or header."""
    labels: Sequence[int] = []
    if segmented and volume.labels is not None:
        labels = [int(label) for label in np.unique(volume.labels) if label]
    return Row(
        row=0,
        name=item,
        stamp="",
        content="",
        voxels="",
        has_labels=segmented,
        labels=list(labels),
        # Stored values of MR images have no unit, and their range may tell a generator's file from a scanner's.
        value_range=volume.value_range if volume.unit == "HU" else (0.0, 1.0),
        pose=[],
        inverted=False,
        to_index=[],
        size=[],
        halves=[],
        path="",
    )


def _from_the_other_side(alignment: np.ndarray, mirrored: bool) -> np.ndarray:
    """The alignment of a pair whose training volume takes the synthetic one's place.

    Of a mirrored pair the volume that comes first is mirrored, so both ends exchange left and right.
    """
    back = np.linalg.inv(alignment)
    return MIRROR @ back @ MIRROR if mirrored else back


def _record(database: Database, settings: KitSettings, items: dict[str, Showing]) -> None:
    with database.connect() as connection:
        connection.execute(
            "INSERT INTO kit VALUES (?, ?, ?, ?, ?)",
            (settings.kit, settings.reader, settings.round, settings.made, settings.app_version),
        )
        for item, showing in items.items():
            known = new_event(connection, "rate", showing, settings.reader, "", settings.round)
            columns = ("synthetic", "training", "repeat", "swapped", "synthetic_hash", "training_hash", "scores_hash")
            connection.execute(
                f"INSERT INTO kit_item (kit, item, {', '.join(columns)}) VALUES ({', '.join('?' * 9)})",
                (settings.kit, item, *[known[name] for name in columns]),
            )
