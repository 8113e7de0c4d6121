"""Volumes of a cohort -> the prepared cohort on disk: read, pose, place on the grid, scale, store."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import SimpleITK as sitk

from napari_relict.errors import DataError, disk_faults
from napari_relict.jobs.executors import Workforce, workforce
from napari_relict.jobs.progress import Progress, silent
from napari_relict.volumes.affines import field_of_view, index_of_world, matrix_of, rows_of
from napari_relict.volumes.cohort import CohortWriter, PreparedCohort, Row, searched_image
from napari_relict.volumes.finding import VolumeFile
from napari_relict.volumes.geometry import Norm, turned_otherwise
from napari_relict.volumes.grid import Grid, place
from napari_relict.volumes.halves import half_layout, half_pose, half_values
from napari_relict.volumes.intensity import Modality, to_unit, value_range
from napari_relict.volumes.keypoints import Keypoints, find_keypoints
from napari_relict.volumes.orientation import laid
from napari_relict.volumes.pose import (
    Pose,
    PoseKind,
    centre_of_mass,
    centring,
    coarse_image,
    make_reference,
    pose_of,
    turned_over,
)
from napari_relict.volumes.reading import as_it_lies, read_as_filed, read_segmentation, read_volume

# Raise this when prepared voxels change for the same settings: caches of older versions are then rebuilt.
RECIPE = 8
REFERENCE_VOLUMES = 24


@dataclass(frozen=True)
class Preparation:
    """How every volume of a study is prepared; equal preparations give equal voxels.

    Attributes
    ----------
    window : HU that become 0 and 1 (CT only).
    pose : `similarity` (turned, shifted and scaled) or `rigid` onto the study's own reference, or `centre` (of mass
        only).
    partial : pose halves too and find keypoints, so that copies of a part are found (halves need a pose onto the
        reference).
    foreground : pose and search by the body alone.
    geometry : `evidence`: a volume that clearly lies otherwise than its file says is turned; `header`: never.
    """

    grid: Grid
    modality: Modality
    window: tuple[float, float] = (-1000.0, 1000.0)
    pose: PoseKind = "similarity"
    partial: bool = True
    foreground: bool = False
    geometry: Literal["evidence", "header"] = "evidence"

    @property
    def unit(self) -> str:
        return "HU" if self.modality == "ct" else ""

    def coarse(self, image: sitk.Image) -> sitk.Image:
        """What a volume is posed by."""
        return coarse_image(image, self.grid, self.modality, self.window, body_alone=self.foreground)

    def key(self, reference: np.ndarray | None = None) -> str:
        text = json.dumps({"recipe": RECIPE, **asdict(self)}, sort_keys=True)
        extra = b"" if reference is None else reference.tobytes()
        return hashlib.sha256(text.encode() + extra).hexdigest()


@dataclass(frozen=True)
class _Prepared:
    row: Row
    image: np.ndarray
    labels: np.ndarray | None
    halves: np.ndarray | None
    keypoints: Keypoints | None
    problem: DataError | None  # of the segmentation: the volume is used without it


@dataclass(frozen=True)
class _Task:
    """All that preparing one volume needs; travels to the worker."""

    file: VolumeFile
    segmentation: VolumeFile | None
    how: Preparation
    reference: np.ndarray | None
    norm: Norm | None


def study_reference(
    files: Sequence[VolumeFile], preparation: Preparation, folder: Path, progress: Progress = silent
) -> np.ndarray | None:
    """The reference all volumes of a study are posed onto; made once from training volumes and kept.

    Kept in `folder/reference.npz` as long as the preparation is the same, so that adding a training volume does
    not move all others. None when the pose is by centre of mass only.
    """
    if preparation.pose == "centre":
        return None
    path, key = folder / "reference.npz", preparation.key()
    if (kept := _kept_reference(path, key)) is not None:
        return kept
    step = max(1, len(files) // REFERENCE_VOLUMES)
    chosen = list(files[::step][:REFERENCE_VOLUMES])

    def coarse(file: VolumeFile) -> sitk.Image | None:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
        try:
            return preparation.coarse(read_volume(file))
        except DataError:  # said when the cohort itself is prepared
            return None

    images = []
    with workforce() as crew:
        for done, image in enumerate(crew.in_order(coarse, chosen), start=1):
            progress("reference", done, len(chosen))
            if image is not None:
                images.append(image)
    reference = make_reference(images, preparation.grid, preparation.pose)
    unfinished = path.with_suffix(".part.npz")
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(unfinished, reference=reference, key=np.array(key))
        unfinished.replace(path)
    return reference


def _kept_reference(path: Path, key: str) -> np.ndarray | None:
    if not path.exists():
        return None
    try:
        with np.load(path) as kept:
            return np.asarray(kept["reference"]) if str(kept["key"]) == key else None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):  # damaged: made anew
        return None


def prepare_cohort(
    cohort: str,
    files: Sequence[VolumeFile],
    segmentations: Mapping[str, VolumeFile],
    preparation: Preparation,
    reference: np.ndarray | None,
    folder: Path,
    progress: Progress = silent,
    force: Workforce | None = None,
    norm: Norm | None = None,
) -> tuple[PreparedCohort, list[DataError]]:
    """Prepare what is not prepared yet and open the cohort.

    Memory holds a handful of volumes at a time, whatever the size of the cohort. What was finished before a
    crash or a cancel is kept.

    Parameters
    ----------
    segmentations : label-map file of each volume that has one, by volume name.
    folder : the study's `volumes/`; the cohort lies in `folder/<cohort>.zarr`.
    force : who prepares; this machine's threads when None.
    norm : what the training volumes look like: a volume that clearly lies otherwise than its file says is turned.
        None: files are believed.

    Returns
    -------
    The cohort, and one error for each file that had to be left out.

    Raises
    ------
    DataError : the disk is full, or not one volume could be used.
    """
    place_on_disk = folder / f"{cohort}.zarr"
    with disk_faults(folder), nullcontext(force) if force else workforce() as crew:
        writer = CohortWriter(place_on_disk, preparation.grid, preparation.key(reference))
        problems = _add_missing(writer, cohort, files, segmentations, preparation, reference, progress, crew, norm)
    failed = {str(problem.subject) for problem in problems}
    rows = {
        file.name: writer.rows[file.name] for file in files if file.name in writer.rows and file.subject not in failed
    }
    if not rows:
        for problem in problems[1:]:
            problems[0].add_note(str(problem))
        raise problems[0] if problems else DataError(cohort, "has no volumes", "give a folder with volumes")
    return PreparedCohort(place_on_disk, cohort, rows, preparation.grid, preparation.unit), problems


def _add_missing(
    writer: CohortWriter,
    cohort: str,
    files: Sequence[VolumeFile],
    segmentations: Mapping[str, VolumeFile],
    preparation: Preparation,
    reference: np.ndarray | None,
    progress: Progress,
    crew: Workforce,
    norm: Norm | None,
) -> list[DataError]:
    """Prepare in parallel, store in order; the errors of what had to be left out."""
    waiting = [file for file in files if not _is_current(file, segmentations.get(file.name), writer)]
    tasks = (_Task(file, segmentations.get(file.name), preparation, reference, norm) for file in waiting)
    problems: list[DataError] = []
    for done, ready in enumerate(crew.in_order(_prepare, tasks), start=1 + len(files) - len(waiting)):
        if isinstance(ready, DataError):
            problems.append(ready)
        else:
            writer.add(ready.row, ready.image, ready.labels, ready.halves, ready.keypoints)
            if ready.problem:
                problems.append(ready.problem)
        progress(f"prepare {cohort}", done, len(files))
    return problems


def _stamp(file: VolumeFile, segmentation: VolumeFile | None) -> str:
    return file.stamp() + "|" + (segmentation.stamp() if segmentation else "")


def _is_current(file: VolumeFile, segmentation: VolumeFile | None, writer: CohortWriter) -> bool:
    row = writer.rows.get(file.name)
    # A segmentation that was refused is tried again, so that its error is said on every run.
    return (
        row is not None
        and row.stamp == _stamp(file, segmentation)
        and row.has_labels == bool(segmentation)
        and writer.holds(row)
    )


def _prepare(task: _Task) -> _Prepared | DataError:
    try:
        return _prepared(task)
    except DataError as refused:  # an answer, not an accident: the other volumes go on
        return refused


def _prepared(task: _Task) -> _Prepared:
    # Volumes are prepared side by side; threads inside each would only get into each other's way.
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    file, segmentation, how, reference = task.file, task.segmentation, task.how, task.reference
    filed = read_as_filed(file)
    image = as_it_lies(filed, file)
    turned = None if task.norm is None else turned_otherwise(image, task.norm)
    if turned is not None:
        image = laid(image, turned)
    stamp = _stamp(file, segmentation)
    values = sitk.GetArrayViewFromImage(image)
    voxels = hashlib.sha256(values).hexdigest()
    geometry = repr((image.GetSpacing(), image.GetOrigin(), image.GetDirection()))
    coarse = how.coarse(image)
    if reference is None:
        posed = Pose(centring(centre_of_mass(coarse)))
    else:
        posed = pose_of(coarse, reference, how.grid, how.pose)
    pose = posed.transform
    to_world = matrix_of(pose)
    turns, halves = _posed_halves(coarse, posed, how, reference)
    fill = how.window[0] if how.modality == "ct" else float(min(0, values.min()))
    placed = place(image, how.grid, pose, fill=fill)
    low, high = value_range(placed, how.modality, how.window, file.subject)
    labels: np.ndarray | None = None
    refused: DataError | None = None
    if segmentation:
        try:
            mask = read_segmentation(segmentation, filed)
            mask.CopyInformation(image)
            labels = place(mask, how.grid, pose, fill=0, labels=True)
        except DataError as error:
            refused = error
    row = Row(
        row=-1,
        name=file.name,
        stamp=stamp,
        content=hashlib.sha256((voxels + geometry).encode()).hexdigest(),
        voxels=voxels,
        has_labels=labels is not None,
        labels=[] if labels is None else _present(labels),
        value_range=(low, high),
        pose=rows_of(to_world),
        inverted=posed.inverted,
        to_index=rows_of(index_of_world(image) @ to_world),
        size=list(image.GetSize()),
        halves=[rows_of(np.linalg.inv(to_world) @ matrix_of(half)) for half in turns],
        path=str(file.path),
        masked=how.foreground,
        turned="" if turned is None else turned.code,
    )
    scaled = to_unit(placed, low, high)
    keypoints = None
    if how.partial:
        seen = field_of_view(how.grid, index_of_world(image) @ to_world, row.size)
        keypoints = find_keypoints(searched_image(scaled, posed.inverted, how.grid.spacing, how.foreground), seen)
    return _Prepared(row, scaled, labels, halves, keypoints, refused)


def _posed_halves(
    coarse: sitk.Image, posed: Pose, how: Preparation, reference: np.ndarray | None
) -> tuple[list[sitk.Transform], np.ndarray | None]:
    """The pose of each half by itself, and the halves' voxels; nothing where there is no reference to pose onto."""
    if reference is None or not how.partial or min(reference.shape) < 16:
        return [], None
    if posed.inverted:
        coarse = turned_over(coarse)
    layout = half_layout(reference)
    poses = [half_pose(coarse, posed.transform, reference, mask, how.grid, how.pose) for mask in layout.masks]
    values = [half_values(coarse, pose, layout, number, how.grid) for number, pose in enumerate(poses)]
    return poses, np.stack(values)


def _present(labels: np.ndarray) -> list[int]:
    return [int(label) for label in np.flatnonzero(np.bincount(labels.ravel())) if label]
