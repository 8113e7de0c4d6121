"""`Study`: everything the command line and the viewer do to a study goes through here."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from napari_relict.calibration import NullScores
from napari_relict.errors import DataError, UsageError
from napari_relict.measures import Measure, choose_measures
from napari_relict.progress import Progress, silent
from napari_relict.study import calibrating, ratings
from napari_relict.study.cohorts import compare_extents, guess_modality, list_cohort, propose_grid, refuse_overlap
from napari_relict.study.database import Database
from napari_relict.study.matching import run_match
from napari_relict.study.ratings import Pair
from napari_relict.study.settings import (
    FILE,
    CohortFolders,
    GridSettings,
    Settings,
    read_settings,
    write_settings,
)
from napari_relict.study.tables import write_table
from napari_relict.volumes.cohort import PreparedCohort, PreparedVolume, read_rows
from napari_relict.volumes.intensity import Modality
from napari_relict.volumes.patients import read_patients

TABLES = ("matches", "ratings", "verdicts", "thresholds")
LEAVE_ONE_OUT = "training, leave one patient out"


class Study:
    """A study folder.

    Use `Study.create` once, `Study.open` later. Every method may be called from any thread.

    Attributes
    ----------
    folder : where study.toml, study.sqlite and the cache lie.
    problems : what the last `create` or `match` had to leave out, one error a file.
    notes : what may be wrong, in words, without anything having been left out.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.problems: list[DataError] = []
        self.notes: list[str] = []
        self._database = Database(folder)
        self._cohorts: dict[str, PreparedCohort] = {}

    @classmethod
    def create(
        cls,
        folder: str | Path,
        *,
        training: str | Path,
        synthetic: str | Path,
        holdout: str | Path | None = None,
        training_segmentations: str | Path | None = None,
        synthetic_segmentations: str | Path | None = None,
        holdout_segmentations: str | Path | None = None,
        patients: str | Path | None = None,
        modality: Modality | None = None,
        spacing: float | tuple[float, float, float] | None = None,
        shape: tuple[int, int, int] | None = None,
    ) -> Study:
        """Make a study of existing folders. Nothing in them is changed or copied.

        Parameters
        ----------
        modality : `mr` or `ct`; None looks at the first training volume.
        spacing : mm, one number or z, y, x; None takes what the training volumes suggest.
        shape : voxels z, y, x; None likewise.

        Raises
        ------
        UsageError : the folder is a study already, or two cohorts share a folder.
        DataError : a cohort without a single readable volume.
        """
        folder = Path(folder).resolve()
        if (folder / FILE).exists():
            raise UsageError(f"{folder}: is a study already; choose another folder or edit its {FILE}")
        given = {
            "training": (training, training_segmentations),
            "holdout": (holdout, holdout_segmentations),
            "synthetic": (synthetic, synthetic_segmentations),
        }
        places = {name: Path(pair[0]) for name, pair in given.items() if pair[0] is not None}
        refuse_overlap(places)
        cohorts = {
            name: CohortFolders(
                volumes=_written(Path(volumes), folder),
                segmentations=None if segmentations is None else _written(Path(segmentations), folder),
            )
            for name, (volumes, segmentations) in given.items()
            if volumes is not None
        }
        problems: list[DataError] = []
        files = {}
        for name, folders in cohorts.items():
            files[name], more = list_cohort(folder, name, folders)
            problems += more
        if patients is not None and not Path(patients).is_file():
            raise DataError(patients, "no such file", "give the CSV with the columns volume,patient")
        if patients is not None:
            read_patients(Path(patients))
        if isinstance(spacing, int | float):
            spacing = (float(spacing),) * 3
        for option, values in (("spacing", spacing), ("shape", shape)):
            if values is not None and not min(values) > 0:
                raise UsageError(f"{option} must be above 0, not {values}")
        grid, more = propose_grid(files["training"].volumes, spacing, shape)
        try:
            grid_settings = GridSettings(shape=grid.shape, spacing=grid.spacing)
        except ValidationError as error:
            raise UsageError(
                f"a grid of {grid.shape} voxels of {grid.spacing} mm: {error.errors()[0]['msg']}"
            ) from error
        settings = Settings(
            name=folder.name,
            modality=modality or guess_modality(files["training"].volumes),
            cohorts=cohorts,  # type: ignore[arg-type]
            patients=None if patients is None else _written(Path(patients), folder),
            grid=grid_settings,
        )
        write_settings(settings, folder)
        study = cls(folder, settings)
        study.problems = problems + more
        study.notes = compare_extents({name: found.volumes for name, found in files.items()})
        return study

    @classmethod
    def open(cls, folder: str | Path) -> Study:
        """Open an existing study.

        Raises
        ------
        DataError : not a study, or its settings or database are damaged.
        """
        folder = Path(folder).resolve()
        return cls(folder, read_settings(folder))

    def close(self) -> None:
        """Let go of open volumes. The database needs no closing."""
        self._cohorts.clear()

    def match(
        self,
        *,
        measures: Sequence[str] | None = None,
        top: int | None = None,
        device: str = "cpu",
        scheduler: str | None = None,
        progress: Progress = silent,
    ) -> list[DataError]:
        """Find the nearest training volumes of every synthetic volume; then calibrate.

        Prepared volumes, embeddings and what aligned pairs gave are kept, so a stopped run goes on where it was and
        a second one only does what changed. Stored matches are replaced at the very end, all at once.

        Parameters
        ----------
        measures, top : as in study.toml when None.
        device : `cuda` for embeddings and the products of the search and of the look for duplicates.
        scheduler : address of a Dask scheduler whose workers do the work; they have to see the study's folder and
            volumes at the same paths. The result is the same.

        Returns
        -------
        One error for each file that was left out.
        """
        if top is not None and top < 1:
            raise UsageError(f"top must be at least 1, not {top}")
        self._cohorts.clear()
        self.problems = run_match(
            self.folder,
            self.settings,
            self._database,
            measures=self.settings.match.measures if measures is None else measures,
            top=top or self.settings.match.top,
            device=device,
            scheduler=scheduler,
            progress=progress,
        )
        self.calibrate()
        return self.problems

    def calibrate(self) -> pd.DataFrame:
        """Thresholds and verdicts from the current ratings; stored, and the thresholds returned.

        Raises
        ------
        DataError : nothing was matched yet.
        """
        matches, current = self.matches(), self.ratings()
        if matches.empty:
            raise DataError(self.folder, "has no matches yet", "run: napari-relict match")
        measures = self.measures()
        nulls = {measure.name: self.null(measure.name) for measure in measures}
        cuts = calibrating.thresholds(matches, current, measures)
        found = calibrating.verdicts(
            matches, self.nearest(), nulls, current, measures, self.settings, self._same_voxels()
        )
        with self._database.connect() as connection:
            connection.execute("DELETE FROM threshold")
            connection.execute("DELETE FROM verdict")
            for table, rows in (("threshold", cuts), ("verdict", found)):
                for row in rows:
                    values = vars(row)
                    marks = ", ".join("?" for _ in values)
                    connection.execute(
                        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})",
                        [None if isinstance(v, float) and np.isnan(v) else v for v in values.values()],
                    )
        return self.thresholds()

    # What was found ------------------------------------------------------------------------------------------

    def matches(self) -> pd.DataFrame:
        """synthetic, training, rank, rank_<level>..., mirrored, inverted, part, region_..., then a column a measure."""
        pairs = self._frame(
            "SELECT synthetic, training, rank, mirrored, inverted, part, z AS region_z, y AS region_y, x AS region_x,"
            " radius_mm AS region_mm FROM match LEFT JOIN region USING (synthetic, training) ORDER BY synthetic, rank"
        )
        ranks = self._frame("SELECT * FROM level_rank")
        scores = self._frame("SELECT * FROM score")
        measures = self.measures()
        levels = list(dict.fromkeys(measure.level for measure in measures))
        key = ["synthetic", "training"]
        wide = ranks.pivot(index=key, columns="level", values="rank").reindex(columns=levels)
        wide = wide.astype("Int64").add_prefix("rank_").reset_index()
        values = scores.astype({"value": float}).pivot(index=key, columns="measure", values="value")
        values = values.reindex(columns=[measure.name for measure in measures]).reset_index()
        region = ("region_z", "region_y", "region_x", "region_mm")
        pairs = pairs.astype({"mirrored": bool, "inverted": bool, **dict.fromkeys(region, float)})
        table = pairs.merge(wide, on=key, how="left").merge(values, on=key, how="left")
        order = [*key, "rank", *[f"rank_{level}" for level in levels], "mirrored", "inverted", "part", *region]
        return table[order + [measure.name for measure in measures]]

    def measures(self) -> list[Measure]:
        """The measures of the last match, in the order they are shown."""
        stored = self.meta().get("measures", "")
        return choose_measures(stored.split(",")) if stored else []

    def verdicts(self) -> pd.DataFrame:
        """synthetic, training, verdict, p_value, q_value, probability, evidence."""
        frame = self._frame(
            "SELECT synthetic, training, verdict, p_value, q_value, probability, evidence FROM verdict"
            " ORDER BY synthetic"
        )
        return frame.astype({"p_value": float, "q_value": float, "probability": float})

    def thresholds(self) -> pd.DataFrame:
        """The last calibration: one row a measure; empty without enough ratings."""
        return self._frame("SELECT * FROM threshold ORDER BY rowid")

    def duplicates(self) -> pd.DataFrame:
        """Pairs inside the training cohort, and of holdout and training, that look like copies of each other."""
        frame = self._frame("SELECT * FROM duplicate")
        return frame.astype(dict.fromkeys(("mirrored", "same_voxels", "same_patient"), bool))

    def nearest(self, cohort: str = "synthetic") -> pd.DataFrame:
        """Score of each volume with its nearest training volume: volumes by measures."""
        frame = self._frame("SELECT query, measure, value FROM nearest WHERE cohort = ?", (cohort,))
        wide = frame.astype({"value": float}).pivot(index="query", columns="measure", values="value")
        return wide.reindex(columns=[measure.name for measure in self.measures()])

    def null(self, measure: str) -> NullScores:
        """Nearest-training scores of the holdout, or of training patients left out one by one.

        Volumes that are byte-for-byte another patient's training volume are no null and are left out.
        """
        cohort = self.meta().get("null_cohort", "holdout")
        wide = self.nearest(cohort)
        duplicates = self.duplicates()
        apart = duplicates[duplicates["same_voxels"] & ~duplicates["same_patient"] & (duplicates["cohort"] == cohort)]
        copies = set(apart["volume"]) | (set(apart["training"]) if cohort == "training" else set())
        scores = wide.loc[~wide.index.isin(copies), measure].to_numpy(float)
        source = "holdout" if cohort == "holdout" else LEAVE_ONE_OUT
        return NullScores(measure, scores, source, len(copies & set(wide.index)))

    def _same_voxels(self) -> dict[str, str]:
        """Synthetic volume -> the training volume whose stored voxels it has, bit for bit."""
        frame = self._frame(
            "SELECT s.name AS synthetic, min(t.name) AS training FROM volume AS s JOIN volume AS t"
            " ON s.cohort = 'synthetic' AND t.cohort = 'training' AND s.voxels = t.voxels GROUP BY s.name"
        )
        return dict(zip(frame["synthetic"], frame["training"], strict=True))

    def label_dice(self, synthetic: str, training: str) -> pd.DataFrame:
        """label, dice of one matched pair."""
        return self._frame(
            "SELECT label, dice FROM label_dice WHERE synthetic = ? AND training = ? ORDER BY label",
            (synthetic, training),
        )

    def volumes(self) -> pd.DataFrame:
        """cohort, name, patient, path, has_labels of every volume of the last match."""
        frame = self._frame("SELECT cohort, name, patient, path, has_labels FROM volume ORDER BY cohort, name")
        return frame.astype({"has_labels": bool})

    def recorded_problems(self) -> pd.DataFrame:
        """subject, wrong, remedy of every file that the last match left out."""
        return self._frame("SELECT subject, wrong, remedy FROM problem")

    def meta(self) -> dict[str, str]:
        """When and how the last match was made."""
        frame = self._frame("SELECT key, value FROM meta")
        return dict(zip(frame["key"], frame["value"], strict=True))

    def volume(self, cohort: str, name: str) -> PreparedVolume:
        """One prepared volume.

        Raises
        ------
        DataError : not prepared (the cache was deleted, say).
        """
        if cohort not in self._cohorts:
            folder = self.folder / "volumes" / f"{cohort}.zarr"
            rows = read_rows(folder)
            if not rows:
                raise DataError(self.folder, f"has no prepared {cohort} volumes", "run: napari-relict match")
            how = self.settings.preparation_of_volumes()
            self._cohorts[cohort] = PreparedCohort(folder, cohort, rows, how.grid, how.unit)
        sides = {int(one): other for one, other in json.loads(self.meta().get("sides", "{}")).items()}
        return replace(self._cohorts[cohort].volume(name), sides=sides)

    # Reading -------------------------------------------------------------------------------------------------

    def reading_list(self, reader: str) -> list[Pair]:
        """The nearest pair of every synthetic volume, in an order of the reader's own."""
        matches = self.matches()
        pairs = [
            Pair(synthetic, training)
            for synthetic, training in matches.loc[matches["rank"] == 1, ["synthetic", "training"]].to_numpy()
        ]
        seed = int.from_bytes(hashlib.sha256(reader.strip().encode()).digest()[:8], "big")
        np.random.default_rng(seed).shuffle(pairs)
        return pairs

    def rate(self, pair: Pair, grade: int, *, reader: str, session: str, **details: Any) -> str:
        """Append a rating; see `napari_relict.study.ratings.rate`. On the disk when this returns."""
        return ratings.rate(self._database, pair, grade, reader=reader, session=session, **details)

    def undo(self, *, reader: str, session: str) -> Pair | None:
        """Take back the reader's latest standing rating; its pair, or None."""
        return ratings.undo(self._database, reader=reader, session=session)

    def ratings(self) -> pd.DataFrame:
        """The ratings that stand, one a reader and pair."""
        return ratings.current(self._database)

    def rating_events(self) -> pd.DataFrame:
        """Everything that was ever rated or taken back."""
        return ratings.events(self._database)

    def import_ratings(self, file: str | Path) -> int:
        """Append rating events from a file; how many were new."""
        return ratings.import_ratings(self._database, Path(file))

    def export(self, table: str, file: str | Path) -> None:
        """Write `matches`, `ratings` (every event), `verdicts` or `thresholds` to .csv, .parquet or .json."""
        frames = {
            "matches": self.matches,
            "ratings": self.rating_events,
            "verdicts": self.verdicts,
            "thresholds": self.thresholds,
        }
        if table not in frames:
            raise UsageError(f"no table '{table}'; there are {', '.join(frames)}")
        write_table(frames[table](), Path(file))

    def _frame(self, query: str, values: tuple[Any, ...] = ()) -> pd.DataFrame:
        with self._database.connect() as connection:
            cursor = connection.execute(query, values)
            columns = [column[0] for column in cursor.description]
            return pd.DataFrame([tuple(row) for row in cursor], columns=columns)


def _written(path: Path, folder: Path) -> str:
    """A path as study.toml keeps it: relative where it lies in the study's own folder, so that it can move."""
    path = path.resolve()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else os.fspath(path)
