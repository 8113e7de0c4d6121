"""Brain tissue in a T1-weighted head, from the volume's own brightness, as a simple segmenter finds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.cluster import KMeans

from napari_relict.segmenters.contract import SegmenterKind, Segmenting
from napari_relict.segmenters.deepbet import brain_mask

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

TISSUES = {1: "cerebrospinal fluid", 2: "grey matter", 3: "white matter", 4: "deep fluid, mostly ventricles"}

_EVEN_OUT_MM = 25.0
_DENOISE_MM = 1.3
_DEEP_MM = 27.0
_SAMPLES = 20_000


def tissue_labels(image: sitk.Image, brain: sitk.Image) -> sitk.Image:
    """Split a T1-weighted brain into tissues.

    Brightness is evened out, smoothed a little and split in three; fluid far from the brain's edge is mostly that of
    the ventricles. Deterministic.

    Parameters
    ----------
    image : SimpleITK.Image
        A T1-weighted head.
    brain : SimpleITK.Image
        On the same grid, above zero where the brain is.

    Returns
    -------
    SimpleITK.Image
        Labels (see `TISSUES`), uint8 on the grid of `image`, zero outside the brain.
    """
    inside = sitk.GetArrayViewFromImage(brain) > 0
    answer = np.zeros(inside.shape, dtype=np.uint8)
    if np.count_nonzero(inside) >= 100:
        box = ndimage.find_objects(inside.astype(np.uint8))[0]
        spacing = tuple(reversed(image.GetSpacing()))
        values = sitk.GetArrayFromImage(image).astype(np.float32, copy=False)
        answer[box] = _split(values[box], inside[box], spacing)
    labels = sitk.GetImageFromArray(answer)
    labels.CopyInformation(image)
    return labels


def _split(values: Floats, inside: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Labels (z, y, x) of `values`; `inside` is the brain on the same grid, `spacing` mm along z, y, x."""
    even = values / np.maximum(_local_mean(values, inside, _EVEN_OUT_MM, spacing), 1e-3)
    smooth = _local_mean(even, inside, _DENOISE_MM, spacing)
    brain = smooth[inside]
    low, high = np.quantile(brain, (0.02, 0.98))
    seen = np.clip(brain[:: max(1, len(brain) // _SAMPLES)], low, high)[:, None]
    start = np.quantile(seen, (0.08, 0.4, 0.8))[:, None]
    centres = np.sort(KMeans(3, init=start, n_init=1, max_iter=50).fit(seen).cluster_centers_.ravel())
    tissue = 1 + np.digitize(smooth, (centres[1:] + centres[:-1]) / 2)
    deep = ndimage.distance_transform_edt(np.pad(inside, 1), sampling=spacing)[1:-1, 1:-1, 1:-1] > _DEEP_MM
    tissue[(tissue == 1) & deep] = 4
    return np.where(inside, tissue, 0).astype(np.uint8)


def _local_mean(values: Floats | Doubles, inside: np.ndarray, sigma: float, spacing: tuple[float, ...]) -> Floats:
    """Mean of `values` around each voxel, by a Gaussian of `sigma` mm, counting voxels `inside` only."""
    widths = [sigma / step for step in spacing]
    weight = ndimage.gaussian_filter(inside.astype(np.float32), widths, truncate=3)
    total = ndimage.gaussian_filter(np.where(inside, values, 0).astype(np.float32), widths, truncate=3)
    return np.where(inside, total / np.maximum(weight, 1e-6), 0).astype(np.float32)


def _open(folder: Path | None, device: str) -> Segmenting:
    return lambda image, modality: tissue_labels(image, brain_mask(image))


KIND = SegmenterKind("tissue", "tissue classes of a T1-weighted brain", ("mr",), TISSUES, _open)
