"""No-reference measures of a slice: how it looks, without anything to compare it with.

Those that need a trained model are not among them. BRISQUE, NIQE and PIQE were looked for in packages that run without
a network: piq and pyiqa fetch their weights, brisque 0.2.0 brings them and fails under NumPy 2.4, scikit-video's NIQE
needs a NumPy before 1.24, pypiqe needs OpenCV with its own windows. Their models were fitted to photographs besides.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.measure import blur_effect, shannon_entropy

from napari_relict.quality.radiomics import TISSUE, slices_of

NAMES = ("sharpness", "blur", "noise", "entropy", "efc", "cnr", "snr")
_LAPLACE_TWICE = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])


def appearance(image: np.ndarray) -> np.ndarray:
    """Measure how the axial slices that show tissue look.

    Parameters
    ----------
    image : numpy.ndarray of shape (z, y, x)
        0 to 1.

    Returns
    -------
    numpy.ndarray of float64, shape (measures,)
        NaN where no slice shows any.
    """
    rows = [_of_slice(part) for part in slices_of(image) if (part > TISSUE).mean() > 0.05]
    return np.nanmean(rows, axis=0) if rows else np.full(len(NAMES), np.nan)


def _of_slice(part: np.ndarray) -> list[float]:
    part = part.astype(np.float64)
    noise = noise_of(part)
    tissue = part[part > TISSUE]
    return [
        float(ndimage.laplace(part).var()),
        float(blur_effect(part)),
        noise,
        float(shannon_entropy(np.rint(part * 255).astype(np.uint8))),
        focus(part),
        contrast_to_noise(tissue),
        float(tissue.mean() / noise) if noise > 0 else float("nan"),
    ]


def noise_of(part: np.ndarray) -> float:
    """Estimate the noise in a slice: what a difference of two Laplacians leaves.

    Parameters
    ----------
    part : numpy.ndarray of shape (y, x)
        Brightness.

    Returns
    -------
    float
        Its standard deviation.

    Notes
    -----
    Immerkaer (1996).
    """
    left = ndimage.convolve(part, _LAPLACE_TWICE)[1:-1, 1:-1]
    return float(np.sqrt(np.pi / 2) * np.abs(left).mean() / 6)


def focus(part: np.ndarray) -> float:
    """Compute the entropy focus criterion of a slice, as MRIQC scales it.

    Parameters
    ----------
    part : numpy.ndarray of shape (y, x)
        Brightness.

    Returns
    -------
    float
        0 for one bright pixel, 1 for equal ones.

    Notes
    -----
    Atkinson et al. (1997).
    """
    energy = float(np.sqrt((part**2).sum()))
    if energy == 0:
        return float("nan")
    shares = part / energy
    # Of n equal voxels each is 1 / sqrt(n) of the energy.
    most = np.sqrt(part.size) * np.log(np.sqrt(part.size))
    return float(-(shares * np.log(shares, where=shares > 0, out=np.zeros_like(shares))).sum() / most)


def contrast_to_noise(tissue: np.ndarray) -> float:
    """Divide the distance of the means of dark and bright tissue by the root of the sum of their variances.

    Parameters
    ----------
    tissue : numpy.ndarray of shape (voxels,)
        Brightness.

    Returns
    -------
    float
        NaN where it has no spread.

    Notes
    -----
    Dark and bright by Otsu (1979).
    """
    if tissue.size < 2 or float(np.ptp(tissue)) == 0.0:
        return float("nan")
    cut = threshold_otsu(tissue)
    dark, bright = tissue[tissue <= cut], tissue[tissue > cut]
    spread = float(np.sqrt(dark.var() + bright.var()))
    return float((bright.mean() - dark.mean()) / spread) if spread > 0 else float("nan")


def mean_look(values: np.ndarray) -> float:
    """Average a measure over volumes.

    Parameters
    ----------
    values : numpy.ndarray of shape (volumes,)
        NaN where a volume has none.

    Returns
    -------
    float
        NaN where none has it.
    """
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")
