"""Everything that metrics look at, for all volumes of a study at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

Kind = Literal["vectors", "voxels", "pairs", "looks"]


@dataclass(frozen=True, eq=False)
class Space:
    """One way to describe volumes by numbers.

    Attributes
    ----------
    kind : `vectors` (features), `voxels` (as they are), `pairs` (similarity of each two volumes; rows and columns are
        volumes) or `looks` (one number a volume).
    dimensions : 2 where each row is a slice, 3 where it is a volume.
    rows : float64 (rows, features); those of a volume lie one after another.
    each : rows of a volume.
    features : how many numbers described a row before any were left out or turned.
    """

    name: str
    title: str
    kind: Kind
    dimensions: Literal[2, 3]
    rows: np.ndarray
    each: int = 1
    features: int = 1

    def of(self, volumes: np.ndarray) -> np.ndarray:
        """Rows of some volumes, given by their places: (volumes * each, features); of pairs (volumes, volumes)."""
        if self.kind == "pairs":
            return np.asarray(self.rows[np.ix_(volumes, volumes)])
        if self.each == 1:
            return np.asarray(self.rows[volumes])
        return np.asarray(self.rows.reshape(-1, self.each, self.rows.shape[1])[volumes].reshape(-1, self.rows.shape[1]))


@dataclass(frozen=True, eq=False)
class Pool:
    """Volumes of all cohorts, in one order.

    Attributes
    ----------
    cohort : text (volumes,): training, holdout or synthetic.
    patients : text (volumes,).
    spaces : by name.
    """

    cohort: np.ndarray
    patients: np.ndarray
    spaces: Mapping[str, Space]

    def places(self, cohort: str) -> np.ndarray:
        """Which volumes are of a cohort."""
        return np.flatnonzero(self.cohort == cohort)

    @cached_property
    def codes(self) -> np.ndarray:
        """int (volumes,), equal for volumes of one patient."""
        return np.unique(self.patients, return_inverse=True)[1]


@dataclass(frozen=True, eq=False)
class Sets:
    """What one metric is computed on.

    Attributes
    ----------
    training, made, holdout : rows of a space; `holdout` has none where there is no holdout.
    training_owners, made_owners : int, patient of each row.
    features : of the space.
    """

    training: np.ndarray
    made: np.ndarray
    holdout: np.ndarray
    training_owners: np.ndarray
    made_owners: np.ndarray
    features: int = 1
    seed: int = 0


def sets_of(pool: Pool, space: Space, training: np.ndarray, made: np.ndarray, holdout: np.ndarray, seed: int) -> Sets:
    """The rows of some volumes, given by their places in the pool."""
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
    """A space of feature vectors.

    Where there are fewer rows than features they are turned into as many coordinates as rows: distances and dot
    products stay as they are, and everything is quicker.

    Parameters
    ----------
    rows : (rows, features).
    scaled_by : rows whose spread becomes 1 in each feature, for features of different units; one that is the same in
        all of them is left out.
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
