"""Levenberg-Marquardt on the correlation of two volumes, compiled.

Gain and offset between the two are solved in closed form at every step (variable projection: Golub and Pereyra, SIAM J.
Numer. Anal. 10, 1973, in Kaufman's simplification), so the squared residual falls exactly where the correlation over
the overlap rises. One pass over the points gives the value and the normal equations together, so a step that is refused
costs no more than one that is taken.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from napari_relict.registration.equations import correlation_of, normal_equations
from napari_relict.registration.transforms import stepped

SMALL_STEP = 0.01  # voxels: a step that moves the points by less ends the climb
SMALL_GAIN = 1e-6  # of the squared correlation, likewise
LARGEST_STEP = 0.7  # voxels, root mean square over the points
STEEPEST = 1e4  # damping beyond which no step is left to try


@njit(cache=True, nogil=True)
def _system(sums: np.ndarray, either_sign: bool) -> tuple[np.ndarray, np.ndarray]:
    """Normal equations of the step, gain and offset projected out."""
    m = sums.shape[0] - 3
    n = sums[m + 1, m + 1]
    mm = sums[m, m] - sums[m, m + 1] ** 2 / n
    ff = sums[m + 2, m + 2] - sums[m + 2, m + 1] ** 2 / n
    fm = sums[m, m + 2] - sums[m, m + 1] * sums[m + 2, m + 1] / n
    gain = fm / mm
    if gain <= 0 and not either_sign:
        gain = np.sqrt(ff / mm)  # away from looking inverted, towards looking alike
    along = np.empty(m)  # derivatives along the moving values, both about their means
    against = np.empty(m)  # along the fixed ones
    for i in range(m):
        along[i] = sums[i, m] - sums[i, m + 1] * sums[m, m + 1] / n
        against[i] = sums[i, m + 2] - sums[i, m + 1] * sums[m + 2, m + 1] / n
    left, right = np.empty((m, m)), np.empty(m)
    for i in range(m):
        right[i] = gain * (against[i] - along[i] * fm / mm)
        for j in range(m):
            centred = sums[i, j] - sums[i, m + 1] * sums[j, m + 1] / n
            left[i, j] = gain * gain * (centred - along[i] * along[j] / mm)
    return left, right


@njit(cache=True, nogil=True)
def solved(left: np.ndarray, right: np.ndarray, damping: float) -> np.ndarray:
    """Cholesky's solution of the damped equations; zeros where there is none."""
    n = len(right)
    lower = np.zeros((n, n))
    trace = 0.0
    for i in range(n):
        trace += left[i, i]
    for i in range(n):
        for j in range(i + 1):
            total = left[i, j]
            if i == j:
                total += damping * left[i, i] + 1e-12 * trace + 1e-300
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i == j:
                if total <= 0:
                    return np.zeros(n)
                lower[i, i] = np.sqrt(total)
            else:
                lower[i, j] = total / lower[j, j]
    found = np.empty(n)
    for i in range(n):
        total = right[i]
        for k in range(i):
            total -= lower[i, k] * found[k]
        found[i] = total / lower[i, i]
    for i in range(n - 1, -1, -1):
        total = found[i]
        for k in range(i + 1, n):
            total -= lower[k, i] * found[k]
        found[i] = total / lower[i, i]
    return found


@njit(cache=True, nogil=True)
def step_length(step: np.ndarray, kind: int, reach: np.ndarray) -> float:
    """About how far a step moves the points, mm: root mean square, of parts that do not help each other."""
    total = step[0] ** 2 + step[1] ** 2 + step[2] ** 2
    spread = reach[0] ** 2 + reach[1] ** 2 + reach[2] ** 2
    if kind == 3:
        for row in range(3):
            for column in range(3):
                total += (step[3 + 3 * row + column] * reach[column]) ** 2
    elif kind >= 1:
        total += 2 / 3 * (step[3] ** 2 + step[4] ** 2 + step[5] ** 2) * spread
        if kind == 2:
            total += step[6] ** 2 * spread
    return float(np.sqrt(total))


@njit(cache=True, nogil=True)
def middle_of(points: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of moved points, and how far they reach from it along each axis (root mean square); both mm, (3,)."""
    centre, reach = np.zeros(3), np.zeros(3)
    for axis in range(3):
        mean, squares = 0.0, 0.0
        for point in range(len(points)):
            moved = matrix[axis, 3]
            for other in range(3):
                moved += matrix[axis, other] * points[point, other]
            mean += moved
            squares += moved * moved
        centre[axis] = mean / len(points)
        reach[axis] = np.sqrt(max(squares / len(points) - centre[axis] ** 2, 0.0))
    return centre, reach


@njit(cache=True, nogil=True)
def climb(
    points: np.ndarray,
    fixed: np.ndarray,
    moving: np.ndarray,
    cells: np.ndarray,
    spacing: np.ndarray,
    origin: np.ndarray,
    start: np.ndarray,
    kind: int,
    either_sign: bool,
    iterations: int,
    fewest: int,
) -> tuple[np.ndarray, float, int, int, bool]:
    """Climb from `start` to where the correlation over the overlap is largest.

    Parameters
    ----------
    points, fixed, moving, cells, spacing, origin, kind
        As of `normal_equations`.
    start : ndarray of float64, (4, 4)
    either_sign : bool
        A correlation of -1 is as good as one of 1: one contrast may run against the other.
    iterations : int
        Steps tried, at most.
    fewest : int
        Points that the overlap has to keep; a step that leaves fewer is refused.

    Returns
    -------
    matrix : ndarray of float64, (4, 4)
    correlation : float
        Over the overlap; 0 with fewer than `fewest` points in it.
    overlap : int
        Points in it.
    tried : int
        Steps.
    converged : bool
        The climb ended by itself, not by the number of its steps.
    """
    matrix = start.copy()
    if len(points) < 4:
        return matrix, 0.0, 0, 0, False
    centre, reach = middle_of(points, matrix)
    sums, count = normal_equations(points, fixed, moving, cells, spacing, origin, matrix, centre, kind)
    if count < fewest:
        return matrix, 0.0, count, 0, False
    correlation = correlation_of(sums)
    voxel = spacing.mean()
    damping, tried, converged = 1e-3, 0, False
    while tried < iterations and not converged and correlation != 0.0:
        left, right = _system(sums, either_sign)
        converged = True  # unless a step is taken that is worth another
        while damping < STEEPEST:
            if tried >= iterations:
                converged = False
                break
            tried += 1
            step = solved(left, right, damping)
            length = step_length(step, kind, reach)
            if length > LARGEST_STEP * voxel:
                step *= LARGEST_STEP * voxel / length
                length = LARGEST_STEP * voxel
            new = stepped(matrix, step, centre, kind)
            new_centre = centre + step[:3]  # what is solved next is a step about there
            new_sums, new_count = normal_equations(points, fixed, moving, cells, spacing, origin, new, new_centre, kind)
            new_correlation = correlation_of(new_sums) if new_count >= fewest else 0.0
            gain = new_correlation * abs(new_correlation) - correlation * abs(correlation)
            if either_sign:
                gain = new_correlation**2 - correlation**2
            if new_count >= fewest and gain > 0:
                matrix, centre, sums, count, correlation = new, new_centre, new_sums, new_count, new_correlation
                damping = max(damping / 5, 1e-6)
                converged = length < SMALL_STEP * voxel or gain < SMALL_GAIN
                break
            if length < SMALL_STEP * voxel:
                break
            damping *= 8
    return matrix, correlation, count, tried, converged
