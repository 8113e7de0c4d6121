"""Everything that metrics look at, for all volumes of a study at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

SpaceKind = Literal["vectors", "voxels", "pairs", "looks"]


@dataclass(frozen=True, eq=False)
class Space:
    """One way to describe volumes by numbers.

    Attributes
    ----------
    name, title : str
        Of the tables, and as people read it.
    kind : SpaceKind
        `vectors` (features), `voxels` (as they are), `pairs` (similarity of each two volumes; rows and columns are
        volumes) or `looks` (one number a volume).
    dimensions : {2, 3}
        2 where each row is a slice, 3 where it is a volume.
    rows : numpy.ndarray
        Float64 (rows, features); those of a volume lie one after another.
    each : int, default: 1
        Rows of a volume.
    features : int, default: 1
        How many numbers described a row before any were left out or turned.
    """

    name: str
    title: str
    kind: SpaceKind
    dimensions: Literal[2, 3]
    rows: np.ndarray
    each: int = 1
    features: int = 1

    def of(self, volumes: np.ndarray) -> np.ndarray:
        """Take the rows of some volumes.

        Parameters
        ----------
        volumes : numpy.ndarray of shape (n,)
            Their places.

        Returns
        -------
        numpy.ndarray of shape (n * each, features)
            Of pairs (n, n).
        """
        if self.kind == "pairs":
            return np.asarray(self.rows[np.ix_(volumes, volumes)])
        if self.each == 1:
            return np.asarray(self.rows[volumes])
        return np.asarray(self.rows.reshape(-1, self.each, self.rows.shape[1])[volumes].reshape(-1, self.rows.shape[1]))


@dataclass(frozen=True, eq=False)
class FeaturePool:
    """Volumes of all cohorts, in one order.

    Attributes
    ----------
    cohort : numpy.ndarray
        Text (volumes,): training, holdout or synthetic.
    patients : numpy.ndarray
        Text (volumes,).
    spaces : mapping of str to Space
        By name.
    """

    cohort: np.ndarray
    patients: np.ndarray
    spaces: Mapping[str, Space]

    def places(self, cohort: str) -> np.ndarray:
        """Find the volumes of a cohort.

        Parameters
        ----------
        cohort : str
            Its name.

        Returns
        -------
        numpy.ndarray of int, shape (n,)
            Places.
        """
        return np.flatnonzero(self.cohort == cohort)

    @cached_property
    def codes(self) -> np.ndarray:
        """Whose each volume is: int (volumes,), equal for volumes of one patient."""
        return np.unique(self.patients, return_inverse=True)[1]


@dataclass(frozen=True, eq=False)
class Sets:
    """What one metric is computed on.

    Attributes
    ----------
    training, made, holdout : numpy.ndarray of shape (rows, features)
        Of a space; `holdout` has none where there is no holdout.
    training_owners, made_owners : numpy.ndarray
        Int, patient of each row.
    features : int, default: 1
        Of the space.
    seed : int, default: 0
        Of what a metric draws.
    """

    training: np.ndarray
    made: np.ndarray
    holdout: np.ndarray
    training_owners: np.ndarray
    made_owners: np.ndarray
    features: int = 1
    seed: int = 0


def sets_of(
    pool: FeaturePool, space: Space, training: np.ndarray, made: np.ndarray, holdout: np.ndarray, seed: int
) -> Sets:
    """Take the rows of some volumes.

    Parameters
    ----------
    pool : FeaturePool
        Volumes of all cohorts with what describes them.
    space : Space
        Which features.
    training, made, holdout : numpy.ndarray of shape (n,)
        Places in the pool.
    seed : int
        Of what a metric draws.

    Returns
    -------
    Sets
        What a metric is computed on.
    """
    return Sets(
        space.of(training),
        space.of(made),
        space.of(holdout),
        np.repeat(pool.codes[training], space.each),
        np.repeat(pool.codes[made], space.each),
        space.features,
        seed,
    )


def vector_space(
    name: str, title: str, rows: np.ndarray, *, each: int = 1, scaled_by: np.ndarray | None = None
) -> Space:
    """Make a space of feature vectors.

    Where there are fewer rows than features they are turned into as many coordinates as rows: distances and dot
    products stay as they are, and everything is quicker.

    Parameters
    ----------
    name, title : str
        Of the tables, and as people read it.
    rows : numpy.ndarray of shape (rows, features)
        Of all volumes; those of a volume lie one after another.
    each : int, default: 1
        Rows of a volume.
    scaled_by : numpy.ndarray, optional
        Rows whose spread becomes 1 in each feature, for features of different units; one that is the same in all of
        them is left out.

    Returns
    -------
    Space
        The space.
    """
    rows = np.asarray(rows, np.float64)
    if scaled_by is not None:
        centre, spread = scaled_by.mean(0), scaled_by.std(0)
        kept = spread > 1e-9 * np.maximum(np.abs(centre), 1e-9)
        rows = (rows[:, kept] - centre[kept]) / spread[kept]
    features = rows.shape[1]
    if features > len(rows):
        values, axes = np.linalg.eigh(rows @ rows.T)
        rows = axes * np.sqrt(np.maximum(values, 0))
    return Space(name, title, "vectors", 3 if each == 1 else 2, rows, each, features)
