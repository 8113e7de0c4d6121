"""The files behind a study: which volumes, which segmentations, which patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from napari_relict.errors import DataError, UsageError
from napari_relict.study.settings import CohortFolders
from napari_relict.volumes.finding import VolumeFile, find_volumes
from napari_relict.volumes.grid import Grid, default_grid
from napari_relict.volumes.intensity import Modality
from napari_relict.volumes.patients import read_patients
from napari_relict.volumes.reading import read_header, read_volume

# No MR image holds values this low; air in a CT does.
LOWEST_MR_VALUE = -300


@dataclass(frozen=True)
class CohortFiles:
    """Volumes of one cohort that exist on disk, and the segmentation of each that has one, by name."""

    volumes: list[VolumeFile]
    segmentations: dict[str, VolumeFile]


def list_cohort(folder: Path, cohort: str, folders: CohortFolders) -> tuple[CohortFiles, list[DataError]]:
    """Find a cohort's files. Segmentations belong to the volume of the same name.

    Parameters
    ----------
    folder : the study's; relative paths start there.
    """
    volumes, problems = find_volumes(folder / folders.volumes)
    segmentations: dict[str, VolumeFile] = {}
    if folders.segmentations is not None:
        found, more = find_volumes(folder / folders.segmentations)
        problems += more
        segmentations = {file.name: file for file in found}
        names = {file.name for file in volumes}
        without = sorted(names - set(segmentations))
        if len(without) == len(names):
            problems.append(
                DataError(
                    folder / folders.segmentations,
                    f"no file in it is named like a {cohort} volume",
                    f"name each segmentation like its volume, e.g. {volumes[0].name}.nii.gz",
                )
            )
        segmentations = {name: file for name, file in segmentations.items() if name in names}
    return CohortFiles(volumes, segmentations), problems


def refuse_overlap(folders: Mapping[str, Path]) -> None:
    """No cohort may lie in another's folder: everything would be a copy of itself.

    Raises
    ------
    UsageError
    """
    resolved = {name: path.resolve() for name, path in folders.items()}
    for one, first in resolved.items():
        for other, second in resolved.items():
            if one < other and first == second:
                raise UsageError(f"{folders[one]}: the {one} and the {other} folder are the same; give two")
            if one != other and second in first.parents:
                raise UsageError(f"{folders[one]}: the {one} folder lies inside the {other} folder; move it out")


def patients_of(
    names: Mapping[str, list[str]], file: Path | None
) -> tuple[dict[tuple[str, str], str], list[DataError]]:
    """Patient of each (cohort, volume); a volume that no table names is a patient of its own.

    Parameters
    ----------
    names : volume names by cohort. Synthetic volumes never belong to a patient.
    """
    table = read_patients(file) if file else {}
    real = {name for cohort, volumes in names.items() if cohort != "synthetic" for name in volumes}
    problems = []
    if file and not real & set(table):
        problems.append(DataError(file, "names none of the study's volumes", "write file names without extension"))
    patients = {}
    for cohort, volumes in names.items():
        for name in volumes:
            known = table.get(name) if cohort != "synthetic" else None
            patients[(cohort, name)] = known if known is not None else f"{cohort}/{name}"
    return patients, problems


def propose_grid(
    files: list[VolumeFile],
    spacing: tuple[float, float, float] | None,
    shape: tuple[int, int, int] | None,
) -> tuple[Grid, list[DataError]]:
    """The common grid: as asked, the rest from the training volumes' headers.

    Raises
    ------
    DataError : not one header could be read.
    """
    extents, spacings, problems = [], [], []
    for file in files:
        try:
            reader = read_header(file)
        except DataError as problem:
            problems.append(problem)
            continue
        size, steps = np.array(reader.GetSize()[:3], float), np.array(reader.GetSpacing()[:3], float)
        if file.is_dicom:
            size = np.array([*size[:2], len(file.paths)])
            steps = np.array([*steps[:2], _slice_step(file, steps)])
        turn = np.reshape(reader.GetDirection(), (len(reader.GetSize()),) * 2)[:3, :3]
        if turn.shape != (3, 3):  # a DICOM slice read as 2D
            turn = np.eye(3)
        extents.append((np.abs(turn) @ (size * steps))[::-1])
        spacings.append(float(np.prod(steps) ** (1 / 3)))
    if not extents:
        raise problems[0]
    proposed = default_grid(extents, spacings)
    steps_mm = spacing or proposed.spacing
    if shape is None:
        extent = np.multiply(proposed.shape, proposed.spacing)
        z, y, x = (max(8, int(np.ceil(mm / step / 8 - 1e-6)) * 8) for mm, step in zip(extent, steps_mm, strict=True))
        shape = (z, y, x)
    return Grid(shape, steps_mm), problems


def _slice_step(file: VolumeFile, steps: np.ndarray) -> float:
    """mm between two slices of a DICOM series; the slice thickness where positions are not given."""
    places = []
    for path in (file.paths[0], file.paths[-1]):
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        places.append(np.array(reader.GetOrigin(), float))
    apart = float(np.linalg.norm(places[1] - places[0])) / max(1, len(file.paths) - 1)
    return apart if apart > 0 else float(steps[-1])


def guess_modality(files: list[VolumeFile]) -> Modality:
    """ct when the first readable volume says so (DICOM) or holds values as low as air in HU; else mr."""
    for file in files:
        try:
            if file.is_dicom:
                reader = read_header(file)
                reader.LoadPrivateTagsOn()
                if reader.HasMetaDataKey("0008|0060"):
                    return "ct" if reader.GetMetaData("0008|0060").strip() == "CT" else "mr"
            image = read_volume(file)
        except DataError:
            continue
        return "ct" if sitk.GetArrayViewFromImage(image).min() < LOWEST_MR_VALUE else "mr"
    return "mr"
