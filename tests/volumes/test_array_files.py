"""Volumes as generators keep them: arrays, samples in one file, pictures of slices; nothing passed over in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import SimpleITK as sitk
import torch

from napari_relict.errors import DataError
from napari_relict.volumes.finding import find_volumes, passed_over
from napari_relict.volumes.reading import header_of, read_volume
from napari_relict.volumes.spacings import read_spacings, with_spacing

Write = Callable[[Path, np.ndarray], Path]


def _npy(folder: Path, values: np.ndarray) -> Path:
    np.save(folder / "made.npy", values)
    return folder / "made.npy"


def _npz(folder: Path, values: np.ndarray) -> Path:
    np.savez_compressed(folder / "made.npz", volumes=values, epoch=np.array(3), losses=np.zeros(7))
    return folder / "made.npz"


def _pt(folder: Path, values: np.ndarray) -> Path:
    torch.save({"volumes": torch.from_numpy(values), "step": 7}, folder / "made.pt")
    return folder / "made.pt"


def _old_pt(folder: Path, values: np.ndarray) -> Path:
    torch.save(torch.from_numpy(values), folder / "made.pth", _use_new_zipfile_serialization=False)
    return folder / "made.pth"


def _h5(folder: Path, values: np.ndarray) -> Path:
    with h5py.File(folder / "made.h5", "w") as file:
        file["epoch/volumes"] = values
        file["epoch/losses"] = np.zeros(5)
    return folder / "made.h5"


WRITERS = [_npy, _npz, _pt, _old_pt, _h5]


@pytest.fixture
def samples() -> np.ndarray:
    return np.random.default_rng(4).normal(size=(3, 5, 6, 7)).astype(np.float32)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("channel", [False, True])
def test_each_sample_of_a_file_is_a_volume(write: Write, channel: bool, samples: np.ndarray, tmp_path: Path) -> None:
    write(tmp_path, samples[:, None] if channel else samples)
    files, problems = find_volumes(tmp_path)
    assert not problems and [file.name for file in files] == [f"made-000{n}" for n in range(3)]
    for number, file in enumerate(files):
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read_volume(file)), samples[number])
    assert len({file.stamp() for file in files}) == 3


@pytest.mark.parametrize("write", WRITERS)
def test_an_array_of_three_axes_is_one_volume(write: Write, samples: np.ndarray, tmp_path: Path) -> None:
    write(tmp_path, samples[None, None, 0])
    (file,), problems = find_volumes(tmp_path)
    assert not problems and file.name == "made"
    image = read_volume(file)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), samples[0])
    assert image.GetSpacing() == (1.0, 1.0, 1.0) and header_of(file).size == (7, 6, 5)


def test_one_file_of_samples_is_a_cohort(samples: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "made.npy", samples)
    np.save(tmp_path / "other.npy", samples)
    files, problems = find_volumes(tmp_path / "made.npy")
    assert [file.name for file in files] == ["made-0000", "made-0001", "made-0002"] and not problems
    assert passed_over(tmp_path / "made.npy", files) == ""


def test_arrays_by_name_are_volumes_by_name(samples: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "made.npz", first=samples[0], second=samples[1:])
    files, _ = find_volumes(tmp_path)
    assert [file.name for file in files] == ["made-first", "made-second-0000", "made-second-0001"]
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_volume(files[2])), samples[2])


def test_half_precision_and_other_byte_orders_keep_their_values(samples: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "half.npy", samples[0].astype(np.float16))
    np.save(tmp_path / "big.npy", (samples[0] * 100).astype(">i2"))
    torch.save(torch.from_numpy(samples[0]).bfloat16(), tmp_path / "brain.pt")
    values = {file.name: sitk.GetArrayFromImage(read_volume(file)) for file in find_volumes(tmp_path)[0]}
    np.testing.assert_array_equal(values["half"], samples[0].astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(values["big"], (samples[0] * 100).astype(np.int16))
    np.testing.assert_array_equal(values["brain"], torch.from_numpy(samples[0]).bfloat16().float().numpy())


class _Harmful:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return exec, ("raise SystemExit('code in a file was run')",)


@pytest.mark.parametrize(
    ("write", "wrong"),
    [
        (lambda folder: np.save(folder / "bad.npy", np.zeros((5, 6, 7, 3, 2, 2))), "several channels"),
        (lambda folder: np.save(folder / "bad.npy", np.zeros((40, 40, 3))), "colour"),
        (lambda folder: np.save(folder / "bad.npy", np.zeros((40, 40))), "no volume"),
        (lambda folder: np.save(folder / "bad.npy", np.array([_Harmful()]), allow_pickle=True), "of objects"),
        (lambda folder: torch.save(_Harmful(), folder / "bad.pt"), "of objects"),
        (lambda folder: (folder / "bad.h5").write_bytes(b"no HDF5"), "damaged"),
        (lambda folder: (folder / "bad.npz").write_bytes(b"PK no archive"), "damaged"),
        (lambda folder: (folder / "bad.npy").write_bytes(b""), "empty"),
    ],
)
def test_what_is_no_volume_is_refused_by_name(
    write: Callable[[Path], object], wrong: str, samples: np.ndarray, tmp_path: Path
) -> None:
    write(tmp_path)
    np.save(tmp_path / "good.npy", samples[0])
    (file,), (problem,) = find_volumes(tmp_path)
    assert file.name == "good"
    assert wrong in problem.wrong and "bad" in problem.subject and "\n" not in str(problem)


def test_a_bad_sample_is_named_and_its_neighbours_are_read(samples: np.ndarray, tmp_path: Path) -> None:
    samples[1, 2, 2, 2] = np.nan
    np.save(tmp_path / "made.npy", samples)
    files, _ = find_volumes(tmp_path)
    with pytest.raises(DataError, match=r"made\.npy\[1\]: 1 of 210 voxels are NaN"):
        read_volume(files[1])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_volume(files[2])), samples[2])


def test_a_changed_file_is_said(samples: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "made.npy", samples)
    files, _ = find_volumes(tmp_path)
    np.save(tmp_path / "made.npy", samples[0])
    with pytest.raises(DataError, match="other arrays"):
        read_volume(files[2])


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_frames_of_an_image_are_samples_where_that_is_asked_for(
    ending: str, samples: np.ndarray, tmp_path: Path
) -> None:
    frames = [sitk.GetImageFromArray(one) for one in samples]
    for frame in frames:
        frame.SetSpacing((1.0, 2.0, 3.0))
        frame.SetOrigin((-4.0, 5.0, 6.0))
    sitk.WriteImage(sitk.JoinSeries(frames), str(tmp_path / f"made{ending}"))
    files, problems = find_volumes(tmp_path, frames=True)
    assert not problems and len(files) == 3
    image = read_volume(files[2])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), samples[2])
    assert image.GetSpacing() == (1.0, 2.0, 3.0) and image.GetOrigin() == (-4.0, 5.0, 6.0)
    (whole,), _ = find_volumes(tmp_path)
    with pytest.raises(DataError, match="is 4D"):
        read_volume(whole)


@pytest.mark.parametrize(("ending", "pixel"), [(".png", np.uint8), (".png", np.uint16), (".tif", np.float32)])
def test_a_folder_of_pictures_is_a_volume_in_the_order_people_count(
    ending: str, pixel: type[np.generic], tmp_path: Path
) -> None:
    values = np.random.default_rng(1).integers(0, 200, (12, 9, 10)).astype(pixel)
    (tmp_path / "sample-a").mkdir()
    for number, piece in enumerate(values, start=1):
        sitk.WriteImage(sitk.GetImageFromArray(piece), str(tmp_path / "sample-a" / f"slice{number}{ending}"))
    (file,), problems = find_volumes(tmp_path)
    assert not problems and file.name == "sample-a"
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_volume(file)), values)


def test_grey_pictures_saved_as_colour_are_grey_again_and_coloured_ones_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 200, (9, 9, 10, 1)).astype(np.uint8)
    for name, colours in (("grey", np.repeat(values, 3, -1)), ("red", values * np.array([1, 0, 0], np.uint8))):
        (tmp_path / name).mkdir()
        for number, piece in enumerate(colours):
            picture = sitk.GetImageFromArray(piece, isVector=True)
            sitk.WriteImage(picture, str(tmp_path / name / f"{number}.png"))
    grey, red = find_volumes(tmp_path)[0]
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_volume(grey)), values[..., 0])
    with pytest.raises(DataError, match="red: its slices are coloured"):
        read_volume(red)


def test_a_tiff_with_pages_is_a_volume_of_its_own(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 200, (2, 9, 8, 10)).astype(np.uint8)
    for number in range(2):
        sitk.WriteImage(sitk.GetImageFromArray(values[number]), str(tmp_path / f"stack{number}.tif"))
    files, _ = find_volumes(tmp_path)
    assert [file.name for file in files] == ["stack0", "stack1"]
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_volume(files[1])), values[1])


def test_what_is_passed_over_is_counted_by_ending(samples: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "made.npy", samples[0])
    image = sitk.GetImageFromArray(samples[0])
    sitk.WriteImage(image, str(tmp_path / "other.mhd"))  # its voxels lie in other.raw
    for name in ("a.txt", "b.txt", "c.json"):
        (tmp_path / name).write_text("x")
    files, _ = find_volumes(tmp_path)
    assert passed_over(tmp_path, files) == "3 files are no volume and passed over: 2 .txt, 1 .json"
    with pytest.raises(DataError, match=r"no volume in it \(1 file is no volume and passed over: 1 \.foo\)"):
        (tmp_path / "empty").mkdir()
        (tmp_path / "empty" / "a.foo").write_text("x")
        find_volumes(tmp_path / "empty")


def test_spacing_is_told_by_number_or_by_a_table(samples: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "made.npy", samples)
    sitk.WriteImage(sitk.GetImageFromArray(samples[0]), str(tmp_path / "known.nii.gz"))
    files, _ = find_volumes(tmp_path)
    told, untold = with_spacing(files, (3.0, 2.0, 1.0))
    assert not untold and told[0] == files[0]  # known.nii.gz says so itself
    assert read_volume(told[1]).GetSpacing() == (1.0, 2.0, 3.0)
    assert told[1].stamp() != files[1].stamp()  # prepared anew when it is said otherwise
    (tmp_path / "spacings.csv").write_text("volume,z,y,x\nmade-0001,5,0.5,0.5\n")
    told, untold = with_spacing(files, read_spacings(tmp_path / "spacings.csv"))
    assert untold == ["made-0000", "made-0002"]
    assert read_volume(told[2]).GetSpacing() == (0.5, 0.5, 5.0)


@pytest.mark.parametrize("line", ["made,0,1,1", "made,1,1", "made,1,x,1", "made,1e30,1,1"])
def test_a_spacing_that_cannot_be_is_refused_by_its_line(line: str, tmp_path: Path) -> None:
    (tmp_path / "spacings.csv").write_text(f"volume,z,y,x\n{line}\n")
    with pytest.raises(DataError, match=r"spacings\.csv: line 2 has no spacing"):
        read_spacings(tmp_path / "spacings.csv")
