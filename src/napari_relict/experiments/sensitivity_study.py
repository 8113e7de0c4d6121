"""Metrics under test: real volumes of a study altered with known strength, and how far each metric moves.

Each alteration at each strength is one small file in the folder `rows`, so a killed run goes on after the last one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from napari_relict.errors import UsageError, disk_faults
from napari_relict.experiments.altered_cohorts import Altering, Made
from napari_relict.experiments.downstream_task import Downstream
from napari_relict.experiments.quality import described_spaces, encoder_spaces, gather, voxel_space
from napari_relict.files.json_cache import keep, read_kept
from napari_relict.jobs.executors import workforce
from napari_relict.jobs.progress import Progress, silent
from napari_relict.quality.alterations import Alteration
from napari_relict.quality.descriptors import from_circle, similar_to_next
from napari_relict.quality.downstream import agreement
from napari_relict.quality.drawing import Sizes
from napari_relict.quality.feature_sets import FeaturePool, Space
from napari_relict.quality.page import write_page
from napari_relict.quality.registry import METRICS
from napari_relict.quality.sensitivity import COLUMNS, changes, floor_spreads, with_shape, worse
from napari_relict.records.files import write_table
from napari_relict.records.reader import Stored
from napari_relict.records.settings import Settings

VERSION = 1  # raised when rows of an earlier version no longer count
StudySize = Literal["small", "large"]
VOLUMES: Mapping[StudySize, int] = {"small": 12, "large": 28}  # altered ones; at most half of the holdout
HALVES: Mapping[StudySize, int] = {"small": 40, "large": 200}
FOLDER = "quality-study"


@dataclass(frozen=True)
class SensitivityResult:
    """What a run made.

    Attributes
    ----------
    folder : pathlib.Path
        Where page, heat map and tables lie.
    table : pandas.DataFrame
        See `sensitivity.COLUMNS`, and `monotone`.
    notes : list of str
        What was left out, in words.
    label : int or None
        Of the structure that was enlarged and mirrored; None where there is none.
    downstream : pandas.DataFrame, optional
        The same columns for a segmenter's Dice; None unless it was asked for.
    agreement : pandas.DataFrame, optional
        How metrics go with it (see `quality.downstream.AGREEMENT`); None likewise.
    """

    folder: Path
    table: pd.DataFrame
    notes: list[str]
    label: int | None
    downstream: pd.DataFrame | None = None
    agreement: pd.DataFrame | None = None


def run_quality_study(
    study: Stored,
    settings: Settings,
    to: Path | None = None,
    *,
    size: StudySize = "small",
    downstream: bool = False,
    seed: int = 0,
    progress: Progress = silent,
) -> SensitivityResult:
    """Alter real volumes in every way, and compute every quick metric before and after.

    Holdout volumes are altered, or, without a holdout, a part of the training cohort that is left out of the
    training set. The rest of the holdout stays a holdout.

    Parameters
    ----------
    study : Stored
        The study.
    settings : Settings
        Of the study.
    to : pathlib.Path, optional
        Folder for rows, table and page; in the study when None.
    size : StudySize, default: 'small'
        How many volumes are altered; alterations of the cohort take half of the holdout in any case, as they need no
        new images.
    downstream : bool, default: False
        Train a small segmenter on the volumes before and after each alteration, too.
    seed : int, default: 0
        Of everything that is drawn.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    SensitivityResult
        Where it lies, and what it found.

    Raises
    ------
    DataError
        Nothing was matched yet, or too few volumes.
    UsageError
        No such size.
    """
    if size not in VOLUMES:
        raise UsageError(f"no size '{size}'; there are {', '.join(VOLUMES)}")
    folder = study.folder / FOLDER if to is None else to
    with workforce() as force:
        gathered = gather(study, force, seed=seed, leave_out=("synthetic",), progress=progress)
        altering = Altering(gathered, settings, study.folder, force, VOLUMES[size], seed)
        run = _Run(altering, size)
        key = run.key()
        rows_folder = folder / "rows"
        with disk_faults(folder):
            rows_folder.mkdir(parents=True, exist_ok=True)
        plan = [(alteration, strength) for alteration in altering.possible for strength in alteration.strengths]
        rows: list[dict[str, Any]] = []
        for done, (alteration, strength) in enumerate(plan, start=1):
            file = rows_folder / f"{alteration.name}-{strength:.3g}.json"
            kept = read_kept(file, key) or keep(file, key, rows=run.row(alteration, strength))
            rows += kept["rows"]
            progress("alterations", done, len(plan))
        notes = [*gathered.notes, *altering.notes]
        task = Downstream(altering, key) if downstream else None
        if task is not None and not task.possible:
            notes.append("downstream task left out: it needs segmentations of all volumes")
            task = None
        lost = None if task is None else pd.DataFrame(task.rows(plan, folder / "downstream", progress))
    table = with_shape(pd.DataFrame(rows, columns=list(COLUMNS)))
    from napari_relict.quality.heat_map import write_heat_map  # matplotlib takes a while to load

    follow = None if lost is None else agreement(table, lost, seed)
    with disk_faults(folder):
        write_table(table, folder / "sensitivity.csv")
        write_heat_map(table if lost is None else pd.concat([table, lost]), folder)
        if lost is not None and follow is not None:
            write_table(lost, folder / "downstream.csv")
            write_table(follow, folder / "agreement.csv")
        write_page(table, folder, notes, altering.label, lost, follow)
    return SensitivityResult(folder, table, notes, altering.label, lost, follow)


class _Run:
    """One run: rows of the table, and what is known of altered volumes and of the floor."""

    def __init__(self, altering: Altering, size: StudySize) -> None:
        self.altering, self.halves = altering, HALVES[size]
        self._known_pairs: dict[str, np.ndarray] = {}
        self._spreads: dict[int, dict[str, float]] = {}

    def key(self) -> str:
        """Hash what rows depend on: volumes, preparation, encoders, seed and sizes."""
        altering = self.altering
        volumes = altering.found.volumes[["cohort", "name", "content"]].to_numpy().tolist()
        preparation = sorted({cohort.key for cohort in altering.found.cohorts.values()})
        weights = [f"{encoder.name}:{encoder.weights}" for encoder in altering.encoders]
        what = [
            VERSION,
            volumes,
            preparation,
            weights,
            altering.found.values,
            altering.seed,
            len(altering.few),
            self.halves,
        ]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()

    def row(self, alteration: Alteration, strength: float) -> list[dict[str, Any]]:
        """One alteration at one strength: a line a metric."""
        before, after, strength_made = self.altering.cohorts(alteration, strength)
        by_metric = changes(self._pool(before, after), self.altering.seed, self.halves)
        spreads = self._floor(len(before.images))
        rows = []
        for name, values in by_metric.items():
            metric_name, _, space = name.partition(":")
            metric, spread = METRICS[metric_name], spreads.get(name, np.nan)
            sensitivity = values["change"] / spread if spread > 0 else np.nan
            rows.append(
                {
                    "alteration": alteration.name,
                    "words": alteration.title,
                    "kind": alteration.kind,
                    "strength": strength_made,
                    "said": alteration.words(strength_made),
                    "metric": metric.name,
                    "title": metric.title,
                    "family": metric.family,
                    "space": space,
                    "better": metric.better,
                    **values,
                    "floor_spread": spread,
                    "sensitivity": sensitivity,
                    "worse": worse(metric.better, sensitivity),
                    "n_volumes": len(before.images),
                    "n_training": len(self.altering.training),
                    "n_holdout": len(self.altering.holdout),
                }
            )
        return rows

    # What metrics look at ------------------------------------------------------------------------------------

    def _pool(self, before: Made, after: Made) -> FeaturePool:
        gathered, places = self.altering.found, (self.altering.training, self.altering.holdout)
        real = np.concatenate(places)
        both = before.joined(after)
        training = np.arange(len(places[0]))
        cohort = np.repeat(
            ["training", "holdout", "before", "after"],
            [len(places[0]), len(places[1]), len(before.images), len(after.images)],
        )
        codes = gathered.pool.patients[real]
        patients = np.array([*codes, *(f"volume {place}" for place in range(len(both.images)))])
        spaces = described_spaces([*(gathered.descriptions[place] for place in real), *both.descriptions], training)
        for name, rows in gathered.vectors.items():
            spaces += encoder_spaces(name, name, np.concatenate([rows[real], both.vectors[name]]))[:1]
        spaces.append(voxel_space(np.concatenate([gathered.voxels[real], both.voxels])))
        pairs = np.full((len(cohort), len(cohort)), np.nan)
        for name, made in (("before", before), ("after", after)):
            of_cohort = np.flatnonzero(cohort == name)
            pairs[np.ix_(of_cohort, of_cohort)] = self._pairs(made.images)
        spaces.append(Space("pairs", "pairs of volumes", "pairs", 3, pairs))
        return FeaturePool(cohort, patients, {space.name: space for space in spaces})

    def _pairs(self, images: np.ndarray) -> np.ndarray:
        key = f"pairs:{hashlib.sha256(images.tobytes()).hexdigest()}"
        if key not in self._known_pairs:
            rows = self.altering.force.in_order(
                lambda at: similar_to_next(images.__getitem__, at, len(images)), range(len(images))
            )
            self._known_pairs[key] = from_circle(list(rows))
        return self._known_pairs[key]

    def _floor(self, volumes: int) -> dict[str, float]:
        if volumes not in self._spreads:
            altering = self.altering
            sizes = Sizes(len(altering.training), volumes, len(altering.holdout), not len(altering.holdout))
            self._spreads[volumes] = floor_spreads(altering.found.pool, sizes, altering.seed)
        return self._spreads[volumes]
