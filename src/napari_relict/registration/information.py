"""Levenberg-Marquardt on the mutual information of two volumes, compiled: for contrasts that differ.

The joint histogram is that of Mattes et al. (IEEE Trans. Med. Imaging 22, 2003): bins of the fixed values have hard
edges, moving values are spread by a cubic B-spline, so the information has the exact gradient of the histogram. Its
curvature is approximated by Fisher's information: with densities held still, mutual information is a mean
log-likelihood of the fixed values given the moving ones, whose expected curvature along a moving value is the mean
square of its score. That is never negative, so every direction climbs (Fisher scoring in place of the Hessian of
Thevenaz and Unser, IEEE Trans. Image Process. 9, 2000).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from napari_relict.registration.climbing import LARGEST_STEP, SMALL_STEP, STEEPEST, middle_of, solved, step_length
from napari_relict.registration.equations import BLOCK, add_products, derivatives, interpolated
from napari_relict.registration.transforms import NUMBERS, stepped

BINS = 32
PAD = 2  # bins at either end of the moving values that the spline alone reaches
SMALL_GAIN = 1e-5  # nats: a step that gives less ends the climb
LITTLE = 1e-3  # points added to every bin, so that logarithms are finite


@njit(cache=True, nogil=True)
def _spline(t: float) -> tuple[float, float, float, float]:
    """Weights of the cubic B-spline at four neighbouring nodes; `t` from 0 to 1 after the second of them."""
    u = 1 - t
    return u * u * u / 6, 2 / 3 - t * t * (2 - t) / 2, 2 / 3 - u * u * (2 - u) / 2, t * t * t / 6


@njit(cache=True, nogil=True)
def _spline_slope(t: float) -> tuple[float, float, float, float]:
    """Derivatives of `_spline`."""
    u = 1 - t
    return -u * u / 2, t * (3 * t - 4) / 2, u * (4 - 3 * u) / 2, t * t / 2


@njit(cache=True, nogil=True)
def _gathered(
    points: np.ndarray,
    bins: np.ndarray,
    moving: np.ndarray,
    cells: np.ndarray,
    spacing: np.ndarray,
    origin: np.ndarray,
    matrix: np.ndarray,
    span: np.ndarray,
    held: np.ndarray,
) -> tuple[np.ndarray, int]:
    """Joint histogram over the overlap; what the gradient needs of each point goes to `held`.

    Parameters
    ----------
    points, moving, cells, spacing, origin, matrix
        As of `equations.normal_equations`.
    bins : ndarray of int64, (n,)
        Of the fixed values.
    span : ndarray of float64, (2,)
        Moving values that the bins go from and to.
    held : ndarray of float64, (n, 8)
        Written to: fixed bin, moving place among the bins, gradient a mm (3), mm in the moving volume (3).

    Returns
    -------
    joint : ndarray of float64, (BINS, BINS)
    count : int
        Points in the overlap: so many rows of `held` count.
    """
    joint = np.full((BINS, BINS), LITTLE)
    depth, height, width = moving.shape
    sx, sy, sz = 1 / spacing[0], 1 / spacing[1], 1 / spacing[2]
    inner = BINS - 1 - 2 * PAD
    scale = inner / max(span[1] - span[0], 1e-12)
    count = 0
    for point in range(len(points)):
        px, py, pz = points[point, 0], points[point, 1], points[point, 2]
        mx = matrix[0, 0] * px + matrix[0, 1] * py + matrix[0, 2] * pz + matrix[0, 3]
        my = matrix[1, 0] * px + matrix[1, 1] * py + matrix[1, 2] * pz + matrix[1, 3]
        mz = matrix[2, 0] * px + matrix[2, 1] * py + matrix[2, 2] * pz + matrix[2, 3]
        ix, iy, iz = (mx - origin[0]) * sx, (my - origin[1]) * sy, (mz - origin[2]) * sz
        if not (0.0 <= ix < width - 1 and 0.0 <= iy < height - 1 and 0.0 <= iz < depth - 1):
            continue
        if not cells[int(iz), int(iy), int(ix)]:
            continue
        value, gx, gy, gz = interpolated(moving, ix, iy, iz)
        place = (value - span[0]) * scale
        if place < 0.0 or place > inner:
            place = min(max(place, 0.0), float(inner))
            gx, gy, gz = 0.0, 0.0, 0.0
        place += PAD
        node = int(place)
        weights = _spline(place - node)
        for k in range(4):
            joint[bins[point], node - 1 + k] += weights[k]
        row = held[count]
        row[0], row[1] = bins[point], place
        row[2], row[3], row[4] = gx * sx * scale, gy * sy * scale, gz * sz * scale
        row[5], row[6], row[7] = mx, my, mz
        count += 1
    return joint, count


@njit(cache=True, nogil=True)
def _information_of(joint: np.ndarray) -> tuple[float, np.ndarray]:
    """Mutual information in nats, and the log of the fixed bin's share among each moving bin's points."""
    total = joint.sum()
    of_fixed, of_moving = joint.sum(1) / total, joint.sum(0) / total
    ratio = np.empty(joint.shape)
    information = 0.0
    for i in range(len(joint)):
        for j in range(joint.shape[1]):
            share = joint[i, j] / total
            ratio[i, j] = np.log(share / of_moving[j])
            information += share * (ratio[i, j] - np.log(of_fixed[i]))
    return information, ratio


@njit(cache=True, nogil=True)
def _scored(
    held: np.ndarray, count: int, joint: np.ndarray, ratio: np.ndarray, centre: np.ndarray, kind: int
) -> tuple[np.ndarray, np.ndarray]:
    """Curvature and gradient of the information, times the number of points, by the step's numbers."""
    numbers = NUMBERS[kind]
    curvature = np.zeros(BINS)  # Fisher's information at each node
    for j in range(1, BINS - 1):
        column = joint[:, j].sum()
        for i in range(BINS):
            curvature[j] += joint[i, j] / column * ((ratio[i, j + 1] - ratio[i, j - 1]) / 2) ** 2
    largest = curvature.max()
    sums = np.zeros((numbers + 1, numbers + 1))
    block = np.empty((numbers + 1, BLOCK))
    filled = 0
    for point in range(count):
        row = held[point]
        bin_, place = int(row[0]), row[1]
        node = int(place)
        slopes = _spline_slope(place - node)
        score = 0.0
        for k in range(4):
            score += slopes[k] * ratio[bin_, node - 1 + k]
        share = place - node
        weight = curvature[node] * (1 - share) + curvature[min(node + 1, BINS - 1)] * share + 1e-3 * largest + 1e-12
        root = np.sqrt(weight)
        derivatives(
            row[2] * root, row[3] * root, row[4] * root, row[5] - centre[0], row[6] - centre[1], row[7] - centre[2],
            kind, block, filled,
        )  # fmt: skip
        block[numbers, filled] = score / root
        filled += 1
        if filled == BLOCK:
            add_products(block, filled, sums)
            filled = 0
    add_products(block, filled, sums)
    left, right = np.empty((numbers, numbers)), np.empty(numbers)
    for i in range(numbers):
        right[i] = sums[i, numbers]
        for j in range(numbers):
            left[i, j] = sums[min(i, j), max(i, j)]
    return left, right


@njit(cache=True, nogil=True)
def climb_information(
    points: np.ndarray,
    bins: np.ndarray,
    moving: np.ndarray,
    cells: np.ndarray,
    spacing: np.ndarray,
    origin: np.ndarray,
    start: np.ndarray,
    kind: int,
    span: np.ndarray,
    iterations: int,
    fewest: int,
) -> tuple[np.ndarray, float, int, int, bool]:
    """Climb from `start` to where the mutual information over the overlap is largest.

    Parameters
    ----------
    points, moving, cells, spacing, origin, kind
        As of `equations.normal_equations`.
    bins : ndarray of int64, (n,)
        Of the fixed values, 0 to BINS - 1; see `binned`.
    start : ndarray of float64, (4, 4)
    span : ndarray of float64, (2,)
        Moving values that the bins go from and to.
    iterations : int
        Steps tried, at most.
    fewest : int
        Points that the overlap has to keep.

    Returns
    -------
    matrix : ndarray of float64, (4, 4)
    information : float
        Mutual information in nats; 0 with fewer than `fewest` points in the overlap.
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
    held, new_held = np.empty((len(points), 8)), np.empty((len(points), 8))
    joint, count = _gathered(points, bins, moving, cells, spacing, origin, matrix, span, held)
    if count < fewest:
        return matrix, 0.0, count, 0, False
    information, ratio = _information_of(joint)
    voxel = spacing.mean()
    damping, tried, converged = 1e-3, 0, False
    while tried < iterations and not converged:
        left, right = _scored(held, count, joint, ratio, centre, kind)
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
            new_joint, new_count = _gathered(points, bins, moving, cells, spacing, origin, new, span, new_held)
            new_information, new_ratio = _information_of(new_joint)
            gain = new_information - information
            if new_count >= fewest and gain > 0:
                for axis in range(3):
                    centre[axis] += step[axis]
                held, new_held = new_held, held
                matrix, joint, ratio, count, information = new, new_joint, new_ratio, new_count, new_information
                damping = max(damping / 5, 1e-6)
                converged = length < SMALL_STEP * voxel or gain < SMALL_GAIN
                break
            if length < SMALL_STEP * voxel:
                break
            damping *= 8
    return matrix, information, count, tried, converged


def binned(values: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """Bins 0 to BINS - 1 of fixed values; what lies outside the span falls into the first and the last."""
    low, high = span
    places = (np.asarray(values, np.float64) - low) * (BINS / max(high - low, 1e-12))
    return np.clip(places, 0, BINS - 1).astype(np.int64)
