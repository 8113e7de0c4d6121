"""Precision and recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020): who lies in whose balls.

A ball is drawn about each vector of a set, as wide as the distance to its k-th nearest other vector of that set.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances

NEIGHBOURS = 5  # of Naeem et al.; Kynkaanniemi et al. take 3


def precision(real: np.ndarray, made: np.ndarray, k: int = NEIGHBOURS) -> float:
    """Compute the share of synthetic vectors that lie in the ball of any real one.

    Parameters
    ----------
    real : numpy.ndarray of shape (n, features)
        Vectors of real volumes.
    made : numpy.ndarray of shape (m, features)
        Vectors of synthetic volumes.
    k : int, default: NEIGHBOURS
        Which nearest neighbour a ball reaches to.

    Returns
    -------
    float
        NaN where there are too few real vectors.

    Notes
    -----
    Kynkaanniemi et al. (2019).
    """
    return _share_inside(made, real, k)


def recall(real: np.ndarray, made: np.ndarray, k: int = NEIGHBOURS) -> float:
    """Compute the share of real vectors that lie in the ball of any synthetic one.

    Parameters
    ----------
    real : numpy.ndarray of shape (n, features)
        Vectors of real volumes.
    made : numpy.ndarray of shape (m, features)
        Vectors of synthetic volumes.
    k : int, default: NEIGHBOURS
        Which nearest neighbour a ball reaches to.

    Returns
    -------
    float
        NaN where there are too few synthetic vectors.

    Notes
    -----
    Kynkaanniemi et al. (2019).
    """
    return _share_inside(real, made, k)


def density(real: np.ndarray, made: np.ndarray, k: int = NEIGHBOURS) -> float:
    """Count the real balls that a synthetic vector lies in, on average, over k.

    Parameters
    ----------
    real : numpy.ndarray of shape (n, features)
        Vectors of real volumes.
    made : numpy.ndarray of shape (m, features)
        Vectors of synthetic volumes.
    k : int, default: NEIGHBOURS
        Which nearest neighbour a ball reaches to.

    Returns
    -------
    float
        Above 1 where synthetic ones crowd; NaN where there are too few real vectors.

    Notes
    -----
    Naeem et al. (2020).
    """
    radii = _radii(real, k)
    return (
        float((euclidean_distances(real, made) < radii[:, None]).sum(0).mean() / k)
        if radii is not None
        else float("nan")
    )


def coverage(real: np.ndarray, made: np.ndarray, k: int = NEIGHBOURS) -> float:
    """Compute the share of real balls that hold a synthetic vector.

    Parameters
    ----------
    real : numpy.ndarray of shape (n, features)
        Vectors of real volumes.
    made : numpy.ndarray of shape (m, features)
        Vectors of synthetic volumes.
    k : int, default: NEIGHBOURS
        Which nearest neighbour a ball reaches to.

    Returns
    -------
    float
        NaN where there are too few real vectors.

    Notes
    -----
    Naeem et al. (2020).
    """
    radii = _radii(real, k)
    return (
        float((euclidean_distances(real, made).min(1) < radii).mean())
        if radii is not None and len(made)
        else float("nan")
    )


def _share_inside(points: np.ndarray, balls: np.ndarray, k: int) -> float:
    radii = _radii(balls, k)
    if radii is None or not len(points):
        return float("nan")
    return float((euclidean_distances(balls, points) < radii[:, None]).any(0).mean())


def _radii(rows: np.ndarray, k: int) -> np.ndarray | None:
    """Distance of each row to its k-th nearest other one; None where there are not so many."""
    if len(rows) <= k:
        return None
    among = euclidean_distances(rows, rows)
    np.fill_diagonal(among, 0.0)
    return np.asarray(np.partition(among, k, axis=1)[:, k])
