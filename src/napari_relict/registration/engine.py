"""Register two volumes: from several proposals, coarse to fine, the best kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_relict.registration.climbing import climb
from napari_relict.registration.information import binned, climb_information
from napari_relict.registration.pyramid import Level, Pyramid
from napari_relict.registration.transforms import Kind

Contrast = Literal["same", "either sign", "different"]
ITERATIONS = {4: 40, 2: 30, 1: 20}  # of a climb, at most, by how much coarser its level is
SHARE = 0.3  # of a volume's points that the overlap has to keep
FEWEST = 100  # points; with fewer nothing is registered


@dataclass(frozen=True)
class Registered:
    """How one volume lies on another.

    Attributes
    ----------
    matrix : ndarray of float64, (4, 4)
        mm (x, y, z) in the fixed volume -> mm in the moving one.
    correlation : float
        NCC of the points over the overlap at the finest level; of different contrasts, what the NCC of two normal
        variables would be that share as much information: sqrt(1 - exp(-2 I)) (Linfoot, Information and Control 1,
        1957). 0 where nothing could be registered.
    overlap : float
        Share of the fixed volume's points that the moving volume shows.
    start : int
        Which of the starts led there.
    iterations : int
        Steps tried on the way, of all levels.
    converged : bool
        The climb at the finest level ended by itself.
    """

    matrix: np.ndarray
    correlation: float
    overlap: float
    start: int = 0
    iterations: int = 0
    converged: bool = False

    @property
    def worth(self) -> float:
        """What proposals are compared by: a high correlation over a small overlap is worth less."""
        return float(self.correlation * self.overlap**0.25)


def register(
    fixed: Pyramid,
    moving: Pyramid,
    *,
    starts: Sequence[np.ndarray] | None = None,
    kind: Kind = Kind.SIMILARITY,
    contrast: Contrast = "same",
    factors: Sequence[int] | None = None,
    keep: int = 1,
) -> Registered:
    """Find the transform that shows `moving` as `fixed` shows it.

    Parameters
    ----------
    fixed, moving : Pyramid
    starts : sequence of ndarray of float64, (4, 4), or None
        mm in the fixed -> mm in the moving volume, each a proposal; the identity when None.
    kind : Kind
        How freely the volume may move; a start may be of any kind.
    contrast : {"same", "either sign", "different"}
        `either sign`: light and dark may be exchanged. `different`: mutual information, for any
        dependence of one volume's values on the other's.
    factors : sequence of int or None
        Levels to go through, by how much coarser they are, of those that both volumes have; all when None.
    keep : int
        How many starts go on from the coarsest level to the next; one from there on.

    Returns
    -------
    Registered
        The best start itself, with correlation 0, where there is too little to hold on to.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import ndimage
    >>> head = ndimage.gaussian_filter(np.random.default_rng(0).random((32, 32, 32)), 3)
    >>> shifted = np.roll(head, 2, axis=2)
    >>> found = register(Pyramid(head, (1, 1, 1)), Pyramid(shifted, (1, 1, 1)), kind=Kind.TRANSLATION)
    >>> [round(float(mm), 1) + 0.0 for mm in found.matrix[:3, 3]]
    [2.0, 0.0, 0.0]
    """
    ways = [np.array(start, np.float64) for start in (starts if starts is not None else [np.eye(4)])]
    both = [factor for factor in fixed.factors if factor in moving.factors]
    levels = [factor for factor in both if factors is None or factor in factors]
    found = [Registered(way, 0.0, 0.0, number) for number, way in enumerate(ways)]
    for step, factor in enumerate(levels):
        onto, from_ = fixed.level(factor), moving.level(factor)
        found = [_climbed(one, onto, from_, kind, contrast, ITERATIONS.get(factor, 20)) for one in found]
        found.sort(key=lambda one: -(abs(one.worth) if contrast == "either sign" else one.worth))
        found = found[: keep if step == 0 and len(levels) > 1 else 1]
    return found[0]


def _climbed(begin: Registered, fixed: Level, moving: Level, kind: Kind, contrast: Contrast, most: int) -> Registered:
    volume = moving.values, moving.cells, moving.spacing, moving.origin
    fewest = max(FEWEST, int(SHARE * len(fixed.points)))
    if contrast == "different":
        bins = binned(fixed.at_points, fixed.span)
        matrix, information, count, tried, converged = climb_information(
            fixed.points, bins, *volume, begin.matrix, int(kind), np.array(moving.span), most, fewest
        )
        correlation = float(np.sqrt(1 - np.exp(-2 * information)))
    else:
        matrix, correlation, count, tried, converged = climb(
            fixed.points, fixed.at_points, *volume, begin.matrix, int(kind), contrast == "either sign", most, fewest
        )
    overlap, steps = count / max(1, len(fixed.points)), begin.iterations + tried
    if count < fewest or not np.isfinite(matrix).all():
        return Registered(begin.matrix, 0.0, overlap, begin.start, steps)
    return Registered(matrix, float(correlation), overlap, begin.start, steps, converged)
