"""Arrays that rules get: checked once, and the distances that most rules rest on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.neighbors import NearestNeighbors

from napari_relict.errors import DataError


def table(values: np.ndarray, what: str, *, rows: int = 1, columns: int | None = None) -> np.ndarray:
    """Check an array of one row a volume.

    Parameters
    ----------
    values : numpy.ndarray of shape (rows, columns)
        In whatever type.
    what : str
        What it is, for errors.
    rows : int, default: 1
        At least this many are needed.
    columns : int, optional
        Exactly this many, when given.

    Returns
    -------
    numpy.ndarray of shape (rows, columns)
        Float64, finite.

    Raises
    ------
    DataError
        Another shape, too few rows, or a value that is not finite.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or not values.shape[1]:
        raise DataError(what, f"shape {values.shape}", "give one row a volume")
    if len(values) < rows:
        raise DataError(what, f"{len(values)} volumes", f"give at least {rows}")
    if columns is not None and values.shape[1] != columns:
        raise DataError(what, f"{values.shape[1]} columns, not {columns}", "compute both in the same way")
    if not np.isfinite(values).all():
        raise DataError(what, "not every value is finite", "leave those volumes out")
    return values


def scores(values: np.ndarray, what: str, *, rows: int = 1) -> np.ndarray:
    """Check an array of one number a volume; NaN, of a volume without a score, is allowed.

    Parameters
    ----------
    values : numpy.ndarray of shape (volumes,)
        In whatever type.
    what : str
        What it is, for errors.
    rows : int, default: 1
        At least this many known values are needed.

    Returns
    -------
    numpy.ndarray of shape (volumes,)
        Float64.

    Raises
    ------
    DataError
        Another shape, an infinite value, or too few known ones.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1:
        raise DataError(what, f"shape {values.shape}", "give one number a volume")
    if np.isinf(values).any():
        raise DataError(what, "not every value is finite", "leave those volumes out")
    if np.isfinite(values).sum() < rows:
        raise DataError(what, f"{int(np.isfinite(values).sum())} known values", f"give at least {rows}")
    return values


def layers(features: Sequence[np.ndarray], like: Sequence[np.ndarray], what: str) -> list[np.ndarray]:
    """Check features of a cohort, one array a layer.

    Parameters
    ----------
    features : sequence of numpy.ndarray of shape (volumes, features)
        Each.
    like : sequence of numpy.ndarray
        Features of a cohort with the layers that are expected.
    what : str
        What it is, for errors.

    Returns
    -------
    list of numpy.ndarray
        The same as float64.

    Raises
    ------
    DataError
        Another number of layers or features, or layers of different numbers of volumes.
    """
    if not len(features) or len(features) != len(like):
        raise DataError(what, f"{len(features)} layers", f"give {max(len(like), 1)}, as for the other cohorts")
    checked = [table(layer, what, columns=np.shape(other)[-1]) for layer, other in zip(features, like, strict=True)]
    if len({len(layer) for layer in checked}) > 1:
        raise DataError(what, "layers of different numbers of volumes", "give every volume in every layer")
    return checked


def nearest(queries: np.ndarray, known: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Find the k nearest rows by Euclidean distance.

    Parameters
    ----------
    queries : numpy.ndarray of shape (queries, features)
        Whose neighbours are looked for.
    known : numpy.ndarray of shape (rows, features)
        Where they are looked for.
    k : int, default: 1
        How many; fewer where there are fewer rows.

    Returns
    -------
    tuple of 2 numpy.ndarray
        Distances, ascending, and places: both (queries, k).
    """
    k = min(k, len(known))
    distances, places = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(known).kneighbors(queries)
    return np.asarray(distances, np.float64), np.asarray(places)


def nearest_other(rows: np.ndarray) -> np.ndarray:
    """Compute the distance of each row to the nearest of the others.

    Parameters
    ----------
    rows : numpy.ndarray of shape (rows, features)
        Two at least.

    Returns
    -------
    numpy.ndarray of shape (rows,)
        Euclidean.
    """
    return np.asarray(NearestNeighbors(n_neighbors=1, algorithm="brute").fit(rows).kneighbors()[0][:, 0])


def correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlate each row of `one` with each of `other`.

    Parameters
    ----------
    one : numpy.ndarray of shape (n, features)
        Rows.
    other : numpy.ndarray of shape (m, features)
        Columns of the result.

    Returns
    -------
    numpy.ndarray of shape (n, m)
        Pearson's; 0 for a constant row.
    """
    a, b = _standardised(one), _standardised(other)
    return np.asarray(np.clip(a @ b.T, -1.0, 1.0))


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Bring rows to length 1.

    Parameters
    ----------
    rows : numpy.ndarray of shape (rows, features)
        Of any length.

    Returns
    -------
    numpy.ndarray of shape (rows, features)
        A row of zeros stays one.
    """
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norm > 0, norm, 1.0))


def _standardised(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(1, keepdims=True)
    # What rounding leaves of a constant row is no direction.
    centred[np.abs(centred).max(1) <= 1e-12 * np.maximum(np.abs(rows).max(1), 1e-300)] = 0.0
    return unit_rows(centred)
