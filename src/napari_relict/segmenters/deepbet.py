"""Where the brain is in a T1-weighted head, found by the two nets of the package deepbet (Fisch et al., 2024)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from napari_relict.errors import DataError
from napari_relict.files.package_files import PackageFile, fetch
from napari_relict.segmenters.contract import SegmenterKind, Segmenting

_DEEPBET = "1999e2ea00ec48f6233b95b96f3901a962d3f70431c63aeb985e8a49a198473c"


def _net(name: str, sha256: str) -> PackageFile:
    return PackageFile("deepbet", "1.0.2", "wheel", f"data/models/{name}", sha256, _DEEPBET)


BRAIN_NETS: dict[Literal["find", "refine"], PackageFile] = {
    "find": _net("bbox_model.pt", "39a7b2b5f799faa1391ea97bfcdc0b9299f20d84f2316a4ff8918dc4685e40aa"),
    "refine": _net("model.pt", "de8ee7c69654d0dd3935dc4a5d84571d8ecf4637a6bfc01df399c4c2bc86e0fd"),
}
"""The two brain extraction nets (TorchScript) of the MIT-licensed package deepbet: where, and its edge."""

_FIND_SIDE = 128
_REFINE_SIDE = 256
_MARGIN = 0.1


def brain_mask(head: sitk.Image) -> sitk.Image:
    """Find the brain in a T1-weighted head.

    The first net sees the whole head on a coarse grid and finds the brain; the second sees the box around
    it and draws its edge. Both expect NIfTI's axis order: to the right, to the front, upwards.

    Parameters
    ----------
    head : SimpleITK.Image
        As it was read.

    Returns
    -------
    SimpleITK.Image
        Uint8 on the grid of `head`, 1 is brain.

    Raises
    ------
    DataError
        No brain was found, or the nets cannot be had.

    Notes
    -----
    Fisch et al. (2024), the package deepbet.
    """
    turned = sitk.DICOMOrient(sitk.Cast(head, sitk.sitkFloat32), "RAS")
    values = np.ascontiguousarray(sitk.GetArrayFromImage(turned).transpose(2, 1, 0))
    inside = _extract(values)
    mask = sitk.GetImageFromArray(inside.transpose(2, 1, 0).astype(np.uint8))
    mask.CopyInformation(turned)
    return sitk.Resample(mask, head, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)


def _extract(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Brain (x, y, z) in `values` (x, y, z)."""
    coarse = _resized(values, (_FIND_SIDE,) * 3)
    low, high = (float(q) for q in np.quantile(coarse, (0.005, 0.995)))
    rough = _largest(_run("find", _standardised(coarse, low, high)) > 0.5)
    box = _box(rough, values.shape)
    part = _resized(values[box], (_REFINE_SIDE,) * 3)
    fine = _run("refine", _standardised(part, low, high))
    inside = np.zeros(values.shape, dtype=np.bool_)
    inside[box] = _resized(fine, inside[box].shape) > 0.5
    return np.asarray(ndimage.binary_fill_holes(_largest(inside)), dtype=np.bool_)


def _run(which: Literal["find", "refine"], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability of brain per voxel, same shape as `values`."""
    import torch

    # From memory: torch opens a path with the system's own encoding, which fails on some of Windows' user
    # names.
    net: Any = torch.jit.load(io.BytesIO(fetch(BRAIN_NETS[which]).read_bytes()), map_location="cpu")
    with torch.inference_mode():
        answer: NDArray[np.float32] = net.eval()(torch.from_numpy(values)[None, None])[0, 1].numpy()
    return answer


def _standardised(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """Values clipped to [low, high] with the mean and spread the nets were trained on."""
    scaled = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    standard = (scaled - scaled.mean()) / max(float(scaled.std()), 1e-6)
    return np.asarray(0.226 * standard + 0.449, dtype=np.float32)


def _resized(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Nearest-neighbour resampling of an array to `shape`, voxel centres on voxel centres."""
    index = [((np.arange(new) + 0.5) * old / new).astype(int) for old, new in zip(values.shape, shape, strict=True)]
    return np.ascontiguousarray(values[np.ix_(*index)])


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find the largest connected part of `mask`."""
    parts, count = ndimage.label(mask)
    if count == 0:
        raise DataError("brain mask", "no brain was found", "deepbet is made for T1-weighted heads")
    return np.asarray(parts == np.bincount(parts.ravel())[1:].argmax() + 1, dtype=np.bool_)


def _box(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Find the box around `mask` with a margin, in voxels of an array of `shape` that covers the same space."""
    slices: list[slice] = []
    for axis, side in enumerate(shape):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        start, stop = hit[0] / mask.shape[axis] * side, (hit[-1] + 1) / mask.shape[axis] * side
        margin = _MARGIN * (stop - start)
        slices.append(slice(max(0, round(start - margin)), min(side, round(stop + margin))))
    return tuple(slices)


def _open(folder: Path | None, device: str) -> Segmenting:
    return lambda image, modality: brain_mask(image)


KIND = SegmenterKind("deepbet", "brain mask", ("mr",), {1: "brain"}, _open)
