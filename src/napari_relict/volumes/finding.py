"""Which volumes lie in a folder, and what they are called."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from napari_relict.errors import DataError

# Longest first, so that "a.nii.gz" is called "a" and not "a.nii".
EXTENSIONS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
# Voxels of a detached header live in one of these.
SIDECARS = (".raw", ".zraw", ".raw.gz", ".img", ".img.gz")


@dataclass(frozen=True)
class VolumeFile:
    """One volume on disk: a file, or the slices of one DICOM series.

    Attributes
    ----------
    name : file name without extension; for DICOM the name of the folder that holds the series.
    paths : the file, or the slices in the order they lie in the patient.
    """

    name: str
    paths: tuple[Path, ...]

    @property
    def path(self) -> Path:
        """What an error message should name: the file, or the folder of the series."""
        return self.paths[0].parent if self.is_dicom else self.paths[0]

    @property
    def is_dicom(self) -> bool:
        return extension_of(self.paths[0]) is None

    def stamp(self) -> str:
        """Fingerprint of path, size and time of every file behind this volume: equal stamps, unchanged files."""
        files = list(self.paths)
        if not self.is_dicom and extension_of(self.paths[0]) in (".nhdr", ".mhd"):
            files += [self.paths[0].with_name(self.name + end) for end in SIDECARS]
        present = [path.resolve() for path in files if path.exists()]
        text = ";".join(f"{path}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in present)
        return hashlib.sha256(text.encode()).hexdigest()


def extension_of(path: Path) -> str | None:
    """The volume extension `path` ends with, or None."""
    lower = path.name.lower()
    return next((end for end in EXTENSIONS if lower.endswith(end)), None)


def name_of(path: Path) -> str:
    """File name without its volume extension."""
    end = extension_of(path)
    return path.name[: -len(end)] if end else path.name


def find_volumes(folder: Path, leave_out: Path | None = None) -> tuple[list[VolumeFile], list[DataError]]:
    """All volumes below `folder`, sorted by name, and one error for each name that several files share.

    NIfTI, NRRD and MetaImage files are found by extension; any folder with other files is asked for DICOM
    series. Hidden files and folders are passed over; links are followed.

    Parameters
    ----------
    leave_out : a folder inside that is not looked into (segmentations beside their volumes).

    Raises
    ------
    DataError : the folder is missing or holds no volume at all.
    """
    if not folder.is_dir():
        raise DataError(folder, "no such folder", "give the folder that holds the volumes")
    found: dict[str, list[VolumeFile]] = defaultdict(list)
    problems: list[DataError] = []
    seen = {leave_out.resolve()} if leave_out is not None else set()
    for here, folders, files in os.walk(folder, followlinks=True):
        place = Path(here).resolve()
        if place in seen:  # a link back to where we were, or what is left out
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [Path(here, name) for name in sorted(files) if not name.startswith(".")]
        volumes = [VolumeFile(name_of(path), (path,)) for path in paths if extension_of(path)]
        if not volumes and paths:
            volumes = _dicom_series(Path(here))
            problems += _damaged_slices(paths, volumes)
        for volume in volumes:
            found[volume.name].append(volume)
    if not found:
        if problems:
            raise problems[0]
        raise DataError(
            folder, "no volume in it", "expected NIfTI, NRRD or MetaImage files, or folders of DICOM slices"
        )
    problems += [
        DataError(
            same[0].path,
            f"shares the name '{name}' with " + ", ".join(str(other.path) for other in same[1:]),
            "rename all but one; none of them is used until then",
        )
        for name, same in sorted(found.items())
        if len(same) > 1
    ]
    return [same[0] for _, same in sorted(found.items()) if len(same) == 1], problems


def _dicom_series(folder: Path) -> list[VolumeFile]:
    series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    names = [folder.name] if len(series) == 1 else [f"{folder.name}-{i + 1}" for i in range(len(series))]
    return [
        VolumeFile(name, tuple(Path(f) for f in sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)))
        for name, uid in zip(names, series, strict=True)
    ]


def _damaged_slices(paths: list[Path], series: list[VolumeFile]) -> list[DataError]:
    """DICOM files that GDCM left out of every series, as it does with damaged ones, without a word."""
    used = {path.resolve() for volume in series for path in volume.paths}
    problems = []
    for path in paths:
        if path.resolve() in used or path.name.upper() == "DICOMDIR":
            continue
        with path.open("rb") as stream:
            is_dicom = stream.read(132)[128:] == b"DICM"
        if is_dicom:
            problems.append(DataError(path, "is a DICOM file without readable pixels", "copy it again or take it out"))
    return problems
