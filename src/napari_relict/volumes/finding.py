"""Which volumes lie in a folder, and what they are called."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from napari_relict.errors import DataError
from napari_relict.volumes.array_files import ARRAYS, samples_in

# Longest first, so that "a.nii.gz" is called "a" and not "a.nii".
IMAGES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
EXTENSIONS = (*IMAGES, *ARRAYS)
#: Slices of a volume, one a file; a TIFF may also hold all of them.
SLICES = (".png", ".tiff", ".tif", ".bmp", ".jpg", ".jpeg")
# Voxels of a detached header live in one of these.
SIDECARS = (".raw", ".zraw", ".raw.gz", ".img", ".img.gz")
FEWEST_SLICES = 8  # pictures in a folder from which on they are taken for the slices of a volume


@dataclass(frozen=True)
class VolumeFile:
    """One volume on disk: a file, an array inside one, or the slices of a series.

    Attributes
    ----------
    name : str
        File name without extension, with the sample's number where a file holds several; of a series the name of
        the folder that holds it.
    paths : tuple of Path
        The file, or the slices in the order they lie in the patient.
    array : str
        Name of the array inside a file that holds several by name; "" for others.
    sample : int or None
        Which sample along the array's first axis (or a NIfTI's fourth); None where the file is one volume.
    spacing : tuple of float or None
        mm along the file's z, y, x, whatever it says itself; None where it is believed, or nobody knows.
    orientation : str
        Where its x, y and z axes grow to (`LPS`), likewise; "" where it is believed.
    """

    name: str
    paths: tuple[Path, ...]
    array: str = ""
    sample: int | None = None
    spacing: tuple[float, float, float] | None = None
    orientation: str = ""

    @property
    def path(self) -> Path:
        """What an error message should name: the file, or the folder of the series."""
        return self.paths[0].parent if self.is_dicom or len(self.paths) > 1 else self.paths[0]

    @property
    def subject(self) -> str:
        """What an error message is about: the path, and which of the volumes in it."""
        inside = ":".join([self.array] * bool(self.array) + ([] if self.sample is None else [str(self.sample)]))
        return f"{self.path}[{inside}]" if inside else str(self.path)

    @property
    def is_array(self) -> bool:
        """An array without geometry: NumPy, PyTorch, HDF5."""
        return extension_of(self.paths[0]) in ARRAYS

    @property
    def is_slices(self) -> bool:
        """Pictures, one a slice; or a TIFF with all of them."""
        return self.paths[0].suffix.lower() in SLICES

    @property
    def is_dicom(self) -> bool:
        """A DICOM series, whose files may have any ending."""
        return extension_of(self.paths[0]) is None and not self.is_slices

    @property
    def knows_spacing(self) -> bool:
        """Whether the file says how large its voxels are; pictures and arrays do not."""
        return not self.is_array and not self.is_slices

    def stamp(self) -> str:
        """Fingerprint of path, size and time of every file behind this volume: equal stamps, unchanged files."""
        files = list(self.paths)
        if extension_of(self.paths[0]) in (".nhdr", ".mhd"):
            files += [self.paths[0].with_name(self.name + end) for end in SIDECARS]
        present = [path.resolve() for path in files if path.exists()]
        parts = [f"{path}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in present]
        if (self.array, self.sample, self.spacing, self.orientation) != ("", None, None, ""):
            parts.append(f"{self.array}:{self.sample}:{self.spacing}:{self.orientation}")
        return hashlib.sha256(";".join(parts).encode()).hexdigest()


def extension_of(path: Path) -> str | None:
    """The volume extension `path` ends with, or None."""
    lower = path.name.lower()
    return next((end for end in EXTENSIONS if lower.endswith(end)), None)


def name_of(path: Path) -> str:
    """File name without its volume extension."""
    end = extension_of(path)
    return path.name[: -len(end)] if end else path.name


def find_volumes(
    folder: Path, leave_out: Path | None = None, *, frames: bool = False
) -> tuple[list[VolumeFile], list[DataError]]:
    """All volumes below `folder`, sorted by name, and one error for each file or name that cannot be used.

    Images and arrays are found by extension; a file that holds several samples gives as many volumes. A folder of
    pictures is one volume, and any folder with other files is asked for DICOM series. Hidden files and folders are
    passed over; links are followed.

    Parameters
    ----------
    folder : Path
    leave_out : Path or None
        A folder inside that is not looked into (segmentations beside their volumes).
    frames : bool
        An image with a fourth axis holds one sample a frame; otherwise it is refused when it is read.

    Returns
    -------
    volumes : list of VolumeFile
    problems : list of DataError

    Raises
    ------
    DataError
        The folder is missing or holds no volume at all.
    """
    if not folder.exists():
        raise DataError(folder, "no such folder", "give the folder that holds the volumes, or one file of samples")
    by_name: dict[str, list[VolumeFile]] = defaultdict(list)
    problems: list[DataError] = []
    for here, paths in _files_below(folder, leave_out):
        volumes, refused = _volumes_in(here, paths, frames)
        problems += refused
        for volume in volumes:
            by_name[volume.name].append(volume)
    if not by_name:
        if problems:
            raise problems[0]
        there = passed_over(folder, [], leave_out)
        raise DataError(
            folder,
            "no volume in it" + (f" ({there})" if there else ""),
            f"expected {', '.join(EXTENSIONS)}, or folders of slices (DICOM, PNG, TIFF)",
        )
    problems += [
        DataError(
            same[0].path,
            f"shares the name '{name}' with " + ", ".join(str(other.path) for other in same[1:]),
            "rename all but one; none of them is used until then",
        )
        for name, same in sorted(by_name.items())
        if len(same) > 1
    ]
    return [same[0] for _, same in sorted(by_name.items()) if len(same) == 1], problems


def passed_over(folder: Path, volumes: Sequence[VolumeFile], leave_out: Path | None = None) -> str:
    """In words, how many files below `folder` are part of no volume, by ending; "" when there are none.

    Parameters
    ----------
    folder, leave_out : Path
        As of `find_volumes`.
    volumes : sequence of VolumeFile
        What was found there.
    """
    used = {path.resolve() for volume in volumes for path in volume.paths}
    headers = {name_of(path) for volume in volumes for path in volume.paths if path.suffix.lower() in (".nhdr", ".mhd")}
    endings: Counter[str] = Counter()
    for _, paths in _files_below(folder, leave_out):
        for path in paths:
            voxels = any(path.name.lower().endswith(end) and path.name[: -len(end)] in headers for end in SIDECARS)
            if path.resolve() not in used and not voxels and path.name.upper() != "DICOMDIR":
                endings[path.suffix.lower() or "without an ending"] += 1
    number = endings.total()
    if not number:
        return ""
    kinds = ", ".join(f"{count} {ending}" for ending, count in endings.most_common(5))
    return f"{number} {'file is' if number == 1 else 'files are'} no volume and passed over: {kinds}"


def _files_below(folder: Path, leave_out: Path | None) -> list[tuple[Path, list[Path]]]:
    """Each folder with its files, sorted, without what is hidden; each once, wherever links lead."""
    if folder.is_file():
        return [(folder.parent, [folder])]
    found = []
    seen = {leave_out.resolve()} if leave_out is not None else set()
    for here, folders, files in os.walk(folder, followlinks=True):
        place = Path(here).resolve()
        if place in seen:  # a link back to where we were, or what is left out
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found.append((Path(here), [Path(here, name) for name in sorted(files) if not name.startswith(".")]))
    return found


def _volumes_in(here: Path, paths: list[Path], frames: bool) -> tuple[list[VolumeFile], list[DataError]]:
    """Volumes among the files of one folder."""
    volumes, problems = [], []
    for path in paths:
        if (end := extension_of(path)) is None:
            continue
        try:
            volumes += _in_array_file(path) if end in ARRAYS else _in_image(path, frames)
        except DataError as refused:
            problems.append(refused)
    if volumes or problems or not paths:
        return volumes, problems
    if pictures := [path for path in paths if path.suffix.lower() in SLICES]:
        return _pictures(here, pictures), []
    series = _dicom_series(here)
    return series, _damaged_slices(paths, series)


def _in_array_file(path: Path) -> list[VolumeFile]:
    name, inside = name_of(path), samples_in(path)
    alone = len(inside) == 1
    found = []
    for array, count in inside:
        stem = name if alone else f"{name}-{array}"
        if count is None:
            found.append(VolumeFile(stem, (path,), array))
        else:
            found += [VolumeFile(f"{stem}-{number:04d}", (path,), array, number) for number in range(count)]
    return found


def _in_image(path: Path, frames: bool) -> list[VolumeFile]:
    name, size = name_of(path), _size(path) if frames else ()
    if len(size) == 4 and size[3] > 1:
        return [VolumeFile(f"{name}-{number:04d}", (path,), sample=number) for number in range(size[3])]
    return [VolumeFile(name, (path,))]


def _pictures(here: Path, pictures: list[Path]) -> list[VolumeFile]:
    """One volume of a folder's pictures, in the order a person would count them; of TIFFs with pages, one each."""
    with_pages = [path for path in pictures if path.suffix.lower() in (".tif", ".tiff") and _pages(path) > 1]
    if with_pages:
        return [VolumeFile(path.stem, (path,)) for path in with_pages]
    if len(pictures) < FEWEST_SLICES:
        return []
    ordered = sorted(pictures, key=lambda path: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", path.name)])
    return [VolumeFile(here.name, tuple(ordered))]


def _pages(path: Path) -> int:
    size = _size(path)
    return size[2] if len(size) > 2 else 1


def _size(path: Path) -> tuple[int, ...]:
    """Voxels along each axis as the header says; nothing where it cannot be read, which is said when it is."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return ()
    return tuple(reader.GetSize())


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
