"""Label maps for cohorts that have none: made file by file, kept, and entered into study.toml."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk
import tomlkit

from napari_relict.errors import DataError, UsageError, disk_faults
from napari_relict.jobs.progress import Progress, silent
from napari_relict.records.settings import FILE, Settings
from napari_relict.segmenters import SEGMENTERS, open_segmenter
from napari_relict.study.pipeline.cohorts import list_cohort
from napari_relict.volumes.finding import VolumeFile
from napari_relict.volumes.reading import read_volume

FOLDER = "segmentations"
MADE_BY = "made-by.json"
Maker = dict[str, str | None]  # segmenter, and the folder of its bundle


def segment_study(
    folder: Path,
    settings: Settings,
    segmenter: str,
    *,
    cohorts: Sequence[str] = (),
    bundle: Path | None = None,
    device: str = "cpu",
    progress: Progress = silent,
) -> list[DataError]:
    """Write `folder/segmentations/<cohort>/<volume>.nii.gz` for every volume, and name them in study.toml.

    What an earlier run finished is kept, so a stopped one goes on. A cohort is entered into study.toml once it is
    through, and only where it had no segmentations.

    Parameters
    ----------
    cohorts : those to segment; all that have no segmentations when empty.
    bundle : folder of a MONAI bundle, for the segmenter `bundle`.

    Returns
    -------
    One error for each volume that could not be segmented; the rest was.

    Raises
    ------
    UsageError : no such segmenter or cohort, a cohort with segmentations of its own, or one that another segmenter
        began.
    DataError : something the segmenter needs cannot be had, or the disk is full.
    """
    maker = {"segmenter": segmenter, "bundle": str(bundle.resolve()) if bundle else None}
    chosen = _chosen(folder, settings, cohorts, maker)
    segment = open_segmenter(segmenter, settings.modality, bundle, device)
    _claim(folder, chosen, maker)
    problems: list[DataError] = []
    volumes = {name: one.model_copy(update={"segmentations": None}) for name, one in settings.cohorts.items()}
    for cohort, folders in volumes.items():
        if cohort not in chosen:
            continue
        files, more = list_cohort(folder, cohort, folders)
        problems += more
        into, made = folder / FOLDER / cohort, 0
        with disk_faults(into):
            into.mkdir(parents=True, exist_ok=True)
        for done, file in enumerate(files.volumes, start=1):
            path = into / f"{file.name}.nii.gz"
            try:
                labels = None if path.is_file() else segment(read_volume(file), settings.modality)
            except DataError as problem:
                problems.append(_about(file, problem))
            else:
                made += 1
                if labels is not None:
                    _write(labels, path)
            progress(f"{SEGMENTERS[segmenter].title}, {cohort}", done, len(files.volumes))
        if made:
            _enter(folder, cohort)
    return problems


def _chosen(folder: Path, settings: Settings, asked: Sequence[str], maker: Maker) -> set[str]:
    """The cohorts to segment: those asked for, or all, that have no segmentations but what this maker began."""
    if unknown := [cohort for cohort in asked if cohort not in settings.cohorts]:
        raise UsageError(f"the study has no {unknown[0]} cohort; there are {', '.join(settings.cohorts)}")
    begun = _makers(folder)
    chosen: set[str] = set()
    for cohort, folders in settings.cohorts.items():
        ours, given = f"{FOLDER}/{cohort}", folders.segmentations
        if asked and cohort not in asked:
            continue
        if given is not None and (given != ours or cohort not in begun):
            if cohort in asked:
                remedy = f"take them out of [cohorts.{cohort}] in {FILE} first"
                raise UsageError(f"the {cohort} cohort has segmentations ({given}); {remedy}")
            continue
        there = (folder / ours).is_dir() and any((folder / ours).iterdir())
        if there and begun.get(cohort) != maker:
            whose = begun[cohort]["segmenter"] if cohort in begun else "another origin"
            raise UsageError(f"{folder / ours} holds label maps of {whose}; move it away first")
        chosen.add(cohort)
    if not chosen:
        raise UsageError("every cohort has segmentations; nothing was done")
    return chosen


def _makers(folder: Path) -> dict[str, Maker]:
    """Cohort -> who made its label maps."""
    file = folder / FOLDER / MADE_BY
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except ValueError as error:
        raise DataError(file, "is damaged", "delete it, and the label maps beside it") from error


def _claim(folder: Path, cohorts: set[str], maker: Maker) -> None:
    """Write down who makes these cohorts' label maps: two segmenters must not share a folder."""
    file = folder / FOLDER / MADE_BY
    with disk_faults(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".part-{os.getpid()}-{file.name}")
        known = _makers(folder) | dict.fromkeys(sorted(cohorts), maker)
        part.write_text(json.dumps(known, indent=2), encoding="utf-8")
        part.replace(file)


def _write(labels: sitk.Image, path: Path) -> None:
    """Put a label map in place when all of it is written.

    Raises
    ------
    DataError : it cannot be written.
    """
    # The ending stays last, for it tells the writer the format; the dot keeps the file out of listings.
    part = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        with disk_faults(path.parent):
            sitk.WriteImage(labels, str(part), useCompression=True)
            part.replace(path)
    except RuntimeError as error:  # ITK's word for a disk that is full or may not be written
        raise DataError(
            path, "cannot be written", "check the disk's space and permissions, and run it again"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _about(file: VolumeFile, problem: DataError) -> DataError:
    """The same problem with the volume's file as its subject."""
    if problem.subject == str(file.path):
        return problem
    return DataError(file.path, f"was not segmented: {problem.subject} {problem.wrong}", problem.remedy)


def _enter(folder: Path, cohort: str) -> None:
    """Set a cohort's segmentations in study.toml where there are none; comments and the rest stay as they are."""
    path = folder / FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    table = document["cohorts"][cohort]
    if "segmentations" in table:
        return
    table["segmentations"] = f"{FOLDER}/{cohort}"
    part = folder / (FILE + ".part")
    with disk_faults(folder):
        part.write_text(tomlkit.dumps(document), encoding="utf-8")
        part.replace(path)
