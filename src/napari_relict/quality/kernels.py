"""Maximum mean discrepancy of two sets of vectors (Gretton et al. 2012), unbiased, with three kernels."""

from __future__ import annotations

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances


def mmd_linear(real: np.ndarray, made: np.ndarray) -> float:
    """Compute the discrepancy with the dot product: the squared distance of the means.

    MONAI's `MMDMetric`, for sets of any two sizes.

    Parameters
    ----------
    real : numpy.ndarray of shape (n, features)
        Vectors of real volumes.
    made : numpy.ndarray of shape (m, features)
        Vectors of synthetic volumes.

    Returns
    -------
    float
        Unbiased; NaN with fewer than two vectors in either set.

    Notes
    -----
    Gretton et al. (2012).
    """
    return _unbiased(real @ real.T, made @ made.T, real @ made.T)


def mmd_gaussian(real: np.ndarray, made: np.ndarray) -> float:
    """Compute the discrepancy with a Gaussian kernel, as wide as the median distance between two of the real vectors.

    Parameters
    ----------
    real : numpy.ndarray of shape (n, features)
        Vectors of real volumes.
    made : numpy.ndarray of shape (m, features)
        Vectors of synthetic volumes.

    Returns
    -------
    float
        Unbiased; NaN with fewer than two vectors in either set, or where real vectors are equal.

    Notes
    -----
    Gretton et al. (2012).
    """
    among = euclidean_distances(real, real, squared=True)
    apart = among[np.triu_indices(len(real), 1)]
    width = float(np.median(apart)) if apart.size else 0.0
    if width <= 0:
        return float("nan")
    squares = (among, euclidean_distances(made, made, squared=True), euclidean_distances(real, made, squared=True))
    return _unbiased(*(np.exp(-square / (2 * width)) for square in squares))


def kid(real: np.ndarray, made: np.ndarray, features: int) -> float:
    """Compute the kernel inception distance: the cubic kernel (x y / features + 1)^3, on all vectors.

    Published as a mean over random subsets of 1000 images; with volumes there are too few for that.

    Parameters
    ----------
    real : numpy.ndarray of shape (n, features)
        Vectors of real volumes.
    made : numpy.ndarray of shape (m, features)
        Vectors of synthetic volumes.
    features : int
        How many the encoder gave, which the kernel is scaled by.

    Returns
    -------
    float
        Unbiased; NaN with fewer than two vectors in either set.

    Notes
    -----
    Binkowski et al. (2018).
    """
    products = (real @ real.T, made @ made.T, real @ made.T)
    return _unbiased(*((product / features + 1) ** 3 for product in products))


def _unbiased(among_real: np.ndarray, among_made: np.ndarray, between: np.ndarray) -> float:
    """From kernel values of all pairs; NaN with fewer than two vectors in either set."""
    m, n = len(among_real), len(among_made)
    if min(m, n) < 2:
        return float("nan")
    within = (among_real.sum() - np.trace(among_real)) / (m * (m - 1))
    others = (among_made.sum() - np.trace(among_made)) / (n * (n - 1))
    return float(within + others - 2 * between.mean())
