"""Arrays that rules get: checked once, and the distances that most rules rest on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.neighbors import NearestNeighbors

from napari_relict.errors import DataError


def table(values: np.ndarray, what: str, *, rows: int = 1, columns: int | None = None) -> np.ndarray:
    """`values` as float64 (rows, columns), finite.

    Parameters
    ----------
    rows : at least this many are needed.
    columns : exactly this many, when given.

    Raises
    ------
    DataError : another shape, too few rows, or a value that is not finite.
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
    """`values` as float64 (volumes,); NaN, of a volume without a score, is allowed. Raises as `table` does."""
    values = np.asarray(values, np.float64)
    if values.ndim != 1:
        raise DataError(what, f"shape {values.shape}", "give one number a volume")
    if np.isinf(values).any():
        raise DataError(what, "not every value is finite", "leave those volumes out")
    if np.isfinite(values).sum() < rows:
        raise DataError(what, f"{int(np.isfinite(values).sum())} known values", f"give at least {rows}")
    return values


def layers(features: Sequence[np.ndarray], like: Sequence[np.ndarray], what: str) -> list[np.ndarray]:
    """Features of a cohort, one (volumes, features) array a layer, with the layers that `like` has.

    Raises
    ------
    DataError : another number of layers or features, or layers of different numbers of volumes.
    """
    if not len(features) or len(features) != len(like):
        raise DataError(what, f"{len(features)} layers", f"give {max(len(like), 1)}, as for the other cohorts")
    checked = [table(one, what, columns=np.shape(other)[-1]) for one, other in zip(features, like, strict=True)]
    if len({len(one) for one in checked}) > 1:
        raise DataError(what, "layers of different numbers of volumes", "give every volume in every layer")
    return checked


def nearest(queries: np.ndarray, known: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Euclidean distances to the k nearest rows of `known`, ascending, and their places: both (queries, k)."""
    k = min(k, len(known))
    distances, places = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(known).kneighbors(queries)
    return np.asarray(distances, np.float64), np.asarray(places)


def nearest_other(rows: np.ndarray) -> np.ndarray:
    """Distance of each row to the nearest of the others: (rows,)."""
    return np.asarray(NearestNeighbors(n_neighbors=1, algorithm="brute").fit(rows).kneighbors()[0][:, 0])


def correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pearson correlation of each row of `one` with each of `other`: (one, other); 0 for a constant row."""
    a, b = _standardised(one), _standardised(other)
    return np.asarray(np.clip(a @ b.T, -1.0, 1.0))


def directions(rows: np.ndarray) -> np.ndarray:
    """Rows at length 1; a row of zeros stays one."""
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norm > 0, norm, 1.0))


def _standardised(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(1, keepdims=True)
    # What rounding leaves of a constant row is no direction.
    centred[np.abs(centred).max(1) <= 1e-12 * np.maximum(np.abs(rows).max(1), 1e-300)] = 0.0
    return directions(centred)
