"""Volumes as generators keep them: arrays in NumPy, PyTorch and HDF5 files, without any geometry.

An array of three axes is a volume (z, y, x). Axes of length one before them are channels and batches of one. With
four axes left the first one counts samples; five are samples with a channel, which must be one.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import h5py
import numpy as np

from napari_relict.errors import DataError

NUMPY = (".npy", ".npz")
TORCH = (".pt", ".pth")
HDF5 = (".hdf5", ".h5")
ARRAYS = (*NUMPY, *TORCH, *HDF5)
SMALLEST_SIDE = 2


def samples_in(path: Path) -> list[tuple[str, int | None]]:
    """Arrays of a file that are volumes: their names, and how many samples each holds.

    Parameters
    ----------
    path : Path
        A file with one of the endings `ARRAYS`.

    Returns
    -------
    list of (str, int or None)
        Name ("" in a file of one array without a name) and number of samples; None where it is one volume.

    Raises
    ------
    DataError
        Damaged, no array in it has three axes or more, or colour.
    """
    shapes = _shapes(path)
    volumes = {name: shape for name, shape in shapes.items() if len(_squeezed(shape)) >= 3}
    if not volumes:
        told = ", ".join(f"{name or 'array'} {'x'.join(map(str, shape))}" for name, shape in list(shapes.items())[:4])
        raise DataError(
            path, f"holds no volume ({told or 'nothing'})", "an array of three axes z, y, x, or four with samples first"
        )
    return [(name, _samples(path, shape)) for name, shape in sorted(volumes.items())]


def read_array(path: Path, array: str = "", sample: int | None = None) -> np.ndarray:
    """One volume of a file.

    Parameters
    ----------
    path : Path
        A file with one of the endings `ARRAYS`.
    array : str
        Name of the array; "" in a file of one array without a name.
    sample : int or None
        Which sample; None where the array is one volume.

    Returns
    -------
    ndarray, (z, y, x)
        Values as stored; float16 and float64 come as float32, truth values as uint8.

    Raises
    ------
    DataError
        Damaged, changed since it was listed, or not of numbers.
    """
    with _opened(path) as arrays:
        if array not in arrays:
            raise DataError(path, f"holds no array '{array}' any more", "run match again")
        stored = arrays[array]
        shape = tuple(int(side) for side in stored.shape)
        count = _samples(path, shape)
        if (count is None) != (sample is None) or (sample is not None and count is not None and sample >= count):
            raise DataError(path, "holds other arrays than when it was listed", "run match again")
        if sample is not None:
            stored = stored[(0,) * _samples_axis(shape) + (sample,)]
        values = np.array(stored.numpy() if hasattr(stored, "numpy") else stored[()])
    values = values.reshape(values.shape[-3:])
    if values.dtype.kind not in "biuf":
        raise DataError(path, f"its values are {values.dtype}, not numbers", "save it as float32 or int16")
    if values.dtype == bool:
        return values.astype(np.uint8)
    return values.astype(np.float32) if values.dtype.kind == "f" else _native(values)


def _native(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False))


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without axes of length one before the last three."""
    return tuple(side for side in shape[:-3] if side != 1) + shape[-3:]


def _samples_axis(shape: tuple[int, ...]) -> int:
    return next(axis for axis, side in enumerate(shape[:-3]) if side != 1)


def _samples(path: Path, shape: tuple[int, ...]) -> int | None:
    """How many samples an array holds; None for one volume."""
    squeezed = _squeezed(shape)
    told = "x".join(map(str, shape))
    if len(squeezed) > 4:
        raise DataError(path, f"has several channels or more axes ({told})", "keep one channel: samples, z, y, x")
    if min(squeezed[-3:]) < SMALLEST_SIDE:
        raise DataError(path, f"is 2D ({told})", "give volumes: z, y, x, or samples, z, y, x")
    if squeezed[-1] in (3, 4) and min(squeezed[-3:-1]) > 16:
        raise DataError(path, f"looks like colour ({told})", "give one grey-scale channel: z, y, x")
    return squeezed[0] if len(squeezed) == 4 else None


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    if path.suffix.lower() != ".npz":
        with _opened(path) as arrays:
            return {name: tuple(int(side) for side in array.shape) for name, array in arrays.items()}
    shapes = {}
    with _faults(path), zipfile.ZipFile(path) as members:  # headers alone: the voxels may be packed
        for member in members.namelist():
            with members.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shapes[member.removesuffix(".npy")] = tuple(read(stream)[0])
    return shapes


@contextmanager
def _opened(path: Path) -> Iterator[dict[str, Any]]:
    """The arrays of a file by name; their voxels are read where they are asked for, of .npz all at once."""
    end = path.suffix.lower()
    with _faults(path):
        if path.stat().st_size == 0:
            raise DataError(path, "the file is empty", "copy it again")
        if end == ".npy":
            yield {"": np.load(path, mmap_mode="r", allow_pickle=False)}
        elif end == ".npz":
            yield dict(_unpacked(path, path.stat().st_mtime_ns))
        elif end in TORCH:
            yield _tensors(path)
        else:
            with h5py.File(path, "r") as file:
                datasets: dict[str, Any] = {}
                file.visititems(
                    lambda name, item: datasets.update({name: item} if isinstance(item, h5py.Dataset) else {})
                )
                yield datasets


@lru_cache(maxsize=1)
def _unpacked(path: Path, changed: int) -> Mapping[str, np.ndarray]:
    """All arrays of a .npz: its samples are asked for one after another, and each would unpack all of them."""
    with np.load(path, allow_pickle=False) as members:
        return {name: members[name] for name in members.files}


def _tensors(path: Path) -> dict[str, Any]:
    """Tensors of a PyTorch file: one, a list, or a flat dict of them; no code in the file is run."""
    import torch

    try:
        saved = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError:  # saved before PyTorch kept its files in an archive
        saved = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(saved, torch.Tensor):
        saved = {"": saved}
    elif isinstance(saved, list | tuple):
        saved = {str(number): item for number, item in enumerate(saved)}
    if not isinstance(saved, dict):
        return {}
    tensors = {str(name): item.detach() for name, item in saved.items() if isinstance(item, torch.Tensor)}
    return {name: item.float() if item.dtype == torch.bfloat16 else item for name, item in tensors.items()}


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """What goes wrong when such a file is opened, as an error about it."""
    try:
        yield
    except (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, UnpicklingError) as error:
        raise DataError(
            path, "cannot be read as arrays (damaged, or of objects)", "save plain arrays, without pickled objects"
        ) from error
