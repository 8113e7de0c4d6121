"""Frechet distance of two sets of vectors (Heusel et al. 2017, arXiv 1706.08500)."""

from __future__ import annotations

import numpy as np


def frechet(real: np.ndarray, made: np.ndarray) -> float:
    """Compute the Frechet distance between the normal distributions with the means and covariances of two sets.

    The trace of the root of the product of both covariances is the sum of the singular values of A B', where A and B
    are the centred sets over the root of their sizes less one. So nothing of the size of a covariance is made: with
    fewer vectors than features, as with volumes, its root is as exact, and quick.

    Parameters
    ----------
    real, made : numpy.ndarray of shape (vectors, features)
        At least two vectors each.

    Returns
    -------
    float
        The squared distance, as it is always reported; NaN with fewer than two vectors. It shrinks as sets grow, so it
        is to be compared at equal sizes only.

    Notes
    -----
    Heusel et al. (2017), arXiv 1706.08500.
    """
    if min(len(real), len(made)) < 2:
        return float("nan")
    a, b = (rows - rows.mean(0) for rows in (real, made))
    a, b = a / np.sqrt(len(a) - 1), b / np.sqrt(len(b) - 1)
    shift = real.mean(0) - made.mean(0)
    shared = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(shift @ shift + (a**2).sum() + (b**2).sum() - 2 * shared)
