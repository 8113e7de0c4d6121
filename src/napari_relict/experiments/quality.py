"""Metrics of a study's synthetic cohort: what they are computed on, and where the last ones lie.

The table is kept in a file, `quality.json`: it is written whole, nothing else in the study refers to it, and it can be
made again at any time. The database is for what cannot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from napari_relict.encoders.embeddings import stored_vectors
from napari_relict.errors import DataError, UsageError, disk_faults
from napari_relict.jobs.executors import Workforce, workforce
from napari_relict.jobs.progress import Progress, silent
from napari_relict.quality import METRICS, evaluate
from napari_relict.quality.appearance import NAMES
from napari_relict.quality.descriptors import (
    Description,
    DescriptorCache,
    describe_cohort,
    from_circle,
    halved,
    similar_to_next,
)
from napari_relict.quality.evaluating import COLUMNS
from napari_relict.quality.feature_sets import FeaturePool, Space, SpaceKind, vector_space
from napari_relict.records.reader import Stored
from napari_relict.version import __version__
from napari_relict.volumes.cohort import PreparedCohort

FILE = "quality.json"
LARGEST = 400  # volumes of a cohort; of larger ones as many are drawn
# Features of a slice, of encoders that string slices together in order.
SLICE_FEATURES = {"mobilenet_v2": 1280}


def study_quality(
    study: Stored, *, metrics: Sequence[str] | None = None, seed: int = 0, progress: Progress = silent
) -> pd.DataFrame:
    """Compute metrics of the synthetic cohort and keep the table; see `napari_relict.quality.evaluate`.

    Embeddings are those that the last match left. What is computed of a volume is kept, so a stopped run goes on
    where it was.

    Parameters
    ----------
    study : Stored
        The study.
    metrics : sequence of str, optional
        Names; all when None.
    seed : int, default: 0
        Of everything that is drawn.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    pandas.DataFrame
        See `napari_relict.quality.evaluate`.

    Raises
    ------
    DataError
        Nothing was matched yet, or too few volumes.
    UsageError
        No such metric.
    """
    if unknown := sorted(set(metrics or ()) - set(METRICS)):
        raise UsageError(f"no metric '{unknown[0]}'; there are {', '.join(METRICS)}")
    wanted = None if metrics is None else {METRICS[name].works_on for name in metrics}
    with workforce() as force:
        gathered = gather(study, force, wanted, seed=seed, progress=progress)
    table = evaluate(gathered.pool, metrics=metrics, seed=seed, progress=progress)
    _write(study.folder, table, seed, gathered.notes)
    return table


def read_quality(folder: Path) -> pd.DataFrame:
    """Read the table that the last `study_quality` left.

    Parameters
    ----------
    folder : pathlib.Path
        Of the study.

    Returns
    -------
    pandas.DataFrame
        Empty where there is none.

    Raises
    ------
    DataError
        The file is damaged.
    """
    file = folder / FILE
    if not file.is_file():
        return pd.DataFrame(columns=list(COLUMNS))
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))["metrics"]
        return pd.DataFrame(rows, columns=list(COLUMNS))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(file, "is damaged", "run: napari-relict quality") from error


def read_notes(folder: Path) -> list[str]:
    """Read what the last `study_quality` had to leave out.

    Parameters
    ----------
    folder : pathlib.Path
        Of the study.

    Returns
    -------
    list of str
        In words.
    """
    file = folder / FILE
    return list(json.loads(file.read_text(encoding="utf-8")).get("notes", [])) if file.is_file() else []


def _write(folder: Path, table: pd.DataFrame, seed: int, notes: Sequence[str]) -> None:
    document = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "app_version": __version__,
        "seed": seed,
        "notes": list(notes),
        "metrics": json.loads(table.to_json(orient="records", double_precision=12)),
    }
    unfinished = folder / (FILE + ".part")
    with disk_faults(folder / FILE):
        unfinished.write_text(json.dumps(document, indent=1), encoding="utf-8")
        unfinished.replace(folder / FILE)


class Gathered:
    """Volumes of all cohorts with what describes them.

    Parameters
    ----------
    volumes : pandas.DataFrame
        Cohort, name, patient, content, voxels; in the order of the pool.
    cohorts : dict of str to PreparedCohort
        Prepared ones, by name.

    Attributes
    ----------
    values : list of int
        Labels whose shape was described.
    descriptions, vectors, voxels : list of Description, dict of str to numpy.ndarray, numpy.ndarray
        What spaces are made of, a row a volume; vectors by encoder, voxels at half the grid's resolution.
    spaces : dict of str to Space
        What metrics look at.
    notes : list of str
        What had to be left out, in words.
    """

    def __init__(self, volumes: pd.DataFrame, cohorts: dict[str, PreparedCohort]) -> None:
        self.volumes, self.cohorts = volumes, cohorts
        self.values: list[int] = []
        self.notes: list[str] = []
        self.descriptions: list[Description] = []
        self.vectors: dict[str, np.ndarray] = {}
        self.voxels = np.empty((0, 0), np.float32)
        self.spaces: dict[str, Space] = {}

    @property
    def pool(self) -> FeaturePool:
        """The volumes as metrics know them."""
        return FeaturePool(self.volumes["cohort"].to_numpy(str), self.volumes["patient"].to_numpy(str), self.spaces)

    def image(self, place: int) -> np.ndarray:
        """Read the volume at a place of the pool.

        Parameters
        ----------
        place : int
            The place.

        Returns
        -------
        numpy.ndarray of float32, shape (z, y, x)
            0 to 1.
        """
        volume = self.volumes.iloc[place]
        return np.asarray(self.cohorts[volume["cohort"]].images([volume["name"]])[0])

    def names(self, cohort: str) -> list[str]:
        """List the volumes of a cohort.

        Parameters
        ----------
        cohort : str
            Which one.

        Returns
        -------
        list of str
            Their names.
        """
        return list(self.volumes.loc[self.volumes["cohort"] == cohort, "name"])


def gather(
    study: Stored,
    force: Workforce,
    kinds: Collection[SpaceKind] | None = None,
    *,
    leave_out: Sequence[str] = (),
    seed: int = 0,
    progress: Progress = silent,
) -> Gathered:
    """Gather everything that metrics look at.

    Holdout volumes of a training patient, or with a training volume's voxels, are left out.

    Parameters
    ----------
    study : Stored
        The study.
    force : Workforce
        Who does the work.
    kinds : collection of SpaceKind, optional
        Of spaces (see `Space.kind`); all when None.
    leave_out : sequence of str, default: ()
        Cohorts that are not looked at.
    seed : int, default: 0
        Of everything that is drawn.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    Gathered
        Volumes with spaces.
    """
    volumes = _volumes(study, seed)
    volumes = volumes[~volumes["cohort"].isin(leave_out)].reset_index(drop=True)
    cohorts = {name: study.prepared(name) for name in volumes["cohort"].unique()}
    gathered = Gathered(volumes, cohorts)
    kinds = get_args(SpaceKind) if kinds is None else kinds
    if "vectors" in kinds or "looks" in kinds:
        _describe(gathered, study.folder, force, progress)
    if "vectors" in kinds:
        _embeddings(gathered, study)
    if "voxels" in kinds:
        gathered.voxels = np.array([halved(gathered.image(place)).ravel() for place in range(len(volumes))])
        gathered.spaces["voxels"] = voxel_space(gathered.voxels)
    if "pairs" in kinds:
        gathered.spaces["pairs"] = Space(
            "pairs", "pairs of volumes", "pairs", 3, _pairs(gathered, study.folder, force, progress)
        )
    return gathered


def _volumes(study: Stored, seed: int) -> pd.DataFrame:
    frame = study.contents()
    if frame.empty:
        raise DataError(study.folder, "has no matches yet", "run: napari-relict match")
    training = frame[frame["cohort"] == "training"]
    same = frame["patient"].isin(training["patient"]) | frame["voxels"].isin(training["voxels"])
    frame = frame[(frame["cohort"] != "holdout") | ~same]
    random = np.random.default_rng([seed, 0])
    parts = []
    for cohort in ("training", "holdout", "synthetic"):
        of_cohort = frame[frame["cohort"] == cohort].sort_values("name")
        if len(of_cohort) > LARGEST:
            of_cohort = of_cohort.iloc[np.sort(random.choice(len(of_cohort), LARGEST, replace=False))]
        parts.append(of_cohort)
    return pd.concat(parts, ignore_index=True)


def _describe(found: Gathered, folder: Path, force: Workforce, progress: Progress) -> None:
    lacking = [
        cohort for cohort, prepared in found.cohorts.items() if set(found.names(cohort)) - set(prepared.with_labels())
    ]
    if not lacking:
        everywhere = [set(found.cohorts["training"].rows[name].labels) for name in found.names("training")]
        found.values = sorted(set.union(*everywhere))
    else:
        found.notes.append(f"shape of labels left out: not every {lacking[0]} volume has a segmentation")
    file = folder / "volumes" / "descriptions.sqlite"
    for cohort, prepared in found.cohorts.items():
        found.descriptions += describe_cohort(prepared, found.names(cohort), found.values, file, force, progress)
    training = found.pool.places("training")
    for space in described_spaces(found.descriptions, training):
        found.spaces[space.name] = space


def described_spaces(descriptions: Sequence[Description], training: np.ndarray) -> list[Space]:
    """Make the spaces of texture and shape, of volumes and of slices, and of looks.

    Parameters
    ----------
    descriptions : sequence of Description
        One a volume.
    training : numpy.ndarray of int, shape (n,)
        Places of the volumes whose spread becomes 1.

    Returns
    -------
    list of Space
        The spaces.
    """
    whole = np.stack([description.whole for description in descriptions])
    slices = np.stack([description.slices for description in descriptions])
    flat = slices.reshape(-1, slices.shape[2])
    looks = np.stack([description.looks for description in descriptions])
    return [
        vector_space("radiomics", "radiomics", whole, scaled_by=whole[training]),
        vector_space(
            "radiomics_slices", "radiomics of slices", flat, each=slices.shape[1],
            scaled_by=slices[training].reshape(-1, slices.shape[2]),
        ),
        *(Space(name, name, "looks", 2, looks[:, place]) for place, name in enumerate(NAMES)),
    ]  # fmt: skip


def _embeddings(found: Gathered, study: Stored) -> None:
    encoders = [measure for measure in study.measures() if measure.level == "feature"]
    if not encoders:
        found.notes.append("metrics of an encoder's features left out: the last match used none")
    for encoder in encoders:
        vectors = stored_vectors(
            study.folder / "volumes" / "embeddings.sqlite", encoder.name, list(found.volumes["content"])
        )
        if vectors is None:
            found.notes.append(
                f"{encoder.title} left out: not all embeddings lie in the cache; run: napari-relict match"
            )
            continue
        found.vectors[encoder.name] = vectors
        for space in encoder_spaces(encoder.name, encoder.title, vectors):
            found.spaces[space.name] = space


def voxel_space(rows: np.ndarray) -> Space:
    """Make the space of voxels.

    Parameters
    ----------
    rows : numpy.ndarray of shape (volumes, voxels)
        Brightness.

    Returns
    -------
    Space
        The space.
    """
    return Space("voxels", "voxels", "voxels", 3, vector_space("voxels", "voxels", rows).rows, features=rows.shape[1])


def encoder_spaces(name: str, title: str, vectors: np.ndarray) -> list[Space]:
    """Make the space of an encoder's vectors; of a slice-wise one also that of its slices.

    Parameters
    ----------
    name, title : str
        Of the encoder.
    vectors : numpy.ndarray of shape (volumes, features)
        Of the encoder.

    Returns
    -------
    list of Space
        One or two spaces.
    """
    spaces = [vector_space(name, title, vectors)]
    features = SLICE_FEATURES.get(name)
    if features and vectors.shape[1] % features == 0:
        slices = vectors.reshape(-1, features)
        spaces.append(
            vector_space(f"{name}_slices", f"{title}, slice by slice", slices, each=len(slices) // len(vectors))
        )
    return spaces


def _pairs(found: Gathered, folder: Path, force: Workforce, progress: Progress) -> np.ndarray:
    """MS-SSIM among real and among synthetic volumes; rows are kept as they are finished."""
    cache = DescriptorCache(folder / "volumes" / "descriptions.sqlite")
    volumes = found.volumes
    preparation = ",".join(sorted({cohort.key for cohort in found.cohorts.values()}))
    values = np.full((len(volumes), len(volumes)), np.nan)
    for title, group in (
        ("real", np.flatnonzero(volumes["cohort"] != "synthetic")),
        ("synthetic", np.flatnonzero(volumes["cohort"] == "synthetic")),
    ):
        if not len(group):
            continue
        # Shuffled, so that volumes near each other in the circle are of any cohort.
        group = np.random.default_rng(0).permutation(group)
        contents = [str(volumes["content"].iloc[place]) for place in group]
        key = ("MS-SSIM", hashlib.sha256(":".join([preparation, *contents]).encode()).hexdigest())

        def row_of(
            place: int, key: tuple[str, str] = key, contents: list[str] = contents, group: np.ndarray = group
        ) -> np.ndarray:
            row = cache.get(*key, contents[place])
            if row is None:
                row = similar_to_next(lambda at: found.image(int(group[at])), place, len(group))
                cache.put(*key, contents[place], vector=row)
            return row

        rows = []
        for row in force.in_order(row_of, range(len(group))):
            rows.append(row)
            progress(f"MS-SSIM, {title}", len(rows), len(group))
        values[np.ix_(group, group)] = from_circle(rows)
    return values
