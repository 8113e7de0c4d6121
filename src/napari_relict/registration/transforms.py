"""Linear transforms by few numbers: small steps about a centre, composed onto what was there."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numba import njit


class Kind(IntEnum):
    """How freely one volume may move onto another; the value is passed to compiled code."""

    TRANSLATION = 0
    RIGID = 1
    SIMILARITY = 2
    AFFINE = 3


#: Numbers that a step of each kind has: shift (3), then turn (3), then scale (1); an affine step has shift and 9 more.
NUMBERS = (3, 6, 7, 12)


@njit(cache=True, nogil=True)
def stepped(matrix: np.ndarray, step: np.ndarray, centre: np.ndarray, kind: int) -> np.ndarray:
    """A transform followed by a small step about a centre.

    Parameters
    ----------
    matrix : ndarray of float64, (4, 4)
        mm -> mm, points (x, y, z).
    step : ndarray of float64, (n,)
        Shift in mm; turn in radians as a rotation vector; log of the scale; of an affine step nine numbers in place
        of turn and scale, row by row, to be added to the identity.
    centre : ndarray of float64, (3,)
        mm, about which is turned and scaled, after `matrix`.
    kind : int
        A `Kind`.

    Returns
    -------
    ndarray of float64, (4, 4)
    """
    turn = np.eye(3)
    if kind == 3:
        for row in range(3):
            for column in range(3):
                turn[row, column] += step[3 + 3 * row + column]
    elif kind >= 1:
        x, y, z = step[3], step[4], step[5]
        angle = np.sqrt(x * x + y * y + z * z)
        # Rodrigues' formula; the series where the angle is too small to divide by.
        sine = 1.0 - angle * angle / 6 if angle < 1e-4 else np.sin(angle) / angle
        versine = 0.5 - angle * angle / 24 if angle < 1e-4 else (1 - np.cos(angle)) / (angle * angle)
        cross = np.zeros((3, 3))
        cross[0, 1], cross[0, 2], cross[1, 2] = -z, y, -x
        cross[1, 0], cross[2, 0], cross[2, 1] = z, -y, x
        turn = turn + sine * cross + versine * (cross @ cross)
        if kind == 2:
            turn = turn * np.exp(step[6])
    new = np.eye(4)
    new[:3, :3] = turn @ np.ascontiguousarray(matrix[:3, :3])
    for row in range(3):
        moved = centre[row] + step[row]
        for column in range(3):
            moved += turn[row, column] * (matrix[column, 3] - centre[column])
        new[row, 3] = moved
    return new
