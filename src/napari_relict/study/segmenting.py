"""Label maps for cohorts that have none: made file by file, kept, and entered into study.toml."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk
import tomlkit

from napari_relict.errors import DataError, UsageError, disk_faults
from napari_relict.progress import Progress, silent
from napari_relict.segmenters import SEGMENTERS, Segmenting, open_segmenter
from napari_relict.study.cohorts import list_cohort
from napari_relict.study.settings import COHORTS, FILE, Settings
from napari_relict.volumes.finding import VolumeFile
from napari_relict.volumes.intensity import Modality
from napari_relict.volumes.reading import read_volume

FOLDER = "segmentations"
MADE_BY = "made-by.json"


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
    chosen = _chosen(settings, cohorts)
    maker = {"segmenter": segmenter, "bundle": str(bundle.resolve()) if bundle else None}
    for cohort in chosen:
        _claim(folder / FOLDER, cohort, maker)
    segment = open_segmenter(segmenter, settings.modality, bundle, device)
    problems: list[DataError] = []
    for cohort in chosen:
        files, more = list_cohort(folder, cohort, settings.cohorts[cohort].model_copy(update={"segmentations": None}))
        problems += more
        into, made = folder / FOLDER / cohort, 0
        with disk_faults(into):
            into.mkdir(parents=True, exist_ok=True)
        for done, file in enumerate(files.volumes, start=1):
            try:
                _segment(file, into, segment, settings.modality)
                made += 1
            except DataError as problem:
                problems.append(_about(file, problem))
            progress(f"{SEGMENTERS[segmenter].title}, {cohort}", done, len(files.volumes))
        if made:
            _enter(folder, cohort)
    return problems


def _chosen(settings: Settings, asked: Sequence[str]) -> list[str]:
    """The cohorts to segment, in the usual order."""
    if unknown := [cohort for cohort in asked if cohort not in settings.cohorts]:
        raise UsageError(f"the study has no {unknown[0]} cohort; there are {', '.join(settings.cohorts)}")
    given = {name: one.segmentations for name, one in settings.cohorts.items()}
    theirs = [name for name in given if given[name] not in (None, f"{FOLDER}/{name}")]
    if wrong := [cohort for cohort in asked if cohort in theirs]:
        remedy = f"take segmentations out of [cohorts.{wrong[0]}] in {FILE} first"
        raise UsageError(f"the {wrong[0]} cohort has segmentations ({given[wrong[0]]}, by {FILE}); {remedy}")  # type: ignore[index]
    chosen = [name for name in COHORTS if name in given and name not in theirs and (not asked or name in asked)]
    if not chosen:
        raise UsageError("every cohort has segmentations; nothing was done")
    return chosen


def _claim(folder: Path, cohort: str, maker: dict[str, str | None]) -> None:
    """Write down who makes a cohort's label maps; two segmenters must not share a folder."""
    file = folder / MADE_BY
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if known.get(cohort, maker) != maker:
        raise UsageError(
            f"{folder / cohort} holds label maps of {known[cohort]['segmenter']}; remove it, and its entry in {MADE_BY}"
        )
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".part-{os.getpid()}-{file.name}")
        part.write_text(json.dumps(known | {cohort: maker}, indent=2), encoding="utf-8")
        part.replace(file)


def _segment(file: VolumeFile, into: Path, segment: Segmenting, modality: Modality) -> None:
    path = into / f"{file.name}.nii.gz"
    if path.is_file():
        return
    # The ending stays last, for it tells the writer the format; the dot keeps the file out of listings.
    part = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        labels = segment(read_volume(file), modality)
        with disk_faults(into):
            _write(labels, part)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write(labels: sitk.Image, path: Path) -> None:
    try:
        sitk.WriteImage(labels, str(path), useCompression=True)
    except RuntimeError as error:  # ITK's word for a disk that is full or may not be written
        raise OSError(str(error)) from error


def _about(file: VolumeFile, problem: DataError) -> DataError:
    """The same problem with the volume's file as its subject."""
    if problem.subject == str(file.path):
        return problem
    return DataError(file.path, f"was not segmented: {problem.subject} {problem.wrong}", problem.remedy)


def _enter(folder: Path, cohort: str) -> None:
    """Set a cohort's segmentations in study.toml where there are none; comments and the rest stay as they are."""
    path = folder / FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    table = document["cohorts"][cohort]  # type: ignore[index]
    if "segmentations" in table:  # type: ignore[operator]
        return
    table["segmentations"] = f"{FOLDER}/{cohort}"  # type: ignore[index, call-overload]
    part = folder / (FILE + ".part")
    with disk_faults(folder):
        part.write_text(tomlkit.dumps(document), encoding="utf-8")
        part.replace(path)
