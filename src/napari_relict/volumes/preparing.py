"""Volumes of a cohort -> the prepared cohort on disk: read, pose, place on the grid, scale, store."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import SimpleITK as sitk

from napari_relict.errors import DataError, disk_faults
from napari_relict.progress import Progress, silent
from napari_relict.volumes.cohort import CohortWriter, PreparedCohort, Row
from napari_relict.volumes.finding import VolumeFile
from napari_relict.volumes.grid import Grid, place
from napari_relict.volumes.intensity import Modality, to_unit, value_range
from napari_relict.volumes.pose import centre_of_mass, centring, coarse_image, make_reference, rigid_pose
from napari_relict.volumes.reading import read_segmentation, read_volume

# Raise this when prepared voxels change for the same settings: caches of older versions are then rebuilt.
RECIPE = 2
REFERENCE_VOLUMES = 24


@dataclass(frozen=True)
class Preparation:
    """How every volume of a study is prepared; equal preparations give equal voxels.

    Attributes
    ----------
    window : HU that become 0 and 1 (CT only).
    pose : `rigid` onto the study's own reference, or `centre` (of mass only).
    """

    grid: Grid
    modality: Modality
    window: tuple[float, float] = (-1000.0, 1000.0)
    pose: Literal["rigid", "centre"] = "rigid"

    @property
    def unit(self) -> str:
        return "HU" if self.modality == "ct" else ""

    def key(self, reference: np.ndarray | None = None) -> str:
        text = json.dumps({"recipe": RECIPE, **asdict(self)}, sort_keys=True)
        extra = b"" if reference is None else reference.tobytes()
        return hashlib.sha256(text.encode() + extra).hexdigest()


@dataclass(frozen=True)
class _Prepared:
    row: Row
    image: np.ndarray
    labels: np.ndarray | None
    problem: DataError | None  # of the segmentation: the volume is used without it


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
        try:
            return coarse_image(read_volume(file), preparation.grid, preparation.modality, preparation.window)
        except DataError:  # said when the cohort itself is prepared
            return None

    images = []
    with ThreadPoolExecutor(workers()) as pool:
        for done, image in enumerate(pool.map(coarse, chosen), start=1):
            progress("reference", done, len(chosen))
            if image is not None:
                images.append(image)
    reference = make_reference(images, preparation.grid)
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
) -> tuple[PreparedCohort, list[DataError]]:
    """Prepare what is not prepared yet and open the cohort.

    Memory holds a handful of volumes at a time, whatever the size of the cohort. What was finished before a
    crash or a cancel is kept.

    Parameters
    ----------
    segmentations : label-map file of each volume that has one, by volume name.
    folder : the study's `volumes/`; the cohort lies in `folder/<cohort>.zarr`.

    Returns
    -------
    The cohort, and one error for each file that had to be left out.

    Raises
    ------
    DataError : the disk is full, or not one volume could be used.
    """
    place_on_disk = folder / f"{cohort}.zarr"
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    try:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)  # parallel over volumes, not inside one
        with disk_faults(folder):
            writer = CohortWriter(place_on_disk, preparation.grid, preparation.key(reference))
            problems = _add_missing(writer, cohort, files, segmentations, preparation, reference, progress)
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    failed = {str(problem.subject) for problem in problems}
    rows = {
        file.name: writer.rows[file.name] for file in files if file.name in writer.rows and str(file.path) not in failed
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
) -> list[DataError]:
    """Prepare in parallel, store in order; the errors of what had to be left out."""
    waiting = [file for file in files if not _is_current(file, segmentations.get(file.name), writer)]
    done = len(files) - len(waiting)
    problems: list[DataError] = []
    queue = iter(waiting)
    running: deque[Future[_Prepared]] = deque()
    pool = ThreadPoolExecutor(workers())
    try:
        while True:
            while len(running) < 2 * workers() and (file := next(queue, None)) is not None:
                running.append(pool.submit(_prepare, file, segmentations.get(file.name), preparation, reference))
            if not running:
                return problems
            try:
                ready = running.popleft().result()
            except DataError as refused:
                problems.append(refused)
            else:
                writer.add(ready.row, ready.image, ready.labels)
                if ready.problem:
                    problems.append(ready.problem)
            done += 1
            progress(f"prepare {cohort}", done, len(files))
    finally:
        pool.shutdown(cancel_futures=True)


def workers() -> int:
    """Volumes prepared at the same time."""
    return max(1, min(8, os.cpu_count() or 1))


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


def _prepare(
    file: VolumeFile, segmentation: VolumeFile | None, how: Preparation, reference: np.ndarray | None
) -> _Prepared:
    image = read_volume(file)
    stamp = _stamp(file, segmentation)
    values = sitk.GetArrayViewFromImage(image)
    voxels = hashlib.sha256(values.tobytes()).hexdigest()
    geometry = repr((image.GetSpacing(), image.GetOrigin(), image.GetDirection()))
    coarse = coarse_image(image, how.grid, how.modality, how.window)
    if reference is None:
        pose = centring(centre_of_mass(coarse))
    else:
        pose = rigid_pose(coarse, reference, how.grid)
    fill = how.window[0] if how.modality == "ct" else float(min(0, values.min()))
    placed = place(image, how.grid, pose, fill=fill)
    low, high = value_range(placed, how.modality, how.window, str(file.path))
    labels: np.ndarray | None = None
    refused: DataError | None = None
    if segmentation:
        try:
            labels = place(read_segmentation(segmentation, image), how.grid, pose, fill=0, labels=True)
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
        pose=[*pose.GetMatrix(), *_offset(pose)],
        path=str(file.path),
    )
    return _Prepared(row, to_unit(placed, low, high), labels, refused)


def _present(labels: np.ndarray) -> list[int]:
    return [int(label) for label in np.flatnonzero(np.bincount(labels.ravel())) if label]


def _offset(pose: sitk.Euler3DTransform) -> tuple[float, ...]:
    """Where grid mm (0, 0, 0) lies in the volume's world."""
    return tuple(pose.TransformPoint((0.0, 0.0, 0.0)))
