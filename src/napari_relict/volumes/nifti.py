"""Voxels of a NIfTI-1 file, read once: checked for what ITK hides, and in plain files placed without ITK's help.

Geometry and pixel type are always ITK's, from the header it has read.
"""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import SimpleITK as sitk
from isal.igzip_lib import IsalError
from isal.isal_zlib import _GzipReader

from napari_relict.errors import DataError

HEADER = 352  # bytes before the voxels, at least
PIECE = 1 << 18  # decompressed bytes looked at together: they stay in the processor's cache
PACKED_PIECE = 1 << 19
MOST_PACKED = 1032  # bytes that deflate packs into one, at best
LARGEST_OFFSET = 1 << 40
DAMAGE = (OSError, EOFError, cast(type[Exception], IsalError))  # its stub takes the class for an instance

# NIfTI's code of what a voxel is -> numpy's and ITK's.
VOXELS = {
    2: ("u1", sitk.sitkUInt8),
    4: ("i2", sitk.sitkInt16),
    8: ("i4", sitk.sitkInt32),
    16: ("f4", sitk.sitkFloat32),
    64: ("f8", sitk.sitkFloat64),
    512: ("u2", sitk.sitkUInt16),
}


class Stream(Protocol):
    def readinto(self, place: memoryview, /) -> int | None: ...
    def seek(self, offset: int, whence: int, /) -> int: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Layout:
    """What a header says about the voxels.

    Attributes
    ----------
    offset, expected : bytes before the voxels, and of the voxels.
    sizes : voxels along each axis, as many as the file has.
    kind : numpy's type of a voxel, with its byte order; None for colours and other types.
    pixel : ITK's type of it; only meaningful with a kind.
    scaled : the stored values are not yet the values.
    single : the header says that voxels follow it in the same file; an ANALYZE header does not.
    """

    offset: int
    expected: int
    sizes: tuple[int, ...]
    kind: np.dtype[np.generic] | None
    pixel: int
    scaled: bool
    single: bool

    def is_plain(self, header: sitk.ImageFileReader, most: int) -> bool:
        """Whether the stored bytes, at most `most`, are the voxels of the image that ITK would make."""
        size = tuple(header.GetSize())
        return (
            self.kind is not None
            and self.single
            and not self.scaled
            and self.offset >= HEADER
            and self.expected == math.prod(size) * self.kind.itemsize <= most
            and self.sizes[:3] == size[:3]
            and header.GetPixelID() == self.pixel
        )


def read_nifti(path: Path, header: sitk.ImageFileReader) -> sitk.Image | None:
    """Look for damage, and for NaN, which ITK's reader fills with zeros without a word; read a plain file on the way.

    Parameters
    ----------
    header : what ITK read from `path`.

    Returns
    -------
    Image equal to ITK's, on as many axes as `header` has; None when ITK has to read the file (scaled values,
    NIfTI-2, other types).

    Raises
    ------
    DataError : truncated, damaged, or not finite.
    """
    packed = path.name.lower().endswith(".gz")
    most = path.stat().st_size * (MOST_PACKED if packed else 1)
    try:
        with path.open("rb", buffering=0) as file:
            stream: Stream = _GzipReader(file, PACKED_PIECE) if packed else file
            layout = _layout(stream)
            if layout is None:
                return None
            image = _empty(header) if layout.is_plain(header, most) else None
            memory = _memory(image) if image is not None else memoryview(b"")
            stream.seek(layout.offset, 0)
            total, bad = _read_voxels(stream, memory, layout)
    except DAMAGE as error:
        raise DataError(path, "the compressed file is truncated or damaged", "copy it again") from error
    if total < layout.expected:
        raise DataError(path, f"is truncated ({total} of {layout.expected} bytes of voxels)", "copy it again")
    if bad and layout.kind is not None:
        raise not_finite(path, bad, layout.expected // layout.kind.itemsize)
    if image is not None and layout.kind is not None and not layout.kind.isnative:
        np.frombuffer(memory, layout.kind).byteswap(inplace=True)
    return image


def not_finite(path: Path, bad: int, total: int) -> DataError:
    return DataError(
        path,
        f"{bad} of {total} voxels are NaN or infinite",
        "replace them (for example by the background value)",
    )


def _read_voxels(stream: Stream, memory: memoryview, layout: Layout) -> tuple[int, int]:
    """Read to the end (the checksum is there), into `memory` while it lasts; bytes seen, and voxels not finite."""
    scratch = memoryview(bytearray(PIECE))
    floats = layout.kind if layout.kind is not None and layout.kind.kind == "f" else None
    total = bad = 0
    while True:
        place = memory[total : total + PIECE] if total < len(memory) else scratch
        got = _fill(stream, place)
        if floats is not None:
            voxels = max(0, min(got, layout.expected - total)) // floats.itemsize
            bad += voxels - int(np.count_nonzero(np.isfinite(np.frombuffer(place, floats, voxels))))
        total += got
        if got < len(place):
            return total, bad


def _fill(stream: Stream, place: memoryview) -> int:
    """Bytes that came; fewer than `place` holds only at the end of the stream."""
    got = 0
    while got < len(place) and (more := stream.readinto(place[got:])):
        got += more
    return got


def _empty(header: sitk.ImageFileReader) -> sitk.Image:
    image = sitk.Image(header.GetSize(), header.GetPixelID())
    image.SetSpacing(header.GetSpacing())
    image.SetOrigin(header.GetOrigin())
    image.SetDirection(header.GetDirection())
    return image


def _memory(image: sitk.Image) -> memoryview:
    """The bytes of an image, to be written: valid as long as the image is.

    SimpleITK shows them for reading only and fills them by copying an array; this saves a copy of the volume.
    """
    view = sitk.GetArrayViewFromImage(image)
    return memoryview((ctypes.c_char * view.nbytes).from_address(view.ctypes.data)).cast("B")


def _layout(stream: Stream) -> Layout | None:
    """None when this is not NIfTI-1 (NIfTI-2 is left to ITK)."""
    header = bytearray(HEADER)
    if _fill(stream, memoryview(header)) < HEADER - 4:
        return None
    for order in ("<", ">"):
        if int.from_bytes(header[:4], "little" if order == "<" else "big") != 348:
            continue
        axes = np.frombuffer(header[40:56], order + "i2")
        code, bits = (int(number) for number in np.frombuffer(header[70:74], order + "i2"))
        offset, slope, shift = (float(number) for number in np.frombuffer(header[108:120], order + "f4"))
        if not 0 <= offset < LARGEST_OFFSET:
            return None
        sizes = tuple(max(1, int(number)) for number in axes[1 : 1 + max(0, int(axes[0]))])
        name, pixel = VOXELS.get(code, ("", sitk.sitkUnknown))
        kind = np.dtype(order + name) if name else None
        return Layout(
            offset=int(offset),
            expected=math.prod(sizes) * (kind.itemsize if kind is not None else bits // 8),  # ITK asks the type first
            sizes=sizes,
            kind=kind,
            pixel=pixel,
            scaled=slope not in (0.0, 1.0) or shift != 0.0,
            single=bytes(header[344:347]) == b"n+1",
        )
    return None
