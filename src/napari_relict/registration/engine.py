"""Register two volumes: from several proposals, coarse to fine, the best kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_relict.registration.climbing import climb, correlation_of, curve_between, normal_equations
from napari_relict.registration.pyramid import Level, Pyramid
from napari_relict.registration.transforms import Kind

Contrast = Literal["same", "either sign", "different"]
ITERATIONS = {4: 40, 2: 30, 1: 20}  # of a climb, at most, by how much coarser its level is
ROUNDS = 4  # of a new curve between the contrasts, and a climb by it
SHARE = 0.3  # of a volume's points that the overlap has to keep
FEWEST = 100  # points; with fewer nothing is registered
AS_IT_IS = np.empty(0)


@dataclass(frozen=True)
class Registered:
    """How one volume lies on another.

    Attributes
    ----------
    matrix : ndarray of float64, (4, 4)
        mm (x, y, z) in the fixed volume -> mm in the moving one.
    correlation : float
        NCC of the points over the overlap at the finest level; of different contrasts, of the fixed values with what
        the moving ones stand for (the root of the correlation ratio). 0 where nothing could be registered.
    overlap : float
        Share of the fixed volume's points that the moving volume shows.
    start : int
        Which of the starts led there.
    """

    matrix: np.ndarray
    correlation: float
    overlap: float
    start: int = 0

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
        `either sign`: light and dark may be exchanged. `different`: any dependence of one volume's values on the
        other's (values of `moving` from 0 to 1).
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
    points = fixed.points, fixed.at_points
    volume = moving.values, moving.seen, moving.spacing, moving.origin
    fewest = max(FEWEST, int(SHARE * len(fixed.points)))
    matrix, correlation, count = begin.matrix, 0.0, 0
    if contrast == "different":
        for _ in range(ROUNDS):
            curve = curve_between(*points, *volume, matrix)
            new, correlation, count, tried = climb(*points, *volume, matrix, int(kind), False, curve, most // 2, fewest)
            matrix = new
            if tried <= 1:
                break
    else:
        either = contrast == "either sign"
        matrix, correlation, count, _ = climb(*points, *volume, matrix, int(kind), either, AS_IT_IS, most, fewest)
    if count < fewest or not np.isfinite(matrix).all():
        return Registered(begin.matrix, 0.0, count / max(1, len(fixed.points)), begin.start)
    return Registered(matrix, float(correlation), count / len(fixed.points), begin.start)


def agreement(fixed: Level, moving: Level, matrix: np.ndarray) -> float:
    """NCC of two volumes over their overlap, as they lie under a transform.

    Parameters
    ----------
    fixed, moving : Level
    matrix : ndarray of float64, (4, 4)
        mm in the fixed -> mm in the moving volume.
    """
    sums, _ = normal_equations(
        fixed.points, fixed.at_points, moving.values, moving.seen, moving.spacing, moving.origin,
        np.asarray(matrix, np.float64), np.zeros(3), int(Kind.TRANSLATION), AS_IT_IS,
    )  # fmt: skip
    alike: float = correlation_of(sums)
    return alike
