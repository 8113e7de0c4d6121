"""A study made of folders: what lies in them, how it lies, the grid it is compared on; written to study.toml."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from napari_relict.errors import DataError, UsageError
from napari_relict.jobs.progress import Progress, silent
from napari_relict.records.settings import (
    FILE,
    CohortFolders,
    GridSettings,
    PreparationSettings,
    Settings,
    write_settings,
)
from napari_relict.study.pipeline.cohorts import (
    CohortFiles,
    compare_extents,
    guess_modality,
    list_cohort,
    propose_grid,
    refuse_overlap,
)
from napari_relict.study.pipeline.geometry import keep_norm, seen_norm, vote_on
from napari_relict.volumes.finding import VolumeFile
from napari_relict.volumes.geometry import Norm
from napari_relict.volumes.intensity import Modality
from napari_relict.volumes.patients import read_patients
from napari_relict.volumes.spacings import Spacing


@dataclass(frozen=True)
class MadeStudy:
    """A study that was just written.

    Attributes
    ----------
    folder : Path
    settings : Settings
    problems : list of DataError
        One for each file that cannot be used.
    notes : list of str
        What may be wrong, and what was taken for granted.
    """

    folder: Path
    settings: Settings
    problems: list[DataError]
    notes: list[str]


def make_study(
    folder: Path,
    volumes: Mapping[str, str | Path | None],
    *,
    segmentations: Mapping[str, str | Path | None],
    spacings: Mapping[str, Spacing | str | Path | None],
    patients: str | Path | None = None,
    modality: Modality | None = None,
    grid_spacing: float | Spacing | None = None,
    grid_shape: tuple[int, int, int] | None = None,
    geometry: Literal["evidence", "header"] = "evidence",
    progress: Progress = silent,
) -> MadeStudy:
    """Make a study of existing folders; nothing is written before all of it is known to be right.

    Parameters
    ----------
    folder : Path
    volumes, segmentations, spacings : mapping of str
        By cohort; None where a cohort has none.
    patients : str, Path or None
    modality : {"mr", "ct"} or None
    grid_spacing : float, tuple of float or None
        mm, one number or z, y, x.
    grid_shape : tuple of int or None
        Voxels z, y, x.
    geometry : {"evidence", "header"}
    progress : Progress

    Raises
    ------
    UsageError
        The folder is a study already, two cohorts share a folder, or there can be no such grid.
    DataError
        A cohort without a single readable volume, or a table that cannot be used.
    """
    folder = folder.resolve()
    if (folder / FILE).exists():
        raise UsageError(f"{folder}: is a study already; choose another folder or edit its {FILE}")
    places = {name: Path(place) for name, place in volumes.items() if place is not None}
    refuse_overlap(places)
    cohorts = {
        name: CohortFolders(
            volumes=_written(place, folder),
            segmentations=_written_or_none(segmentations[name], folder),
            spacing=_spacing_written(spacings[name], folder),
        )
        for name, place in places.items()
    }
    problems: list[DataError] = []
    files: dict[str, CohortFiles] = {}
    for name, folders in cohorts.items():
        files[name], refused = list_cohort(folder, name, folders)
        problems += refused
    norm = seen_norm(files["training"].volumes, progress) if geometry == "evidence" else None
    voted = [] if norm is None else _vote(folder, cohorts, files, norm, progress)
    _check_patients(patients)
    grid, refused = _grid(files["training"].volumes, grid_spacing, grid_shape)
    settings = Settings(
        name=folder.name,
        modality=modality or guess_modality(files["training"].volumes),
        cohorts=cohorts,  # type: ignore[arg-type]
        patients=_written_or_none(patients, folder),
        grid=grid,
        preparation=PreparationSettings(geometry=geometry),
    )
    write_settings(settings, folder)
    if norm is not None:
        keep_norm(norm, folder / "volumes")
    notes = [note for found in files.values() for note in found.notes] + voted
    notes += compare_extents({name: found.volumes for name, found in files.items()})
    return MadeStudy(folder, settings, problems + refused, notes)


def _vote(
    folder: Path, cohorts: dict[str, CohortFolders], files: dict[str, CohortFiles], norm: Norm, progress: Progress
) -> list[str]:
    """How cohorts lie goes into their settings and files, where it is otherwise than these say; a line for each."""
    said = []
    for name in [name for name in cohorts if name != "training"]:
        lies, line = vote_on(name, files[name].volumes, norm, progress)
        if lies is not None:
            cohorts[name] = cohorts[name].model_copy(update={"geometry": lies})
            files[name], _ = list_cohort(folder, name, cohorts[name])
            said.append(line)
    return said


def _check_patients(patients: str | Path | None) -> None:
    if patients is None:
        return
    if not Path(patients).is_file():
        raise DataError(patients, "no such file", "give the CSV with the columns volume,patient")
    read_patients(Path(patients))


def _grid(
    training: list[VolumeFile], spacing: float | Spacing | None, shape: tuple[int, int, int] | None
) -> tuple[GridSettings, list[DataError]]:
    if isinstance(spacing, int | float):
        spacing = (float(spacing),) * 3
    for option, values in (("spacing", spacing), ("shape", shape)):
        if values is not None and not min(values) > 0:
            raise UsageError(f"{option} must be above 0, not {values}")
    grid, refused = propose_grid(training, spacing, shape)
    try:
        return GridSettings(shape=grid.shape, spacing=grid.spacing), refused
    except ValidationError as error:
        wrong = error.errors()[0]["msg"]
        raise UsageError(f"a grid of {grid.shape} voxels of {grid.spacing} mm: {wrong}") from error


def _spacing_written(spacing: Spacing | str | Path | None, folder: Path) -> Spacing | str | None:
    return _written(Path(spacing), folder) if isinstance(spacing, str | Path) else spacing


def _written_or_none(path: str | Path | None, folder: Path) -> str | None:
    return None if path is None else _written(Path(path), folder)


def _written(path: Path, folder: Path) -> str:
    """A path as study.toml keeps it: relative where it lies in the study's own folder, so that it can move."""
    path = path.resolve()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else os.fspath(path)
