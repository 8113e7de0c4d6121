"""What lies in a folder's database and prepared cohorts, read: the same calls for a study and a reading kit."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from napari_relict.calibration import NullScores
from napari_relict.calibration.null import BOTH, HOLDOUT, LEFT_OUT, closest_of_patients
from napari_relict.calibration.verdicts import VERDICTS
from napari_relict.measures import Measure
from napari_relict.measures.registry import stored_measures
from napari_relict.records.database import Database
from napari_relict.records.settings import ReadingSettings
from napari_relict.volumes.cohort import PreparedCohort, PreparedVolume
from napari_relict.volumes.intensity import Modality


class SettingsForReading(Protocol):
    """What a reader's screen needs to know of the settings."""

    @property
    def name(self) -> str: ...
    @property
    def modality(self) -> Modality: ...
    @property
    def reading(self) -> ReadingSettings: ...
    @property
    def criteria(self) -> list[str]: ...
    @property
    def alpha(self) -> float: ...


class Stored(ABC):
    """A folder with a database and prepared cohorts. Every method may be called from any thread."""

    def __init__(self, folder: Path, settings: SettingsForReading) -> None:
        self.folder, self.settings = folder, settings
        self._database = Database(folder)
        self._cohorts: dict[str, PreparedCohort] = {}
        self._nulls: tuple[tuple[str, ...], dict[str, NullScores]] = ((), {})  # of one match, by measure

    def close(self) -> None:
        """Let go of open volumes. The database needs no closing."""
        self._cohorts.clear()

    def matches(self) -> pd.DataFrame:
        """synthetic, training, rank, `rank_...`, mirrored, inverted, part, `region_...`, then a column a measure."""
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
        return stored_measures(stored.split(","), self._encoders()) if stored else []

    def _encoders(self) -> dict[str, str]:
        """Name -> title of the encoders that the settings define."""
        return {}

    def encoder_kinds(self) -> dict[str, str]:
        """Name -> kind of the encoders that the settings define."""
        return {}

    def verdicts(self) -> pd.DataFrame:
        """synthetic, training, verdict, p_value, q_value, probability, evidence, rule, p_rank, p_tail, p_tail_low,
        p_tail_high; what is undecided first, then replicas, then the others, each by q."""
        numbers = ("p_value", "q_value", "probability", "p_rank", "p_tail", "p_tail_low", "p_tail_high")
        frame = self._frame(
            "SELECT synthetic, training, verdict, p_value, q_value, probability, evidence, rule, p_rank, p_tail,"
            " p_tail_low, p_tail_high FROM verdict"
        ).astype(dict.fromkeys(numbers, float))
        order = {name: place for place, name in enumerate(VERDICTS)}
        return frame.sort_values(
            ["verdict", "q_value", "synthetic"],
            key=lambda column: column.map(order) if column.name == "verdict" else column,
            ignore_index=True,
        )

    def thresholds(self) -> pd.DataFrame:
        """The last calibration: one row a measure; empty without enough ratings."""
        return self._frame("SELECT * FROM threshold ORDER BY rowid")

    def duplicates(self) -> pd.DataFrame:
        """Pairs inside the training cohort, and of holdout and training, that look like copies of each other."""
        frame = self._frame("SELECT * FROM duplicate")
        return frame.astype(dict.fromkeys(("mirrored", "same_voxels", "same_patient"), bool))

    def nearest(self, cohort: str = "synthetic") -> pd.DataFrame:
        """Score of each volume with its nearest training volume: volumes by measures."""
        return self._nearest_by_measure("value", cohort)

    def gaps(self, cohort: str = "synthetic") -> pd.DataFrame:
        """How much farther the second nearest patient of each volume lies (`Measure.gap`): volumes by measures."""
        first, second = self._nearest_by_measure("value", cohort), self._nearest_by_measure("second", cohort)
        found = {m.name: m.gap(first[m.name].to_numpy(float), second[m.name].to_numpy(float)) for m in self.measures()}
        return pd.DataFrame(found, index=first.index)

    def _nearest_by_measure(self, what: str, cohort: str) -> pd.DataFrame:
        frame = self._frame("SELECT query, measure, value, second FROM nearest WHERE cohort = ?", (cohort,))
        wide = frame.astype({"value": float, "second": float}).pivot(index="query", columns="measure", values=what)
        return wide.reindex(columns=[measure.name for measure in self.measures()])

    def null(self, measure: str) -> NullScores:
        """Nearest-training scores of holdout patients, and of training patients left out one by one.

        Of several volumes of a patient the closest one counts. Holdout volumes whose stored voxels are another
        patient's training volume are no null and are left out, as are training volumes that have a duplicate under
        another name, and volumes that an encoder was trained on.
        """
        meta = self.meta()
        stamp = tuple(meta.get(key, "") for key in ("matched", "scores_hash", "null_cohorts", "learned_from"))
        if self._nulls[0] != stamp:  # ratings come often, matches seldom
            self._nulls = (stamp, {})
        known = self._nulls[1]
        if measure not in known:
            known[measure] = self._whole_null(measure, meta.get("null_cohorts", HOLDOUT).split(","))
        return known[measure]

    def _whole_null(self, measure: str, cohorts: Sequence[str]) -> NullScores:
        (chosen,) = (one for one in self.measures() if one.name == measure)
        parts = [self._null_of(chosen, cohort) for cohort in cohorts if cohort]
        if not parts:
            return NullScores(measure, np.empty(0), LEFT_OUT, volumes=0)
        if len(parts) == 1:
            return parts[0]
        return NullScores(
            measure,
            np.concatenate([part.scores for part in parts]),
            # A cohort of which nobody is left is none.
            BOTH if all(len(part.scores) for part in parts) else next(p.source for p in parts if len(p.scores)),
            sum(part.copies for part in parts),
            sum(part.learned_from for part in parts),
            sum(part.volumes for part in parts),
            np.concatenate([part.from_training for part in parts]),
            np.concatenate([np.asarray(part.gaps) for part in parts]),
            tuple(name for part in parts for name in part.patients),
            tuple(name for part in parts for name in part.nearest),
        )

    def _null_of(self, chosen: Measure, cohort: str) -> NullScores:
        frame = self._frame(
            "SELECT query, training, value, second FROM nearest WHERE cohort = ? AND measure = ? ORDER BY query",
            (cohort, chosen.name),
        ).astype({"value": float, "second": float})
        # Volumes that have no score by this measure still stand for their patients.
        queries = list(
            self._frame("SELECT DISTINCT query FROM nearest WHERE cohort = ? ORDER BY query", (cohort,))["query"]
        )
        duplicates = self.duplicates()
        # Of the holdout only what is certain: dropping what merely looks alike would cut off the tail.
        apart = duplicates[~duplicates["same_patient"] & (duplicates["cohort"] == cohort)]
        apart = apart[apart["same_voxels"] | (cohort == "training")]
        copies = set(apart["volume"]) | (set(apart["training"]) if cohort == "training" else set())
        learned = {name for of, name in json.loads(self.meta().get("learned_from", "[]")) if of == cohort} - copies
        kept = [name for name in queries if name not in copies | learned]
        left = frame.set_index("query").reindex(kept)
        whose = self._frame("SELECT name, patient FROM volume WHERE cohort = ?", (cohort,))
        owners = dict(zip(whose["name"], whose["patient"], strict=True))
        patients = [str(owners.get(name, name)) for name in kept]
        values, second = (left[column].to_numpy(float) for column in ("value", "second"))
        closest = closest_of_patients(chosen.closeness(values), patients)
        names, places = np.unique(np.asarray(patients, str), return_inverse=True)
        nearest = [""] * len(names)
        for place, close, training in zip(places, chosen.closeness(values), left["training"], strict=True):
            if close == closest[place]:
                nearest[place] = str(training)
        return NullScores(
            chosen.name,
            chosen.closeness(closest),
            HOLDOUT if cohort == HOLDOUT else LEFT_OUT,
            len(copies & set(queries)),
            len(learned & set(queries)),
            len(kept),
            np.full(len(names), cohort != HOLDOUT),
            closest_of_patients(chosen.gap(values, second), patients),
            tuple(map(str, names)),
            tuple(nearest),
        )

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
        """cohort, name, patient, path, has_labels, content (its SHA-256) of every volume of the last match."""
        frame = self._frame("SELECT cohort, name, patient, path, has_labels, content FROM volume ORDER BY cohort, name")
        return frame.astype({"has_labels": bool})

    def contents(self) -> pd.DataFrame:
        """cohort, name, patient, content, voxels (SHA-256 of both) of every volume of the last match."""
        return self._frame("SELECT cohort, name, patient, content, voxels FROM volume ORDER BY cohort, name")

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
        sides = {int(one): other for one, other in json.loads(self.meta().get("sides", "{}")).items()}
        return replace(self.prepared(cohort).volume(name), sides=sides)

    def prepared(self, cohort: str) -> PreparedCohort:
        """The prepared volumes of one cohort.

        Raises
        ------
        DataError : not prepared.
        """
        if cohort not in self._cohorts:
            self._cohorts[cohort] = self._open_cohort(cohort)
        return self._cohorts[cohort]

    @abstractmethod
    def _open_cohort(self, cohort: str) -> PreparedCohort:
        """Read access to one cohort's prepared volumes."""

    def _frame(self, query: str, values: tuple[Any, ...] = ()) -> pd.DataFrame:
        with self._database.connect() as connection:
            cursor = connection.execute(query, values)
            columns = [column[0] for column in cursor.description]
            return pd.DataFrame([tuple(row) for row in cursor], columns=columns)
