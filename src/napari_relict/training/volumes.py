"""The volumes an encoder is trained on, as it sees them, and which of them only check it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from napari_relict.encoders.trained import InputGrid
from napari_relict.errors import UsageError
from napari_relict.volumes.cohort import PreparedCohort
from napari_relict.volumes.pose import foreground

FEWEST = 8  # patients; with fewer there is nothing to tell apart
MOST_KEPT = 1 << 30  # bytes of volumes kept in memory, as float16
CHECKED = 0.2  # share of the patients that are kept to check it


class SeenVolumes:
    """Volumes of a prepared cohort on the grid of a network, read when they are first asked for and kept up to a limit.

    Parameters
    ----------
    cohort : PreparedCohort
        Where the volumes are.
    names : sequence of str
        Of the volumes.
    grid : InputGrid
        What the network sees.

    Attributes
    ----------
    names : list of str
        Of the volumes.
    grid : InputGrid
        What the network sees.
    """

    def __init__(self, cohort: PreparedCohort, names: Sequence[str], grid: InputGrid) -> None:
        self._cohort, self.names, self.grid = cohort, list(names), grid
        self._kept: dict[tuple[int, bool], np.ndarray] = {}
        self._most_kept = MOST_KEPT // (2 * int(np.prod(grid.shape)))

    def __len__(self) -> int:
        """Count the volumes."""
        return len(self.names)

    def __getitem__(self, place: int) -> np.ndarray:
        """Read the volume at a place: float32 (z, y, x), 0 to 1."""
        return self._seen(place, inverted=False)

    def inverted(self, place: int) -> np.ndarray:
        """Read a volume with dark tissue bright and bright tissue dark.

        Turned over on the grid of the study, for the rim would be too wide on that of the network.

        Parameters
        ----------
        place : int
            Of the volume.

        Returns
        -------
        numpy.ndarray of float32, shape (z, y, x)
            0 to 1.
        """
        return self._seen(place, inverted=True)

    def _seen(self, place: int, *, inverted: bool) -> np.ndarray:
        kept = self._kept.get((place, inverted))
        if kept is None:
            image = self._cohort.images([self.names[place]])[0]
            image = turned_over(image) if inverted else image
            kept = self.grid.seen(image, self._cohort.grid.spacing).astype(np.float16)
            if len(self._kept) < self._most_kept:
                self._kept[place, inverted] = kept
        return kept.astype(np.float32)

    def contents(self) -> frozenset[str]:
        """List the contents of the volumes (see `Row.content`).

        Returns
        -------
        frozenset of str
            One a volume.
        """
        return frozenset(self._cohort.rows[name].content for name in self.names)


def turned_over(image: np.ndarray) -> np.ndarray:
    """Invert the contrast of the body, its rim too; air stays black.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        0 to 1.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)

    """
    return np.where(foreground(image), np.clip(1.1 - image, 0, 1), image).astype(np.float32)


def split_by_patient(names: Sequence[str], patients: Mapping[str, str], seed: int) -> tuple[list[str], list[str]]:
    """Split volumes into those to learn from and those to check by; no patient has volumes in both.

    Parameters
    ----------
    names : sequence of str
        Of the volumes.
    patients : mapping of str to str
        Volume to patient.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    tuple of 2 list of str
        Names to learn from and to check by.

    Raises
    ------
    UsageError
        Too few patients.
    """
    people = sorted({patients[name] for name in names})
    if len(people) < FEWEST:
        raise UsageError(f"{len(people)} patients are too few to train an encoder on; it takes at least {FEWEST}")
    order = np.random.default_rng((seed, 0)).permutation(len(people))
    checking = {people[place] for place in order[: max(2, round(CHECKED * len(people)))]}
    return [n for n in names if patients[n] not in checking], [n for n in names if patients[n] in checking]


def runs(count: int, batch: int) -> list[tuple[int, int]]:
    """Say where batches begin and end.

    What is left over joins the last one where it is less than half a batch: few volumes have few others to be told
    from, and no mean to be centred by.

    Parameters
    ----------
    count : int
        Volumes there are.
    batch : int
        Volumes a batch.

    Returns
    -------
    list of tuple of 2 int
        First place, and the one behind the last.
    """
    ranges = [(start, min(start + batch, count)) for start in range(0, count, batch)]
    if len(ranges) > 1 and 2 * (ranges[-1][1] - ranges[-1][0]) < batch:
        ranges[-2:] = [(ranges[-2][0], count)]
    return ranges
