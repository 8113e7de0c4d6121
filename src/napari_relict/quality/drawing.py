"""Which volumes a metric is computed on: comparable sizes, halves, and real patients dealt out anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_relict.quality.feature_sets import FeaturePool

FEWEST = 4  # volumes of a set; below, no metric says anything


@dataclass(frozen=True)
class Sizes:
    """How many volumes each set has wherever values are compared; metrics depend on that.

    Attributes
    ----------
    training, made, holdout : int
        Volumes of each set.
    dealt : bool
        Without a holdout, training patients stand in for it, and training sets are drawn.
    """

    training: int
    made: int
    holdout: int
    dealt: bool

    @property
    def enough(self) -> bool:
        """Whether metrics say anything at these sizes."""
        return min(self.training, self.made) >= FEWEST


def sizes_of(pool: FeaturePool) -> Sizes:
    """Find the largest sizes at which synthetic volumes and real patients can be compared alike.

    With a holdout: the whole training cohort, as many synthetic volumes as half of the holdout allows, and the rest of
    the holdout to compare distances with. Without: the training cohort in two.

    Parameters
    ----------
    pool : FeaturePool
        Volumes of all cohorts with what describes them.

    Returns
    -------
    Sizes
        The sizes.
    """
    training, holdout, made = (len(pool.places(cohort)) for cohort in ("training", "holdout", "synthetic"))
    if holdout >= 2 * FEWEST:
        size = min(made, holdout // 2)
        return Sizes(training, size, holdout - size, dealt=False)
    size = min(made, training // 2)
    return Sizes(training - size, size, 0, dealt=True)


def deal(pool: FeaturePool, among: np.ndarray, sizes: Sequence[int], random: np.random.Generator) -> list[np.ndarray]:
    """Deal volumes out into disjoint sets whose patients are disjoint, too.

    Parameters
    ----------
    pool : FeaturePool
        Volumes of all cohorts with what describes them.
    among : numpy.ndarray
        Places of the volumes to deal out.
    sizes : sequence of int
        Of the sets. Patients are dealt one by one in a random order, each to the first set with room; of a patient's
        volumes, those that find no room are left out. So the last sets may stay smaller.
    random : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    list of numpy.ndarray
        Places, one array a set.
    """
    groups: dict[int, list[int]] = {}
    for place in random.permutation(among):
        groups.setdefault(int(pool.codes[place]), []).append(int(place))
    sets: list[list[int]] = [[] for _ in sizes]
    order = iter(groups.values())
    for chosen, size in zip(sets, sizes, strict=True):
        while len(chosen) < size and (group := next(order, None)) is not None:
            chosen += group[: size - len(chosen)]
    return [np.array(sorted(chosen), int) for chosen in sets]


def half(pool: FeaturePool, among: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw half of the patients, without replacement.

    Parameters
    ----------
    pool : FeaturePool
        Volumes of all cohorts with what describes them.
    among : numpy.ndarray of shape (n,)
        Places of volumes.
    random : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    numpy.ndarray of shape (m,)
        Places of their volumes.
    """
    owners = np.unique(pool.codes[among])
    kept = random.choice(owners, max(1, round(len(owners) / 2)), replace=False)
    return np.asarray(among[np.isin(pool.codes[among], kept)])
