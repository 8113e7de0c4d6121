"""study.sqlite: matches, ratings, thresholds, verdicts.

A connection lives for one call, so a `Study` can be used from any thread. WAL lets the viewer read while a match
writes; `synchronous=FULL` puts every acknowledged rating on the disk before the call returns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from napari_relict.errors import DataError, disk_faults

FILE = "study.sqlite"

# One entry a schema version; a released entry is never edited, the next one changes what it made.
MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE volume (
        cohort TEXT NOT NULL, name TEXT NOT NULL, patient TEXT NOT NULL, path TEXT NOT NULL,
        content TEXT NOT NULL, voxels TEXT NOT NULL, has_labels INTEGER NOT NULL,
        PRIMARY KEY (cohort, name)
    );
    CREATE TABLE problem (subject TEXT NOT NULL, wrong TEXT NOT NULL, remedy TEXT NOT NULL);
    CREATE TABLE duplicate (
        cohort TEXT NOT NULL, volume TEXT NOT NULL, training TEXT NOT NULL, ncc REAL NOT NULL,
        mirrored INTEGER NOT NULL, same_voxels INTEGER NOT NULL, same_patient INTEGER NOT NULL
    );
    CREATE TABLE match (
        synthetic TEXT NOT NULL, training TEXT NOT NULL, rank INTEGER NOT NULL, mirrored INTEGER NOT NULL,
        inverted INTEGER NOT NULL, part TEXT NOT NULL, alignment TEXT NOT NULL,
        PRIMARY KEY (synthetic, training)
    );
    CREATE TABLE level_rank (
        synthetic TEXT NOT NULL, training TEXT NOT NULL, level TEXT NOT NULL, rank INTEGER NOT NULL,
        PRIMARY KEY (synthetic, training, level),
        FOREIGN KEY (synthetic, training) REFERENCES match ON DELETE CASCADE
    );
    CREATE TABLE score (
        synthetic TEXT NOT NULL, training TEXT NOT NULL, measure TEXT NOT NULL, value REAL,
        PRIMARY KEY (synthetic, training, measure),
        FOREIGN KEY (synthetic, training) REFERENCES match ON DELETE CASCADE
    );
    CREATE TABLE label_dice (
        synthetic TEXT NOT NULL, training TEXT NOT NULL, label INTEGER NOT NULL, dice REAL NOT NULL,
        PRIMARY KEY (synthetic, training, label),
        FOREIGN KEY (synthetic, training) REFERENCES match ON DELETE CASCADE
    );
    CREATE TABLE nearest (
        cohort TEXT NOT NULL, query TEXT NOT NULL, measure TEXT NOT NULL, training TEXT NOT NULL, value REAL,
        PRIMARY KEY (cohort, query, measure)
    );
    CREATE TABLE threshold (
        measure TEXT PRIMARY KEY, level TEXT NOT NULL, threshold REAL NOT NULL, threshold_low REAL NOT NULL,
        threshold_high REAL NOT NULL, balanced_accuracy REAL NOT NULL, balanced_accuracy_low REAL NOT NULL,
        balanced_accuracy_high REAL NOT NULL, balanced_accuracy_corrected REAL NOT NULL,
        balanced_accuracy_null95 REAL NOT NULL, auc REAL NOT NULL, n_rated INTEGER NOT NULL,
        n_replicas INTEGER NOT NULL, estimated_on TEXT NOT NULL, note TEXT NOT NULL
    );
    CREATE TABLE verdict (
        synthetic TEXT PRIMARY KEY, training TEXT NOT NULL, verdict TEXT NOT NULL, p_value REAL, q_value REAL,
        probability REAL, evidence TEXT NOT NULL
    );
    CREATE TABLE rating_event (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL CHECK (kind IN ('rate', 'undo')), undoes TEXT,
        time TEXT NOT NULL, reader TEXT NOT NULL, session TEXT NOT NULL,
        synthetic TEXT NOT NULL, training TEXT NOT NULL,
        grade INTEGER CHECK (grade BETWEEN 1 AND 4), confidence INTEGER CHECK (confidence BETWEEN 1 AND 5),
        criteria TEXT NOT NULL, comment TEXT NOT NULL, seconds REAL, order_index INTEGER,
        blinded INTEGER NOT NULL, swapped INTEGER NOT NULL, app_version TEXT NOT NULL,
        synthetic_hash TEXT NOT NULL, training_hash TEXT NOT NULL, scores_hash TEXT NOT NULL
    );
    CREATE TRIGGER rating_events_stay BEFORE DELETE ON rating_event
        BEGIN SELECT RAISE(ABORT, 'ratings are append-only'); END;
    CREATE TRIGGER rating_events_stay_as_they_are BEFORE UPDATE ON rating_event
        BEGIN SELECT RAISE(ABORT, 'ratings are append-only'); END;
    CREATE VIEW rating AS
        SELECT * FROM rating_event AS event
        WHERE kind = 'rate'
          AND NOT EXISTS (SELECT 1 FROM rating_event AS undo WHERE undo.undoes = event.id)
          AND NOT EXISTS (
              SELECT 1 FROM rating_event AS later
              WHERE later.kind = 'rate' AND later.reader = event.reader
                AND later.synthetic = event.synthetic AND later.training = event.training
                AND (later.time, later.number) > (event.time, event.number)
                AND NOT EXISTS (SELECT 1 FROM rating_event AS undo WHERE undo.undoes = later.id));
    """,
    """
    CREATE TABLE region (
        synthetic TEXT NOT NULL, training TEXT NOT NULL, z INTEGER NOT NULL, y INTEGER NOT NULL, x INTEGER NOT NULL,
        radius_mm REAL NOT NULL,
        PRIMARY KEY (synthetic, training),
        FOREIGN KEY (synthetic, training) REFERENCES match ON DELETE CASCADE
    );
    """,
    """
    ALTER TABLE rating_event ADD COLUMN round TEXT NOT NULL DEFAULT 'first';
    ALTER TABLE rating_event ADD COLUMN repeat INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE rating_event ADD COLUMN regions TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE rating_event ADD COLUMN kit TEXT NOT NULL DEFAULT '';
    CREATE INDEX rating_event_undoes ON rating_event (undoes);
    CREATE INDEX rating_event_of_pair ON rating_event (reader, synthetic, training);
    DROP VIEW rating;
    CREATE VIEW rating AS
        SELECT * FROM rating_event AS event
        WHERE kind = 'rate'
          AND NOT EXISTS (SELECT 1 FROM rating_event AS undo WHERE undo.undoes = event.id)
          AND NOT EXISTS (
              SELECT 1 FROM rating_event AS later
              WHERE later.kind = 'rate' AND later.reader = event.reader
                AND later.synthetic = event.synthetic AND later.training = event.training
                AND later.round = event.round AND later.repeat = event.repeat
                AND (later.time, later.number) > (event.time, event.number)
                AND NOT EXISTS (SELECT 1 FROM rating_event AS undo WHERE undo.undoes = later.id));
    CREATE TABLE reading_state (
        reader TEXT NOT NULL, round TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (reader, round)
    );
    CREATE TABLE kit (
        id TEXT PRIMARY KEY, reader TEXT NOT NULL, round TEXT NOT NULL, made TEXT NOT NULL, app_version TEXT NOT NULL
    );
    CREATE TABLE kit_item (
        kit TEXT NOT NULL REFERENCES kit ON DELETE CASCADE, item TEXT NOT NULL, synthetic TEXT NOT NULL,
        training TEXT NOT NULL, repeat INTEGER NOT NULL, swapped INTEGER NOT NULL,
        synthetic_hash TEXT NOT NULL, training_hash TEXT NOT NULL, scores_hash TEXT NOT NULL,
        PRIMARY KEY (kit, item)
    );
    """,
    """
    ALTER TABLE verdict ADD COLUMN p_tail REAL;
    ALTER TABLE verdict ADD COLUMN p_tail_low REAL;
    ALTER TABLE verdict ADD COLUMN p_tail_high REAL;
    ALTER TABLE threshold ADD COLUMN rule TEXT NOT NULL DEFAULT 'balanced accuracy';
    ALTER TABLE threshold ADD COLUMN target REAL;
    ALTER TABLE threshold ADD COLUMN auc_low REAL;
    ALTER TABLE threshold ADD COLUMN auc_high REAL;
    ALTER TABLE threshold ADD COLUMN sensitivity REAL;
    ALTER TABLE threshold ADD COLUMN sensitivity_low REAL;
    ALTER TABLE threshold ADD COLUMN sensitivity_high REAL;
    ALTER TABLE threshold ADD COLUMN specificity REAL;
    ALTER TABLE threshold ADD COLUMN specificity_low REAL;
    ALTER TABLE threshold ADD COLUMN specificity_high REAL;
    """,
    """
    ALTER TABLE nearest ADD COLUMN second REAL;
    ALTER TABLE verdict ADD COLUMN p_rank REAL;
    ALTER TABLE verdict ADD COLUMN rule TEXT NOT NULL DEFAULT '';
    DELETE FROM verdict;
    UPDATE meta SET key = 'null_cohorts' WHERE key = 'null_cohort';
    UPDATE meta SET value = (
        SELECT json_group_array(json_array('holdout', one.value)) FROM json_each(meta.value) AS one
    ) WHERE key = 'learned_from';
    """,
)


class Database:
    """The study's database file; made or migrated when opened.

    Raises
    ------
    DataError : not an SQLite file, or written by a newer version.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        with self.connect() as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version > len(MIGRATIONS):
                raise DataError(self.file, "was written by a newer napari-relict", "update napari-relict")
            for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
                database.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        with disk_faults(self.file), closing(sqlite3.connect(self.file, timeout=30)) as database:
            try:
                database.execute("PRAGMA journal_mode=WAL")
                database.execute("PRAGMA synchronous=FULL")
                database.execute("PRAGMA foreign_keys=ON")
                database.row_factory = sqlite3.Row
                with database:
                    yield database
            except sqlite3.DatabaseError as error:
                if "not a database" in str(error) or "malformed" in str(error):
                    raise DataError(
                        self.file, "is damaged or not a study database", "restore it from a copy"
                    ) from error
                raise
