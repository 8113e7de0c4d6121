"""The files behind a study: which volumes, which segmentations, which patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from napari_relict.errors import DataError, UsageError
from napari_relict.records.settings import CohortFolders
from napari_relict.volumes.finding import VolumeFile, find_volumes, passed_over
from napari_relict.volumes.grid import Grid, default_grid
from napari_relict.volumes.intensity import Modality
from napari_relict.volumes.patients import read_patients
from napari_relict.volumes.reading import header_of, read_volume
from napari_relict.volumes.spacings import read_spacings, with_spacing

# No MR image holds values this low; air in a CT does.
LOWEST_MR_VALUE = -300
LARGEST_EXTENT_RATIO = float(np.log(1.25))


@dataclass(frozen=True)
class CohortFiles:
    """Files of one cohort.

    Attributes
    ----------
    volumes : list of VolumeFile
    segmentations : dict of str to VolumeFile
        By the name of the volume each belongs to.
    notes : list of str
        What was passed over, and what had to be taken for granted.
    """

    volumes: list[VolumeFile]
    segmentations: dict[str, VolumeFile]
    notes: list[str] = field(default_factory=list)


def list_cohort(folder: Path, cohort: str, folders: CohortFolders) -> tuple[CohortFiles, list[DataError]]:
    """Find a cohort's files. Segmentations belong to the volume of the same name.

    An image with a fourth axis is one sample a frame in the synthetic cohort; elsewhere it may be one patient in time,
    and is refused when it is read.

    Parameters
    ----------
    folder : Path
        The study's; relative paths start there.
    cohort : str
    folders : CohortFolders

    Raises
    ------
    DataError
        No volumes, or a table of spacings that cannot be used.
    """
    segmented = folder / folders.segmentations if folders.segmentations is not None else None
    place = folder / folders.volumes
    volumes, problems = find_volumes(place, leave_out=segmented, frames=cohort == "synthetic")
    if not volumes:
        for problem in problems[1:]:
            problems[0].add_note(str(problem))
        raise problems[0]
    spacing = read_spacings(folder / folders.spacing) if isinstance(folders.spacing, str) else folders.spacing
    volumes, untold = with_spacing(volumes, spacing)
    notes = []
    if untold and (folders.geometry is None or folders.geometry.spacing is None):
        notes.append(
            f"{len(untold)} of {len(volumes)} {cohort} volumes (arrays, pictures) do not say how large their voxels"
            f" are: taken as 1 mm; --{cohort}-spacing says otherwise"
        )
    if others := passed_over(place, volumes, leave_out=segmented):
        notes.append(f"{place}: {others}")
    volumes = _laid(volumes, folders)
    segmentations: dict[str, VolumeFile] = {}
    if segmented is not None:
        found, more = find_volumes(segmented, frames=cohort == "synthetic")
        found, _ = with_spacing(found, spacing)
        problems += more
        names = {file.name for file in volumes}
        segmentations = {file.name: file for file in found if file.name in names}
        if not segmentations:
            problems.append(
                DataError(
                    segmented,
                    f"no file in it is named like a {cohort} volume",
                    f"name each segmentation like its volume, e.g. {volumes[0].name}.nii.gz",
                )
            )
    return CohortFiles(volumes, segmentations, notes), problems


def _laid(files: list[VolumeFile], folders: CohortFolders) -> list[VolumeFile]:
    """The files with the geometry that was voted for the cohort, or that somebody knows."""
    if folders.geometry is None:
        return files
    orientation, spacing = folders.geometry.orientation or "", folders.geometry.spacing
    return [replace(file, orientation=orientation, spacing=spacing or file.spacing) for file in files]


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
    patients, problems, used = {}, [], set()
    for cohort, volumes in names.items():
        for name in volumes:
            key = (cohort, name) if (cohort, name) in table else ("", name)
            if cohort != "synthetic" and key in table:
                used.add((cohort, name))
            patients[(cohort, name)] = table[key] if (cohort, name) in used else f"{cohort}/{name}"
    if file and not used:
        problems.append(DataError(file, "names none of the study's volumes", "write file names without extension"))
    both = sorted(set(names.get("training", [])) & set(names.get("holdout", [])) & {n for c, n in table if not c})
    if file and both:
        wrong = f"names '{both[0]}', which is a training and a holdout volume: they count as one patient's"
        problems.append(DataError(file, wrong, "add a column cohort (training or holdout) to tell them apart"))
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
            extent, voxel = _extent(file)
        except DataError as problem:
            problems.append(problem)
            continue
        extents.append(extent)
        spacings.append(float(np.prod(voxel) ** (1 / 3)))
    if not extents:
        raise problems[0]
    proposed = default_grid(extents, spacings)
    extent_mm = np.multiply(proposed.shape, proposed.spacing)
    if spacing is None:
        # A shape alone: voxels as large as it takes to hold everything.
        spacing = proposed.spacing if shape is None else (float(np.max(extent_mm / np.array(shape))),) * 3
    if shape is None:
        z, y, x = (max(8, int(np.ceil(mm / step / 8 - 1e-6)) * 8) for mm, step in zip(extent_mm, spacing, strict=True))
        shape = (z, y, x)
    return Grid(shape, spacing), problems


def compare_extents(cohorts: Mapping[str, list[VolumeFile]]) -> list[str]:
    """A line for each cohort whose volumes are of another size in mm than the training volumes.

    Generators often lose spacing or orientation on the way to a file, and a copy of another size is not found.
    """
    typical = {}
    for name, files in cohorts.items():
        extents = []
        for file in files:
            try:
                extents.append(_extent(file)[0])
            except DataError:  # said elsewhere
                continue
        if extents:
            typical[name] = np.median(extents, axis=0)
    training = typical.pop("training", None)
    return [
        f"{name} volumes measure {_mm(extent)} mm (z, y, x), training volumes {_mm(training)} mm:"
        " if they should agree, check the spacing and orientation in their files"
        for name, extent in typical.items()
        if training is not None and (np.abs(np.log(extent / training)) > LARGEST_EXTENT_RATIO).any()
    ]


def _mm(extent: np.ndarray) -> str:
    return " x ".join(f"{mm:.0f}" for mm in extent)


def _extent(file: VolumeFile) -> tuple[np.ndarray, np.ndarray]:
    """Size in mm along world z, y, x, and the spacing, from the header alone."""
    header = header_of(file)
    extent = np.abs(header.direction) @ np.multiply(header.size, header.spacing)
    return extent[::-1], np.array(header.spacing)


def guess_modality(files: list[VolumeFile]) -> Modality:
    """ct when the first readable volume says so (DICOM) or holds values as low as air in HU; else mr."""
    for file in files:
        try:
            if file.is_dicom and (said := header_of(file).modality):
                return "ct" if said == "CT" else "mr"
            image = read_volume(file)
        except DataError:
            continue
        return "ct" if sitk.GetArrayViewFromImage(image).min() < LOWEST_MR_VALUE else "mr"
    return "mr"
