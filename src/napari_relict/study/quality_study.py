"""Metrics under test: real volumes of a study altered with known strength, and how far each metric moves.

Each alteration at each strength is one small file in the folder `rows`, so a killed run goes on after the last one.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from napari_relict.encoders import EmbeddingCache, Encoder, embed, open_encoder
from napari_relict.errors import DataError, UsageError, disk_faults
from napari_relict.progress import Progress, silent
from napari_relict.quality.alterations import ALTERATIONS, Alteration, Subject
from napari_relict.quality.alterations.registry import PLANTED
from napari_relict.quality.alterations.structures import deepest_label
from napari_relict.quality.describing import Description, describe, from_circle, halved, similar_to_next
from napari_relict.quality.drawing import FEWEST, Sizes, deal
from napari_relict.quality.page import write_page
from napari_relict.quality.pool import Pool, Space
from napari_relict.quality.registry import METRICS
from napari_relict.quality.sensitivity import COLUMNS, changes, floor_spreads, with_shape, worse
from napari_relict.study.quality import Gathered, described_spaces, encoder_spaces, gather, voxel_space
from napari_relict.study.settings import Settings
from napari_relict.study.stored import Stored
from napari_relict.study.tables import write_table
from napari_relict.volumes.cohort import PreparedCohort
from napari_relict.workers import Workforce, workforce

VERSION = 1  # raised when rows of an earlier version no longer count
Size = Literal["small", "large"]
VOLUMES: Mapping[Size, int] = {"small": 12, "large": 28}  # altered ones; at most half of the holdout
HALVES: Mapping[Size, int] = {"small": 40, "large": 200}
FOLDER = "quality-study"


@dataclass(frozen=True, eq=False)
class Made:
    """A cohort of volumes and what describes them; `images` (volumes, z, y, x)."""

    images: np.ndarray
    descriptions: Sequence[Description]
    vectors: Mapping[str, np.ndarray]
    voxels: np.ndarray

    def take(self, places: Sequence[int] | np.ndarray) -> Made:
        """Some of its volumes, in the order given."""
        places = np.asarray(places, int)
        return Made(
            self.images[places],
            [self.descriptions[place] for place in places],
            {name: rows[places] for name, rows in self.vectors.items()},
            self.voxels[places],
        )

    def joined(self, other: Made) -> Made:
        """Its volumes and those of another cohort."""
        return Made(
            np.concatenate([self.images, other.images]),
            [*self.descriptions, *other.descriptions],
            {name: np.concatenate([rows, other.vectors[name]]) for name, rows in self.vectors.items()},
            np.concatenate([self.voxels, other.voxels]),
        )


@dataclass(frozen=True)
class Result:
    """What a run made: the table (see `sensitivity.COLUMNS`, and `monotone`), and what was left out, in words."""

    folder: Path
    table: pd.DataFrame
    notes: list[str]
    label: int | None


def run_quality_study(
    study: Stored,
    settings: Settings,
    to: Path | None = None,
    *,
    size: Size = "small",
    seed: int = 0,
    progress: Progress = silent,
) -> Result:
    """Alter real volumes in every way, and compute every quick metric before and after.

    Holdout volumes are altered, or, without a holdout, a part of the training cohort that is left out of the
    training set. The rest of the holdout stays a holdout.

    Parameters
    ----------
    to : folder for rows, table and page; in the study when None.
    size : how many volumes are altered; alterations of the cohort take half of the holdout in any case, as they need no
        new images.

    Raises
    ------
    DataError : nothing was matched yet, or too few volumes. UsageError : no such size.
    """
    if size not in VOLUMES:
        raise UsageError(f"no size '{size}'; there are {', '.join(VOLUMES)}")
    folder = study.folder / FOLDER if to is None else to
    with workforce() as force:
        found = gather(study, force, seed=seed, leave_out=("synthetic",), progress=progress)
        run = _Run(found, settings, force, size, seed)
        key = run.key()
        rows_folder = folder / "rows"
        with disk_faults(folder):
            rows_folder.mkdir(parents=True, exist_ok=True)
        plan = [(one, strength) for one in run.possible for strength in one.strengths]
        rows: list[dict[str, Any]] = []
        for done, (alteration, strength) in enumerate(plan, start=1):
            file = rows_folder / f"{alteration.name}-{strength:.3g}.json"
            mine = _read(file, key)
            if mine is None:
                mine = run.row(alteration, strength)
                _write(file, {"key": key, "rows": mine})
            rows += mine
            progress("alterations", done, len(plan))
    table = with_shape(pd.DataFrame(rows, columns=list(COLUMNS)))
    from napari_relict.quality.heat_map import write_heat_map  # matplotlib takes a while to load

    notes = [*found.notes, *run.notes]
    with disk_faults(folder):
        write_table(table, folder / "sensitivity.csv")
        write_heat_map(table, folder)
        write_page(table, folder, notes, run.label)
    return Result(folder, table, notes, run.label)


class _Run:
    """One run: which volumes are altered, and what is known of them unaltered."""

    def __init__(self, found: Gathered, settings: Settings, force: Workforce, size: Size, seed: int) -> None:
        self.found, self.settings, self.force, self.seed, self.halves = found, settings, force, seed, HALVES[size]
        self.notes: list[str] = []
        pool = found.pool
        holdout, training = pool.places("holdout"), pool.places("training")
        random = np.random.default_rng([seed, 6])
        if len(holdout) >= 2 * FEWEST:
            (self.many,) = deal(pool, holdout, [len(holdout) // 2], random)
            self.training, rest = training, np.setdiff1d(holdout, self.many)
        else:
            (self.many,) = deal(pool, training, [len(training) // 2], random)
            self.training, rest = np.setdiff1d(training, self.many), np.array([], int)
            # A patient's volumes must not stand on both sides.
            self.training = self.training[~np.isin(pool.codes[self.training], pool.codes[self.many])]
        if min(len(self.many), len(self.training)) < 2 * FEWEST:
            raise DataError("quality-study", f"{len(self.many)} volumes to alter", f"takes {2 * FEWEST}")
        # The largest of the rest take the place of others where the cohort shifts, and are no holdout then.
        order = rest[np.argsort([-self._tissue(place) for place in rest], kind="stable")]
        enough = len(order) // 2 >= FEWEST
        self.largest = order[: len(order) // 2 if enough else 0]
        self.holdout = rest[~np.isin(pool.codes[rest], pool.codes[self.largest])]
        self.few = self.many[: VOLUMES[size]]
        self.encoders: list[Encoder] = []
        for name in found.vectors:
            self.encoders.append(open_encoder(name, settings.encoders.get(name, {})))
        labels = [self._labels(place) for place in self.few]
        known = [one for one in labels if one is not None]
        self.label = deepest_label(known[:8], settings.grid.spacing) if len(known) == len(labels) else None
        if self.label is None:
            self.notes.append("local alterations left out: they need segmentations of all altered volumes")
        if not len(self.largest):
            self.notes.append("the shift to larger patients left out: it needs a larger holdout")
        self._made: dict[str, Made] = {}
        self._known_pairs: dict[str, np.ndarray] = {}
        self._spreads: dict[int, dict[str, float]] = {}

    @property
    def possible(self) -> list[Alteration]:
        return [
            one
            for one in ALTERATIONS.values()
            if not (one.kind == "local" and self.label is None) and not (one.name == "shift" and not len(self.largest))
        ]

    def key(self) -> str:
        """What rows depend on: volumes, preparation, encoders, seed and sizes."""
        volumes = self.found.volumes[["cohort", "name", "content"]].to_numpy().tolist()
        preparation = sorted({cohort.key for cohort in self.found.cohorts.values()})
        weights = [f"{encoder.name}:{encoder.weights}" for encoder in self.encoders]
        what = [VERSION, volumes, preparation, weights, self.found.values, self.seed, len(self.few), self.halves]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()

    def row(self, alteration: Alteration, strength: float) -> list[dict[str, Any]]:
        """One alteration at one strength: a line a metric."""
        if alteration.kind == "cohort":
            # There are not enough large patients to replace more than so many.
            places = self.few[: len(self.largest)] if alteration.name == "shift" else self.many
            before = self._unaltered(f"first {len(places)}", places)
            after, strength_made = self._other_cohort(alteration, strength, before)
        else:
            before = self._planted(alteration)
            after, strength_made = self._altered(alteration, strength, before)
        found = changes(self._pool(before, after), self.seed, self.halves)
        spreads = self._floor(len(before.images))
        rows = []
        for name, values in found.items():
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
                    "n_training": len(self.training),
                    "n_holdout": len(self.holdout),
                }
            )
        return rows

    # Cohorts -------------------------------------------------------------------------------------------------

    def _unaltered(self, name: str, places: np.ndarray) -> Made:
        if name not in self._made:
            self._made[name] = Made(
                np.stack([self.found.image(place) for place in places]) if len(places) else np.empty((0, 0, 0, 0)),
                [self.found.descriptions[place] for place in places],
                {encoder: rows[places] for encoder, rows in self.found.vectors.items()},
                self.found.voxels[places],
            )
        return self._made[name]

    def _planted(self, alteration: Alteration) -> Made:
        """The volumes that are altered, with what is planted in them beforehand."""
        if not alteration.base:
            return self._unaltered(f"first {len(self.few)}", self.few)
        if alteration.base not in self._made:
            self._made[alteration.base] = self._describe(self._planted_subjects(alteration))
        return self._made[alteration.base]

    def _planted_subjects(self, alteration: Alteration) -> list[Subject]:
        spacing = self.settings.grid.spacing
        subjects = [Subject(self.found.image(place), self._labels(place), spacing) for place in self.few]
        if not alteration.base:
            return subjects
        plant = PLANTED[alteration.base]
        return [plant(one, self._random(alteration.base, place)) for place, one in enumerate(subjects)]

    def _altered(self, alteration: Alteration, strength: float, before: Made) -> tuple[Made, float]:
        make = alteration.make
        assert make is not None
        subjects = self._planted_subjects(alteration)
        label = self.label or 0

        def one(place: int) -> Subject:
            # The same generator at every strength: a stronger one is the same noise, only more of it.
            return make(subjects[place], strength, label, self._random(alteration.name, place))

        if not alteration.by_share:
            return self._describe(list(self.force.in_order(one, range(len(subjects))))), strength
        name = f"all:{alteration.name}"
        if name not in self._made:
            self._made[name] = self._describe(list(self.force.in_order(one, range(len(subjects)))))
        count = max(1, round(strength * len(subjects)))
        chosen = self._random(alteration.name, 0).permutation(len(subjects))[:count]
        places = np.arange(len(subjects))
        places[chosen] += len(subjects)
        return before.joined(self._made[name]).take(places), count / len(subjects)

    def _other_cohort(self, alteration: Alteration, strength: float, before: Made) -> tuple[Made, float]:
        """Some volumes replaced: by training volumes, by larger patients, or by one of the others."""
        volumes = len(before.images)
        random = self._random(alteration.name, 0)
        replaced = random.permutation(volumes)
        if alteration.name == "copied":
            others = self._unaltered("training", self.training)
            order = random.permutation(len(self.training))
        elif alteration.name == "shift":
            others = self._unaltered("largest", self.largest)
            order = np.arange(len(self.largest))
        else:
            others, order = before, np.full(volumes, replaced[-1])
        count = min(max(1, round(strength * volumes)), len(order))
        places = np.arange(volumes)
        places[replaced[:count]] = volumes + order[:count]
        return before.joined(others).take(places), count / volumes

    def _describe(self, subjects: Sequence[Subject]) -> Made:
        images = np.stack([subject.image for subject in subjects])
        values = self.found.values

        def one(subject: Subject) -> Description:
            return describe(subject.image, subject.labels if values else None, values, subject.spacing)

        descriptions = list(self.force.in_order(one, subjects))
        return Made(images, descriptions, self._encode(images), np.stack([halved(image).ravel() for image in images]))

    def _encode(self, images: np.ndarray) -> dict[str, np.ndarray]:
        places = [self.found.volumes.iloc[place] for place in self.few]
        example = self.found.cohorts[str(places[0]["cohort"])]
        altered = _InMemory(example, [str(volume["name"]) for volume in places], images)
        vectors = {}
        with tempfile.TemporaryDirectory() as folder:  # nobody asks for them again: rows are kept, not vectors
            cache = EmbeddingCache(Path(folder) / "embeddings.sqlite")
            for encoder in self.encoders:
                vectors[encoder.name] = embed(encoder, altered, altered.names, cache, "altered")
        return vectors

    def _labels(self, place: int) -> np.ndarray | None:
        volume = self.found.volumes.iloc[place]
        cohort = self.found.cohorts[volume["cohort"]]
        return cohort.labels([volume["name"]])[0] if cohort.rows[volume["name"]].has_labels else None

    def _tissue(self, place: int) -> float:
        """Share of the grid that is tissue: how large a patient is."""
        return float((self.found.voxels[place] > 0.1).mean())

    def _random(self, name: str, place: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, int(hashlib.sha256(name.encode()).hexdigest()[:8], 16), place])

    # What metrics look at ------------------------------------------------------------------------------------

    def _pool(self, before: Made, after: Made) -> Pool:
        real = np.concatenate([self.training, self.holdout])
        both = before.joined(after)
        training = np.arange(len(self.training))
        cohort = np.repeat(
            ["training", "holdout", "before", "after"],
            [len(self.training), len(self.holdout), len(before.images), len(after.images)],
        )
        codes = self.found.pool.patients[real]
        patients = np.array([*codes, *(f"volume {place}" for place in range(len(both.images)))])
        spaces = described_spaces([*(self.found.descriptions[place] for place in real), *both.descriptions], training)
        for name, rows in self.found.vectors.items():
            spaces += encoder_spaces(name, name, np.concatenate([rows[real], both.vectors[name]]))[:1]
        spaces.append(voxel_space(np.concatenate([self.found.voxels[real], both.voxels])))
        pairs = np.full((len(cohort), len(cohort)), np.nan)
        for name, made in (("before", before), ("after", after)):
            places = np.flatnonzero(cohort == name)
            pairs[np.ix_(places, places)] = self._pairs(made.images)
        spaces.append(Space("pairs", "pairs of volumes", "pairs", 3, pairs))
        return Pool(cohort, patients, {space.name: space for space in spaces})

    def _pairs(self, images: np.ndarray) -> np.ndarray:
        key = f"pairs:{hashlib.sha256(images.tobytes()).hexdigest()}"
        if key not in self._known_pairs:
            rows = self.force.in_order(
                lambda at: similar_to_next(images.__getitem__, at, len(images)), range(len(images))
            )
            self._known_pairs[key] = from_circle(list(rows))
        return self._known_pairs[key]

    def _floor(self, volumes: int) -> dict[str, float]:
        if volumes not in self._spreads:
            dealt = not len(self.holdout)
            pool = self.found.pool
            sizes = Sizes(len(self.training), volumes, len(self.holdout), dealt)
            self._spreads[volumes] = floor_spreads(pool, sizes, self.seed)
        return self._spreads[volumes]


class _InMemory(PreparedCohort):
    """Altered volumes in the place of prepared ones, for encoders."""

    def __init__(self, like: PreparedCohort, names: Sequence[str], images: np.ndarray) -> None:
        self.folder, self.cohort, self.grid, self.unit, self.key = like.folder, "altered", like.grid, like.unit, ""
        self.rows = {name: replace(like.rows[name], content=str(place)) for place, name in enumerate(names)}
        self.names = list(names)
        self._images = dict(zip(names, images, strict=True))

    def images(self, names: Sequence[str], dtype: Any = np.float32, *, searched: bool = False) -> np.ndarray:
        return np.stack([self._images[name] for name in names]).astype(dtype)


def _read(file: Path, key: str) -> list[dict[str, Any]] | None:
    """Rows of an earlier run; None where there are none, or they are of other volumes or settings."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return list(document["rows"]) if document.get("key") == key else None


def _write(file: Path, document: Mapping[str, Any]) -> None:
    unfinished = file.with_suffix(".part")
    with disk_faults(file):
        unfinished.write_text(json.dumps(document), encoding="utf-8")
        unfinished.replace(file)
