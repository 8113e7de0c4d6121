"""A file -> a 3D SimpleITK image with its orientation, spacing and origin, or one clear error."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from napari_relict.errors import DataError
from napari_relict.volumes.array_files import read_array
from napari_relict.volumes.finding import VolumeFile, extension_of, name_of
from napari_relict.volumes.nifti import not_finite, read_nifti
from napari_relict.volumes.orientation import laid, orientation_in, orientation_of

sitk.ProcessObject.GlobalWarningDisplayOff()  # ITK's warnings name its own source files, not the person's

# Share of the spacing by which two grids may differ and still be called the same.
GRID_TOLERANCE = 1e-2
LARGEST_LABEL = 65535
NIFTI = (".nii", ".nii.gz")


@dataclass(frozen=True)
class Header:
    """What is known of a volume without its voxels.

    Attributes
    ----------
    size : tuple of int
        Voxels along x, y, z.
    spacing : tuple of float
        mm along x, y, z; 1 where nobody says.
    direction : ndarray, (3, 3)
        Columns: world directions (LPS) of the three axes.
    modality : str
        DICOM's word for it (`CT`, `MR`); "" elsewhere.
    """

    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    direction: np.ndarray
    modality: str = ""


def header_of(file: VolumeFile) -> Header:
    """Size, spacing and orientation of a volume, without its voxels where its format allows that.

    Raises
    ------
    DataError
        As `read_volume`, as far as a header shows it.
    """
    if not file.knows_spacing or file.orientation or file.spacing is not None:
        image = as_it_lies(_read(file), file)
        return Header(image.GetSize(), image.GetSpacing(), np.reshape(image.GetDirection(), (3, 3)))
    reader = read_header(file)
    size, spacing = np.array(reader.GetSize()[:3]), np.array(reader.GetSpacing()[:3], float)
    if len(file.paths) > 1:
        size = np.array([*size[:2], len(file.paths)])
        spacing = np.array([*spacing[:2], _slice_step(file, spacing)])
    turn = np.reshape(reader.GetDirection(), (len(reader.GetSize()),) * 2)[:3, :3]
    modality = reader.GetMetaData("0008|0060").strip() if reader.HasMetaDataKey("0008|0060") else ""
    return Header(
        tuple(size.tolist()),
        tuple(spacing.tolist()),
        turn if turn.shape == (3, 3) else np.eye(3),  # a DICOM slice read as 2D
        modality,
    )


def _slice_step(file: VolumeFile, spacing: np.ndarray) -> float:
    """mm between two slices of a DICOM series; the slice thickness where positions are not given."""
    places = []
    for path in (file.paths[0], file.paths[-1]):
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        places.append(np.array(reader.GetOrigin(), float))
    apart = float(np.linalg.norm(places[1] - places[0])) / max(1, len(file.paths) - 1)
    return apart if apart > 0 else float(spacing[-1])


def read_header(file: VolumeFile) -> sitk.ImageFileReader:
    """Size, spacing and pixel type of a volume, without its voxels.

    Raises
    ------
    DataError : unreadable, empty, 2D, 4D or colour.
    """
    reader = sitk.ImageFileReader()
    path = file.paths[0]
    try:
        if path.stat().st_size == 0:
            raise DataError(path, "the file is empty", "copy it again")
        with _alone(path) as safe:
            reader.SetFileName(str(safe))
            reader.ReadImageInformation()
    except OSError as error:
        raise DataError(path, f"cannot be opened ({error.strerror})", "check that you may read it") from error
    except RuntimeError as error:
        raise DataError(
            path, "not a readable volume", "check that it is the format its name says, or copy it again"
        ) from error
    size = reader.GetSize()
    shape = "x".join(str(n) for n in size)
    if reader.GetNumberOfComponents() > 1:
        raise DataError(
            file.path,
            f"has {reader.GetNumberOfComponents()} values a voxel (colour or vectors)",
            "give a grey-scale volume",
        )
    if file.sample is None and len(size) > 3 and any(n > 1 for n in size[3:]):
        raise DataError(
            file.path,
            f"is {len(size)}D ({shape})",
            "give one 3D volume: split the series or take one time point (a synthetic cohort may keep samples so)",
        )
    # A slice of a series is read as 2D or as x 1; a multi-frame file has its frames on the third axis.
    slices = len(file.paths) if len(file.paths) > 1 else (size[2] if len(size) > 2 else 1)
    if min(*size[:2], slices) < 2:
        raise DataError(file.path, f"is a single 2D slice ({shape})", "give a 3D volume; slices are not compared")
    return reader


def read_volume(file: VolumeFile) -> sitk.Image:
    """Read a grey-scale 3D volume, stored values untouched; as it lies by its file, or by what is known better.

    Returns
    -------
    Image of scalar type with three axes; world coordinates are LPS mm.

    Raises
    ------
    DataError : unreadable, empty, truncated, 2D, 4D, colour, not finite, or constant.
    """
    return as_it_lies(read_as_filed(file), file)


def read_as_filed(file: VolumeFile) -> sitk.Image:
    """As `read_volume`, lying as the file says."""
    image = _read(file)
    values = sitk.GetArrayViewFromImage(image)
    if values.dtype.kind == "f" and not all(np.isfinite(plane).all() for plane in values):
        raise not_finite(Path(file.subject), int((~np.isfinite(values)).sum()), values.size)
    if all((plane == values[0, 0, 0]).all() for plane in values):  # mostly settled by the first planes
        raise DataError(file.subject, f"every voxel is {values.flat[0]}", "a constant volume cannot be compared")
    return image


def as_it_lies(image: sitk.Image, file: VolumeFile) -> sitk.Image:
    """An image read from a file as it lies by what is known better than the file; the image itself without that."""
    if not file.orientation and file.spacing is None:
        return image
    way = orientation_of(file.orientation) if file.orientation else orientation_in(image)
    return laid(image, way, file.spacing)


def read_segmentation(file: VolumeFile, volume: sitk.Image) -> sitk.Image:
    """Read the label map that belongs to `volume`; both lie as their files say.

    Returns
    -------
    Image of uint16 on the grid of `volume`; 0 is background.

    Raises
    ------
    DataError : as `read_volume` (an empty label map is allowed), labels that are not whole numbers from 0 to
        65535, or a grid that is not the volume's.
    """
    image = _read(file)
    values = sitk.GetArrayViewFromImage(image)
    whole = values.dtype.kind in "ui" or (bool(np.isfinite(values).all()) and bool((values == np.rint(values)).all()))
    if not whole or values.min() < 0 or values.max() > LARGEST_LABEL:
        raise DataError(
            file.path,
            "is not a label map (values must be whole numbers from 0 to 65535)",
            "give the segmentation, not a probability map",
        )
    if difference := grid_difference(image, volume):
        raise DataError(
            file.path,
            f"lies on another grid than its volume ({difference})",
            "resample it onto the volume with nearest neighbour; the volume is used without it",
        )
    return sitk.Cast(image, sitk.sitkUInt16)


def grid_difference(one: sitk.Image, other: sitk.Image) -> str:
    """In words, the first way in which two grids differ by more than a hundredth voxel; '' when they agree."""
    if one.GetSize() != other.GetSize():
        return f"{'x'.join(map(str, one.GetSize()))} against {'x'.join(map(str, other.GetSize()))} voxels"
    voxel = min(other.GetSpacing())
    for what, a, b, allowed in (
        ("spacing", one.GetSpacing(), other.GetSpacing(), GRID_TOLERANCE * voxel),
        ("origin", one.GetOrigin(), other.GetOrigin(), 10 * GRID_TOLERANCE * voxel),
        ("orientation", one.GetDirection(), other.GetDirection(), GRID_TOLERANCE),
    ):
        if not np.allclose(a, b, rtol=0, atol=allowed):
            return f"{what} {np.round(a, 3).tolist()} against {np.round(b, 3).tolist()}"
    return ""


def _read(file: VolumeFile) -> sitk.Image:
    if file.is_array:
        return _without_geometry(sitk.GetImageFromArray(read_array(file.paths[0], file.array, file.sample)), file)
    if file.is_slices:
        return _without_geometry(_read_pictures(file), file)
    header = read_header(file)
    if file.sample is not None:
        return _read_frame(file, header, file.sample)
    return _read_file(file.paths[0], header) if len(file.paths) == 1 else _read_series(file)


def _without_geometry(image: sitk.Image, file: VolumeFile) -> sitk.Image:
    """Axes as z upwards, y backwards, x to the patient's left, until the cohort is seen to lie otherwise."""
    image.SetSpacing((1.0, 1.0, 1.0))
    image.SetOrigin((0.0, 0.0, 0.0))
    image.SetDirection(np.eye(3).ravel().tolist())
    return image


def _read_pictures(file: VolumeFile) -> sitk.Image:
    """Pictures of slices as a volume, the first slice lowest; grey ones saved as colour become grey again."""
    try:
        image = sitk.ReadImage([str(path) for path in file.paths] if len(file.paths) > 1 else str(file.paths[0]))
    except RuntimeError as error:
        raise DataError(file.path, "its slices cannot be read, or are of several sizes", "copy them again") from error
    if image.GetNumberOfComponentsPerPixel() > 1:
        values = sitk.GetArrayViewFromImage(image)
        if any((values[..., 0] != values[..., channel]).any() for channel in range(1, min(3, values.shape[-1]))):
            raise DataError(file.path, "its slices are coloured", "save grey-scale slices")
        image = sitk.VectorIndexSelectionCast(image, 0)
    return image


def _read_frame(file: VolumeFile, header: sitk.ImageFileReader, frame: int) -> sitk.Image:
    """One frame of an image with a fourth axis."""
    size = list(header.GetSize())
    if len(size) < 4 or frame >= size[3]:
        raise DataError(file.subject, "is not there any more", "run match again")
    reader = sitk.ImageFileReader()
    with _alone(file.paths[0]) as safe:
        reader.SetFileName(str(safe))
        reader.SetExtractSize([*size[:3], 0, *size[4:]])
        reader.SetExtractIndex([0, 0, 0, frame, *([0] * len(size[4:]))])
        try:
            return reader.Execute()
        except RuntimeError as error:
            raise DataError(
                file.subject, "its voxels cannot be read (truncated or damaged)", "copy it again"
            ) from error


def _read_file(path: Path, header: sitk.ImageFileReader) -> sitk.Image:
    try:
        image = read_nifti(path, header) if extension_of(path) in NIFTI else None
        if image is None:
            with _alone(path) as safe:
                image = sitk.ReadImage(str(safe))
    except RuntimeError as error:
        raise DataError(path, "its voxels cannot be read (truncated or damaged)", "copy it again") from error
    while image.GetDimension() > 3:  # "x 1": a 3D volume written with a fourth axis
        size = list(image.GetSize())
        size[-1] = 0
        image = sitk.Extract(image, size, [0] * len(size))
    if image.GetNumberOfComponentsPerPixel() > 1:
        raise DataError(path, "has several values a voxel", "give a grey-scale volume")
    return image


def _read_series(file: VolumeFile) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in file.paths])
    reader.MetaDataDictionaryArrayUpdateOn()
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise DataError(
            file.path,
            "the DICOM series cannot be read (a slice is damaged or of another size)",
            "copy it again",
        ) from error
    normal = np.array(image.GetDirection()).reshape(3, 3)[:, 2]
    places = []
    for index in range(len(file.paths)):
        if reader.HasMetaDataKey(index, "0020|0032"):
            text = reader.GetMetaData(index, "0020|0032")
            places.append(float(np.dot([float(part) for part in text.split("\\")], normal)))
    steps = np.abs(np.diff(places))
    if len(steps) and steps.max() - steps.min() > 0.1 * np.median(steps):
        raise DataError(
            file.path,
            f"slices are missing or unevenly spaced ({steps.min():.2f} to {steps.max():.2f} mm)",
            "export the whole series again",
        )
    return image


@contextmanager
def _alone(path: Path) -> Iterator[Path]:
    """`path` under a name that no sibling shares.

    ITK's NIfTI reader looks for header and voxels by stem: asked for "a.nii.gz" it returns the voxels of a
    sibling "a.nii" (seen with SimpleITK 2.5.7). A link in a folder of its own has no siblings.
    """
    if extension_of(path) not in NIFTI:
        yield path
        return
    siblings = [
        path.with_name(name_of(path) + end) for end in (".nii", ".nii.gz", ".hdr", ".img", ".img.gz", ".hdr.gz")
    ]
    if not any(other != path and other.exists() for other in siblings):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, path.name)
        try:
            link.symlink_to(path.resolve())
        except OSError:  # no links on this file system
            link.write_bytes(path.read_bytes())
        yield link
