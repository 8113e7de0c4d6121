"""The fast way into NIfTI gives what ITK gives, and sees the damage that Python's own gzip sees."""

from __future__ import annotations

import gzip
import io
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_relict.errors import DataError
from napari_relict.volumes import VolumeFile, read_volume
from napari_relict.volumes.finding import name_of
from napari_relict.volumes.nifti import PIECE, _fill, read_nifti
from napari_relict.volumes.reading import read_header

HEADER = np.dtype(
    [
        *(("size", "i4"), ("unused", "V36"), ("dim", "i2", 8), ("intent_p", "f4", 3), ("intent", "i2")),
        *(("datatype", "i2"), ("bitpix", "i2"), ("slice_start", "i2"), ("pixdim", "f4", 8), ("offset", "f4")),
        *(("slope", "f4"), ("inter", "f4"), ("slice_end", "i2"), ("slice_code", "u1"), ("units", "u1")),
        *(("cal", "f4", 4), ("gl", "i4", 2), ("text", "V104"), ("qform", "i2"), ("sform", "i2"), ("quatern", "f4", 6)),
        *(("srow", "f4", (3, 4)), ("name", "V16"), ("magic", "V4")),
    ]
)
PLAIN = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "u2": 512}
OTHER = {"i1": 256, "u4": 768, "i8": 1024, "u8": 1280}
VALUES = np.random.default_rng(0).integers(0, 99, (4, 5, 6))


def _file(path: Path) -> VolumeFile:
    return VolumeFile(name_of(path), (path,))


def _nifti(values: np.ndarray, geometry: sitk.Image | None = None, order: str = "<", **fields: object) -> bytes:
    """Bytes of a NIfTI-1 file of (z, y, x) values: the header is ITK's, with these fields set."""
    with tempfile.TemporaryDirectory() as folder:
        like = sitk.Image(values.shape[::-1], sitk.sitkUInt8)
        if geometry is not None:
            like.CopyInformation(geometry)
        sitk.WriteImage(like, f"{folder}/a.nii")
        header = np.frombuffer(Path(folder, "a.nii").read_bytes(), HEADER, 1).copy()
    name = values.dtype.str[1:]
    header["datatype"], header["bitpix"] = (PLAIN | OTHER)[name], 8 * values.dtype.itemsize
    for field, value in fields.items():
        header[field] = value
    gap = b"\0" * (int(header["offset"][0]) - 348)
    return header.astype(HEADER.newbyteorder(order)).tobytes() + gap + values.astype(order + name).tobytes()


def _by_itk(path: Path) -> sitk.Image:
    image = sitk.ReadImage(str(path))
    return image if image.GetDimension() == 3 else sitk.Extract(image, [*image.GetSize()[:3], 0], [0] * 4)


def _assert_same(image: sitk.Image, expected: sitk.Image) -> None:
    assert image.GetPixelID() == expected.GetPixelID()
    assert image.GetSize() == expected.GetSize()
    assert image.GetSpacing() == expected.GetSpacing()
    assert image.GetOrigin() == expected.GetOrigin()
    assert image.GetDirection() == expected.GetDirection()
    assert sitk.GetArrayFromImage(image).tobytes() == sitk.GetArrayFromImage(expected).tobytes()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_equal_to_itk_whatever_the_header_says(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*PLAIN, *OTHER]), "type")
    shape = data.draw(st.tuples(*[st.integers(2, 9)] * 3), "shape")
    random = np.random.default_rng(data.draw(st.integers(0, 99), "seed"))
    info = np.iinfo(name) if name[0] in "ui" else None
    values = random.integers(info.min, info.max, shape, name) if info else random.normal(0, 1e4, shape).astype(name)
    geometry = sitk.Image(shape[::-1], sitk.sitkUInt8)
    geometry.SetSpacing(data.draw(st.tuples(*[st.floats(0.1, 9)] * 3), "spacing"))
    geometry.SetOrigin(data.draw(st.tuples(*[st.floats(-300, 300)] * 3), "origin"))
    turn = sitk.Euler3DTransform((0, 0, 0), *data.draw(st.tuples(*[st.floats(-3, 3)] * 3), "turn")).GetMatrix()
    flip = data.draw(st.sampled_from([1, -1]), "handedness")
    geometry.SetDirection((np.reshape(turn, (3, 3)) * [1, 1, flip]).ravel().tolist())
    fields: dict[str, object] = {
        "slope": data.draw(st.sampled_from([0, 1, 1, 1, 2, -0.5, np.nan]), "slope"),
        "inter": data.draw(st.sampled_from([0, 0, 0, -1024, 0.5]), "inter"),
        "units": data.draw(st.sampled_from([0, 1, 2, 3, 10]), "units"),
        "qform": data.draw(st.sampled_from([0, 1, 2]), "qform"),
        "sform": data.draw(st.sampled_from([0, 1, 4]), "sform"),
        "offset": data.draw(st.sampled_from([352, 352, 368, 4000]), "offset"),
    }
    axes = data.draw(st.sampled_from([3, 4, 5]), "axes")
    fields["dim"] = [axes, *shape[::-1], 1, 1, 1, 1]
    order = data.draw(st.sampled_from(["<", ">"]), "order")
    stored = _nifti(values, geometry, order, **fields)
    packed = data.draw(st.booleans(), "packed")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.nii.gz" if packed else "a.nii")
        path.write_bytes(gzip.compress(stored) if packed else stored)
        expected = _by_itk(path)
        _assert_same(read_volume(_file(path)), expected)
        plain = name in PLAIN and fields["slope"] in (0, 1) and fields["inter"] == 0
        assert (read_nifti(path, read_header(_file(path))) is not None) == plain


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", ["i2", "f8"])
def test_volumes_of_many_pieces_are_whole(tmp_path: Path, name: str, order: str) -> None:
    values = np.random.default_rng(1).integers(0, 9999, (61, 62, 71)).astype(name)
    assert values.nbytes > 2 * PIECE
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(_nifti(values, order=order), 1))
    _assert_same(read_volume(_file(path)), _by_itk(path))
    assert read_nifti(path, read_header(_file(path))) is not None


@pytest.mark.parametrize("differs", [VALUES.astype("i2").reshape(5, 4, 6), VALUES.astype("u2")])
def test_what_itk_calls_of_another_size_or_type_is_left_to_it(tmp_path: Path, differs: np.ndarray) -> None:
    one, other = tmp_path / "a.nii", tmp_path / "b.nii"
    one.write_bytes(_nifti(VALUES.astype("i2")))
    other.write_bytes(_nifti(differs))
    assert read_nifti(one, read_header(_file(other))) is None


def test_a_stream_that_comes_in_drops_fills_its_place() -> None:
    class Drops(io.BytesIO):
        def readinto(self, place: object, /) -> int:
            return super().readinto(memoryview(place)[:3])  # type: ignore[arg-type]

    place = bytearray(10)
    assert _fill(Drops(b"0123456789abc"), memoryview(place)) == 10
    assert bytes(place) == b"0123456789"
    assert _fill(Drops(b"0123"), memoryview(place)) == 4


def test_a_compressed_block_that_is_none_is_damage(tmp_path: Path) -> None:
    packer = zlib.compressobj(wbits=31)
    values = np.random.default_rng(3).normal(size=(50, 50, 50))  # the header is read before the damage is met
    start = packer.compress(_nifti(values)) + packer.flush(zlib.Z_FULL_FLUSH)
    path = tmp_path / "a.nii.gz"
    path.write_bytes(start + b"\xff" * 40)  # there is no block of type 3
    with pytest.raises(DataError, match="truncated or damaged"):
        read_volume(_file(path))


def test_neither_siblings_nor_their_headers_matter(tmp_path: Path) -> None:
    packed, plain = tmp_path / "a.nii.gz", tmp_path / "a.nii"
    packed.write_bytes(gzip.compress(_nifti(VALUES.astype("i2"))))
    expected = _by_itk(packed)
    plain.write_bytes(_nifti(np.arange(60).reshape(3, 4, 5).astype("f4")))
    _assert_same(read_volume(_file(packed)), expected)
    assert read_volume(_file(plain)).GetSize() == (5, 4, 3)


@pytest.mark.parametrize("end", ["member", "zeros", "more voxels"])
def test_what_gzip_allows_after_the_end_is_allowed(tmp_path: Path, end: str) -> None:
    stored = _nifti(VALUES.astype("f4"))
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(stored))
    expected = _by_itk(path)
    whole = {
        "member": gzip.compress(stored[:400]) + gzip.compress(stored[400:]),
        "zeros": gzip.compress(stored) + bytes(100),
        "more voxels": gzip.compress(stored + np.full(PIECE, np.nan).tobytes()),
    }
    path.write_bytes(whole[end])
    _assert_same(read_volume(_file(path)), expected)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_seen_wherever_python_sees_it(data: st.DataObject) -> None:
    good = gzip.compress(_nifti(VALUES.astype(data.draw(st.sampled_from(["i2", "f4", "i1"]), "type"))), mtime=0)
    kind = data.draw(st.sampled_from(["cut", "flipped", "garbage", "second cut"]), "kind")
    at = data.draw(st.integers(1, len(good) - 1), "at")
    bad = {
        "cut": good[:at],
        "flipped": good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255), "bits")]) + good[at + 1 :],
        "garbage": good + bytes([at % 255 + 1]) * at,
        "second cut": good + good[:at],
    }[kind]
    try:
        gzip.decompress(bad)
    except (OSError, EOFError, zlib.error):
        damaged = True
    else:
        damaged = False  # a byte of the gzip header that says when and where it was made
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.nii.gz")
        path.write_bytes(bad)
        if damaged:
            with pytest.raises(
                DataError, match=r"a\.nii\.gz: (the compressed file is truncated|not a readable)"
            ) as said:
                read_volume(_file(path))
            assert "\n" not in str(said.value)
        else:
            _assert_same(read_volume(_file(path)), _by_itk(path))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("slope", [1, 2])  # read by us, and by ITK
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_voxels_that_are_missing_or_not_finite_are_counted(
    tmp_path: Path, ending: str, slope: float, order: str
) -> None:
    def said(stored: bytes) -> str:
        path = tmp_path / f"a{ending}"
        path.write_bytes(gzip.compress(stored) if ending == ".nii.gz" else stored)
        with pytest.raises(DataError) as caught:
            read_volume(_file(path))
        return str(caught.value)

    values = np.random.default_rng(2).normal(size=(50, 60, 70)).astype("f4")
    assert "is truncated (839999 of 840000 bytes of voxels)" in said(_nifti(values, order=order, slope=slope)[:-1])
    assert "is truncated (0 of 840000 bytes of voxels)" in said(_nifti(values, order=order, slope=slope)[:352])
    values[[0, 20, -1], [0, 3, -1], [0, 9, -1]] = [np.nan, np.inf, -np.inf]
    assert "3 of 210000 voxels are NaN or infinite" in said(_nifti(values, order=order, slope=slope))


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_header_that_claims_a_house_takes_no_memory(tmp_path: Path, ending: str) -> None:
    stored = _nifti(VALUES.astype("f8"), dim=[3, 32767, 32767, 32767, 1, 1, 1, 1])
    path = tmp_path / f"a{ending}"
    path.write_bytes(gzip.compress(stored) if ending == ".nii.gz" else stored)
    with pytest.raises(DataError, match=r"is truncated \(960 of 281"):
        read_volume(_file(path))


@pytest.mark.parametrize(
    ("fields", "plain"),
    [
        ({"size": 340}, False),
        ({"magic": b"no\0\0"}, False),
        ({"magic": b"ni1\0"}, False),
        ({"bitpix": 8}, True),  # ITK looks at the type only
        ({"datatype": 3}, False),
        ({"dim": [0] * 8}, False),
    ],
)
def test_a_header_that_makes_no_sense_is_read_as_itk_reads_it(
    tmp_path: Path, fields: dict[str, object], plain: bool
) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(_nifti(VALUES.astype("i2"), **fields)))
    try:
        expected = _by_itk(path)
    except RuntimeError:
        with pytest.raises(DataError):
            read_volume(_file(path))
    else:
        _assert_same(read_volume(_file(path)), expected)
        assert (read_nifti(path, read_header(_file(path))) is not None) == plain


@pytest.mark.parametrize("offset", [np.nan, np.inf, -5, 1e30, 1e9, 0, 340])
def test_a_place_of_voxels_that_makes_no_sense_is_refused_or_left_to_itk(tmp_path: Path, offset: float) -> None:
    path = tmp_path / "a.nii.gz"
    stored = bytearray(_nifti(VALUES.astype("i2")))
    stored[108:112] = np.float32(offset).tobytes()
    path.write_bytes(gzip.compress(bytes(stored)))
    try:
        image = read_volume(_file(path))
    except DataError as error:
        assert "a.nii.gz" in str(error)
    else:
        _assert_same(image, _by_itk(path))
