"""Reading: geometry kept, and every kind of bad file refused by name in one line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import phantom
from napari_relict.errors import DataError
from napari_relict.volumes import VolumeFile, find_volumes, read_segmentation, read_volume
from napari_relict.volumes.finding import name_of


def _file(path: Path) -> VolumeFile:
    return VolumeFile(name_of(path), (path,))


@pytest.fixture
def image() -> sitk.Image:
    values, _ = phantom.head(3)
    image = phantom.to_image(values, (3.0, 2.0, 1.5), (-11.0, 7.0, 5.0))
    angle = np.deg2rad(20)
    image.SetDirection([np.cos(angle), -np.sin(angle), 0, np.sin(angle), np.cos(angle), 0, 0, 0, 1])
    return image


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"])
def test_geometry_and_values_survive_every_format(tmp_path: Path, image: sitk.Image, ending: str) -> None:
    sitk.WriteImage(image, str(tmp_path / f"head{ending}"))
    (found,), problems = find_volumes(tmp_path)
    assert found.name == "head"
    assert not problems
    read = read_volume(found)
    assert np.array_equal(sitk.GetArrayFromImage(read), sitk.GetArrayFromImage(image))
    np.testing.assert_allclose(read.GetSpacing(), image.GetSpacing(), rtol=1e-5)
    np.testing.assert_allclose(read.GetOrigin(), image.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(read.GetDirection(), image.GetDirection(), atol=1e-6)


def test_a_sibling_of_the_same_stem_is_not_read_instead(tmp_path: Path) -> None:
    one, other = phantom.head(1)[0], phantom.head(2)[0]
    packed = phantom.write(tmp_path, "a", one, ".nii.gz")
    plain = phantom.write(tmp_path, "a", other, ".nii")
    assert np.array_equal(sitk.GetArrayFromImage(read_volume(_file(packed))), one)
    assert np.array_equal(sitk.GetArrayFromImage(read_volume(_file(plain))), other)


def test_volumes_that_share_a_name_are_refused_and_the_rest_is_found(tmp_path: Path) -> None:
    for name, ending in (("a", ".nii.gz"), ("a", ".nrrd"), ("b", ".mha")):
        phantom.write(tmp_path, name, phantom.head(1)[0], ending)
    found, (problem,) = find_volumes(tmp_path)
    assert [file.name for file in found] == ["b"]
    assert "a.nii.gz" in str(problem)
    assert "a.nrrd" in str(problem)


def test_a_fourth_axis_of_one_is_dropped(tmp_path: Path) -> None:
    values = phantom.head(1)[0]
    four = sitk.JoinSeries([phantom.to_image(values)])
    sitk.WriteImage(four, str(tmp_path / "x.nii.gz"))
    read = read_volume(_file(tmp_path / "x.nii.gz"))
    assert read.GetDimension() == 3
    assert np.array_equal(sitk.GetArrayFromImage(read), values)


def _bad(tmp_path: Path, kind: str) -> Path:
    values = phantom.head(1)[0]
    good = phantom.write(tmp_path, "good", values, ".nii.gz").read_bytes()
    plain = phantom.write(tmp_path, "plain", values, ".nii").read_bytes()
    path = tmp_path / "bad.nii.gz"
    if kind == "text":
        path.write_text("this is not a volume")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(good[: len(good) // 2])
    elif kind == "truncated inside":
        path.write_bytes(gzip.compress(plain[: len(plain) // 2]))
    elif kind == "truncated plain":
        path = tmp_path / "bad.nii"
        path.write_bytes(plain[: len(plain) // 2])
    elif kind == "truncated nrrd":
        path = phantom.write(tmp_path, "bad", values, ".nrrd")
        path.write_bytes(path.read_bytes()[:3000])
    elif kind == "truncated mha":
        path = phantom.write(tmp_path, "bad", values, ".mha")
        path.write_bytes(path.read_bytes()[:3000])
    elif kind == "2D":
        sitk.WriteImage(sitk.GetImageFromArray(values[20]), str(path))
    elif kind == "one slice":
        sitk.WriteImage(sitk.GetImageFromArray(values[20:21]), str(path))
    elif kind == "4D":
        sitk.WriteImage(sitk.JoinSeries([phantom.to_image(values)] * 3), str(path))
    elif kind == "RGB":
        path = tmp_path / "bad.mha"
        image = sitk.GetImageFromArray(np.zeros((8, 8, 8, 3), np.uint8), isVector=True)
        sitk.WriteImage(image, str(path))
    elif kind == "NaN":
        phantom.write(tmp_path, "bad", np.full_like(values, np.nan))
    elif kind == "one NaN":
        values[3, 3, 3] = np.nan
        phantom.write(tmp_path, "bad", values)
    elif kind == "constant":
        phantom.write(tmp_path, "bad", np.full_like(values, 7))
    elif kind == "missing":
        pass
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("text", "not a readable volume"),
        ("empty", "empty"),
        ("truncated", "truncated"),
        ("truncated inside", "truncated"),
        ("truncated plain", "truncated"),
        ("truncated nrrd", "truncated"),
        ("truncated mha", "truncated"),
        ("2D", "2D slice"),
        ("one slice", "2D slice"),
        ("4D", "is 4D"),
        ("RGB", "3 values a voxel"),
        ("NaN", "NaN"),
        ("one NaN", "1 of 84480 voxels are NaN"),
        ("constant", "every voxel is 7"),
        ("missing", "cannot be opened"),
    ],
)
def test_bad_files_are_named_in_one_line(tmp_path: Path, kind: str, said: str) -> None:
    path = _bad(tmp_path, kind)
    with pytest.raises(DataError) as caught:
        read_volume(_file(path))
    text = str(caught.value)
    assert said in text
    assert path.name in text
    assert "\n" not in text


def test_segmentation_must_lie_on_the_volume(tmp_path: Path) -> None:
    values, labels = phantom.head(1)
    volume = phantom.to_image(values)
    good = phantom.write(tmp_path, "good", labels)
    read = read_segmentation(_file(good), volume)
    assert np.array_equal(sitk.GetArrayFromImage(read), labels)
    smaller = phantom.write(tmp_path, "smaller", labels[:-4])
    with pytest.raises(DataError, match="another grid"):
        read_segmentation(_file(smaller), volume)
    moved = phantom.to_image(labels, origin=(8, 0, 0))
    sitk.WriteImage(moved, str(tmp_path / "moved.nii.gz"))
    with pytest.raises(DataError, match="origin"):
        read_segmentation(_file(tmp_path / "moved.nii.gz"), volume)
    soft = phantom.write(tmp_path, "soft", labels.astype(np.float32) / 3)
    with pytest.raises(DataError, match="not a label map"):
        read_segmentation(_file(soft), volume)


def _write_dicom(folder: Path, values: np.ndarray, skip: int | None = None) -> None:
    pydicom = pytest.importorskip("pydicom")
    folder.mkdir(parents=True)
    series = pydicom.uid.generate_uid()
    for index, plane in enumerate(values):
        if index == skip:
            continue
        meta = pydicom.dataset.FileMetaDataset()
        meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
        meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        ds = pydicom.dataset.FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        ds.PatientName, ds.PatientID, ds.Modality = "Someone^Real", "42", "CT"
        ds.StudyInstanceUID, ds.SeriesInstanceUID = series + ".1", series
        ds.Rows, ds.Columns = plane.shape
        ds.PixelSpacing, ds.SliceThickness = [2.0, 1.5], 3.0
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [-10, -20, 3.0 * index], [1, 0, 0, 0, 1, 0]
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.PixelRepresentation = 15, 1
        ds.RescaleIntercept, ds.RescaleSlope = -1000, 1
        ds.PixelData = (plane + 1000).astype(np.int16).tobytes()
        ds.save_as(folder / f"slice{99 - index}.dcm", enforce_file_format=True)


def test_a_dicom_series_is_one_volume_in_hu(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(-1000, 1000, (6, 10, 12))
    _write_dicom(tmp_path / "cohort" / "case-7", values)
    (found,), problems = find_volumes(tmp_path / "cohort")
    assert (found.name, problems) == ("case-7", [])
    read = read_volume(found)
    assert np.array_equal(sitk.GetArrayFromImage(read), values)
    np.testing.assert_allclose(read.GetSpacing(), (1.5, 2.0, 3.0))
    np.testing.assert_allclose(read.GetOrigin(), (-10, -20, 0))


def test_a_dicom_series_with_a_gap_is_refused(tmp_path: Path) -> None:
    _write_dicom(tmp_path / "case", np.random.default_rng(0).integers(0, 9, (8, 10, 12)), skip=3)
    (found,), _ = find_volumes(tmp_path)
    with pytest.raises(DataError, match="missing or unevenly spaced"):
        read_volume(found)


def test_a_damaged_last_slice_is_said(tmp_path: Path) -> None:
    _write_dicom(tmp_path / "case", np.random.default_rng(0).integers(0, 9, (8, 10, 12)))
    last = tmp_path / "case" / "slice92.dcm"
    last.write_bytes(last.read_bytes()[:150])
    (found,), problems = find_volumes(tmp_path)
    assert len(found.paths) == 7
    assert "slice92.dcm" in str(problems[0])


def test_linked_folders_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    phantom.write(tmp_path / "elsewhere", "a", phantom.head(1)[0])
    (tmp_path / "cohort").mkdir()
    (tmp_path / "cohort" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "cohort")
    found, problems = find_volumes(tmp_path / "cohort")
    assert [file.name for file in found] == ["a"]
    assert not problems


def test_all_frames_in_one_dicom_file_are_one_volume(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 99, (6, 10, 12)).astype(np.uint8)
    _write_dicom(tmp_path / "case", values[:1].astype(int))
    (path,) = (tmp_path / "case").iterdir()
    pydicom = pytest.importorskip("pydicom")
    frames = pydicom.dcmread(path)
    frames.SOPClassUID = frames.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7.2"
    frames.NumberOfFrames = len(values)
    frames.BitsAllocated = frames.BitsStored = 8
    frames.HighBit, frames.PixelRepresentation = 7, 0
    del frames.RescaleIntercept, frames.RescaleSlope
    frames.PixelData = values.tobytes()
    frames.save_as(path, enforce_file_format=True)
    (found,), problems = find_volumes(tmp_path)
    assert not problems
    assert np.array_equal(sitk.GetArrayFromImage(read_volume(found)), values)
