"""How near volumes lie to training volumes: mirrored ones too, and the leading candidates aligned pair by pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_relict.calibration.rules.arrays import unit_rows
from napari_relict.jobs.executors import Workforce
from napari_relict.measures.registration import align
from napari_relict.volumes.affines import resampled
from napari_relict.volumes.grid import Grid

ALIGNED = 1  # training volumes a query is aligned with


@dataclass(frozen=True, eq=False)
class NearestDistances:
    """How near volumes lie to training volumes.

    Attributes
    ----------
    as_they_lie : numpy.ndarray of shape (queries, training)
        Cosine of volumes less the training mean, the better of both mirror states.
    closest : numpy.ndarray of shape (queries,)
        Cosine of the aligned candidates.
    nearest : numpy.ndarray of int, shape (queries,)
        The place of that training volume.
    """

    as_they_lie: np.ndarray
    closest: np.ndarray
    nearest: np.ndarray


class LearntVolumes:
    """The volumes a generator has learnt from, as others are compared with them.

    Parameters
    ----------
    volumes : numpy.ndarray
        Float32 (n, z, y, x), 0 to 1, on `grid`; x from one side of the body to the other.
    grid : Grid
        Of all volumes.
    """

    def __init__(self, volumes: np.ndarray, grid: Grid) -> None:
        self.volumes, self.grid = volumes, grid
        self.mean = volumes.mean(0, dtype=np.float64)
        self._directions = self._centred(volumes)

    def nearness(self, queries: np.ndarray, force: Workforce) -> NearestDistances:
        """Compare volumes with every training volume.

        The mean of the training volumes is taken away first: what is left is what tells one patient from another, and a
        volume that is only blurred, or an average of many, is near to nobody.

        Parameters
        ----------
        queries : numpy.ndarray of shape (n, z, y, x)
            0 to 1, on the same grid.
        force : Workforce
            Who does the work.

        Returns
        -------
        NearestDistances
            How near each is.
        """
        states = np.stack([self._centred(queries), self._centred(queries[..., ::-1])]) @ self._directions.T
        lying = states.max(0)

        def aligned(place: int) -> tuple[float, int]:
            return self._aligned(queries[place], states[:, place])

        pairs = list(force.in_order(aligned, range(len(queries))))
        return NearestDistances(
            lying, np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs], int)
        )

    def _aligned(self, query: np.ndarray, states: np.ndarray) -> tuple[float, int]:
        """Find the closest of the leading candidates after alignment, never less close than before."""
        order = np.argsort(-states.max(0), kind="stable")
        best = (float(states[:, order[0]].max()), int(order[0]))
        for place in order[:ALIGNED]:
            mirrored = states[1, place] > states[0, place]
            shown = np.ascontiguousarray(query[..., ::-1] if mirrored else query)
            everywhere = np.ones(self.grid.shape, bool)
            transform = align(
                self.volumes[place], shown, self.grid, fixed_mask=everywhere, moving_mask=everywhere, kind="similarity"
            )
            moved = resampled(shown, self.grid, transform)
            cosine = float(self._centred(moved[None])[0] @ self._directions[place])
            best = max(best, (cosine, int(place)))
        return best

    def _centred(self, volumes: np.ndarray) -> np.ndarray:
        return unit_rows((volumes - self.mean).reshape(len(volumes), -1))
