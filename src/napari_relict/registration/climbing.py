"""Levenberg-Marquardt on the correlation of two volumes, compiled.

Gain and offset between the two are solved in closed form at every step (variable projection: Golub and Pereyra, SIAM J.
Numer. Anal. 10, 1973, in Kaufman's simplification), so the squared residual falls exactly where the correlation over
the overlap rises. Gradients are those of the trilinear interpolant. One pass over the points gives the value and the
normal equations together, so a step that is refused costs no more than one that is taken.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from napari_relict.registration.transforms import NUMBERS, stepped

SMALL_STEP = 0.01  # voxels: a step that moves the points by less ends the climb
SMALL_GAIN = 1e-6  # of the squared correlation, likewise
LARGEST_STEP = 0.7  # voxels, root mean square over the points
STEEPEST = 1e4  # damping beyond which no step is left to try
BINS = 48


@njit(cache=True, nogil=True)
def normal_equations(
    points: np.ndarray,
    fixed: np.ndarray,
    moving: np.ndarray,
    seen: np.ndarray,
    spacing: np.ndarray,
    origin: np.ndarray,
    matrix: np.ndarray,
    centre: np.ndarray,
    kind: int,
    curve: np.ndarray,
) -> tuple[np.ndarray, int]:
    """Sums of products of what the step, gain and offset are solved from.

    Parameters
    ----------
    points : ndarray of float64, (n, 3)
        mm (x, y, z) in the fixed volume.
    fixed : ndarray of float32, (n,)
    moving : ndarray of float32, (z, y, x)
    seen : ndarray of uint8, (z, y, x)
    spacing, origin : ndarray of float64, (3,)
        mm, of the moving volume.
    matrix : ndarray of float64, (4, 4)
        mm in the fixed -> mm in the moving volume.
    centre : ndarray of float64, (3,)
        mm in the moving volume, of the step.
    kind : int
    curve : ndarray of float64, (bins,) or (0,)
        What moving values from 0 to 1 become before they are compared; as they are when empty.

    Returns
    -------
    ndarray of float64, (numbers + 3, numbers + 3)
        Products of derivatives by the step's numbers, moving value, one and fixed value, summed over the overlap.
    int
        Points in the overlap.
    """
    numbers = NUMBERS[kind]
    columns = numbers + 3
    sums = np.zeros((columns, columns))
    row = np.empty(columns)
    depth, height, width = moving.shape
    bins = len(curve)
    count = 0
    for point in range(len(points)):
        px, py, pz = points[point, 0], points[point, 1], points[point, 2]
        mx = matrix[0, 0] * px + matrix[0, 1] * py + matrix[0, 2] * pz + matrix[0, 3]
        my = matrix[1, 0] * px + matrix[1, 1] * py + matrix[1, 2] * pz + matrix[1, 3]
        mz = matrix[2, 0] * px + matrix[2, 1] * py + matrix[2, 2] * pz + matrix[2, 3]
        ix, iy, iz = (mx - origin[0]) / spacing[0], (my - origin[1]) / spacing[1], (mz - origin[2]) / spacing[2]
        if not (0.0 <= ix < width - 1 and 0.0 <= iy < height - 1 and 0.0 <= iz < depth - 1):
            continue
        x, y, z = int(ix), int(iy), int(iz)
        if not seen[int(iz + 0.5), int(iy + 0.5), int(ix + 0.5)]:
            continue
        fx, fy, fz = ix - x, iy - y, iz - z
        a, b = float(moving[z, y, x]), float(moving[z, y, x + 1])
        c, d = float(moving[z, y + 1, x]), float(moving[z, y + 1, x + 1])
        e, f = float(moving[z + 1, y, x]), float(moving[z + 1, y, x + 1])
        g, h = float(moving[z + 1, y + 1, x]), float(moving[z + 1, y + 1, x + 1])
        ab, cd, ef, gh = a + (b - a) * fx, c + (d - c) * fx, e + (f - e) * fx, g + (h - g) * fx
        low, high = ab + (cd - ab) * fy, ef + (gh - ef) * fy
        value = low + (high - low) * fz
        gx = ((b - a) * (1 - fy) + (d - c) * fy) * (1 - fz) + ((f - e) * (1 - fy) + (h - g) * fy) * fz
        gy, gz = (cd - ab) * (1 - fz) + (gh - ef) * fz, high - low
        if bins:
            place = min(max(value, 0.0), 1.0) * (bins - 1)
            node = min(int(place), bins - 2)
            slope = (curve[node + 1] - curve[node]) * (bins - 1)
            value = curve[node] + (curve[node + 1] - curve[node]) * (place - node)
            gx, gy, gz = gx * slope, gy * slope, gz * slope
        gx, gy, gz = gx / spacing[0], gy / spacing[1], gz / spacing[2]
        row[0], row[1], row[2] = gx, gy, gz
        if kind >= 1:
            dx, dy, dz = mx - centre[0], my - centre[1], mz - centre[2]
            if kind == 3:
                row[3], row[4], row[5] = gx * dx, gx * dy, gx * dz
                row[6], row[7], row[8] = gy * dx, gy * dy, gy * dz
                row[9], row[10], row[11] = gz * dx, gz * dy, gz * dz
            else:
                row[3], row[4], row[5] = dy * gz - dz * gy, dz * gx - dx * gz, dx * gy - dy * gx
                if kind == 2:
                    row[6] = gx * dx + gy * dy + gz * dz
        row[numbers], row[numbers + 1], row[numbers + 2] = value, 1.0, float(fixed[point])
        for i in range(columns):
            for j in range(i, columns):
                sums[i, j] += row[i] * row[j]
        count += 1
    for i in range(columns):
        for j in range(i):
            sums[i, j] = sums[j, i]
    return sums, count


@njit(cache=True, nogil=True)
def correlation_of(sums: np.ndarray) -> float:
    """NCC over the overlap, from the sums of `normal_equations`; 0 where either volume is constant there."""
    m = sums.shape[0] - 3
    n = sums[m + 1, m + 1]
    if n < 2:
        return 0.0
    mm = sums[m, m] - sums[m, m + 1] ** 2 / n
    ff = sums[m + 2, m + 2] - sums[m + 2, m + 1] ** 2 / n
    fm = sums[m, m + 2] - sums[m, m + 1] * sums[m + 2, m + 1] / n
    if mm <= 1e-12 * n or ff <= 1e-12 * n:
        return 0.0
    return float(fm / np.sqrt(mm * ff))


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
def _solved(left: np.ndarray, right: np.ndarray, damping: float) -> np.ndarray:
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
def _length(step: np.ndarray, kind: int, reach: np.ndarray) -> float:
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
def climb(
    points: np.ndarray,
    fixed: np.ndarray,
    moving: np.ndarray,
    seen: np.ndarray,
    spacing: np.ndarray,
    origin: np.ndarray,
    start: np.ndarray,
    kind: int,
    either_sign: bool,
    curve: np.ndarray,
    iterations: int,
    fewest: int,
) -> tuple[np.ndarray, float, int, int]:
    """Climb from `start` to where the correlation over the overlap is largest.

    Parameters
    ----------
    points, fixed, moving, seen, spacing, origin, kind, curve
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
    """
    matrix = start.copy()
    centre, reach = np.zeros(3), np.zeros(3)
    if len(points) < 4:
        return matrix, 0.0, 0, 0
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
    sums, count = normal_equations(points, fixed, moving, seen, spacing, origin, matrix, centre, kind, curve)
    if count < fewest:
        return matrix, 0.0, count, 0
    correlation = correlation_of(sums)
    voxel = spacing.mean()
    damping, tried = 1e-3, 0
    while tried < iterations and correlation != 0.0:
        left, right = _system(sums, either_sign)
        taken = False
        while tried < iterations and damping < STEEPEST:
            tried += 1
            step = _solved(left, right, damping)
            length = _length(step, kind, reach)
            if length > LARGEST_STEP * voxel:
                step *= LARGEST_STEP * voxel / length
                length = LARGEST_STEP * voxel
            new = stepped(matrix, step, centre, kind)
            new_sums, new_count = normal_equations(
                points, fixed, moving, seen, spacing, origin, new, centre, kind, curve
            )
            new_correlation = correlation_of(new_sums) if new_count >= fewest else 0.0
            gain = new_correlation * abs(new_correlation) - correlation * abs(correlation)
            if either_sign:
                gain = new_correlation**2 - correlation**2
            if new_count >= fewest and gain > 0:
                for axis in range(3):
                    centre[axis] += step[axis]
                matrix, sums, count, correlation = new, new_sums, new_count, new_correlation
                damping = max(damping / 5, 1e-6)
                taken = not (length < SMALL_STEP * voxel or gain < SMALL_GAIN)
                break
            if length < SMALL_STEP * voxel:
                break
            damping *= 8
        if not taken:
            break
    return matrix, correlation, count, tried


@njit(cache=True, nogil=True)
def curve_between(
    points: np.ndarray,
    fixed: np.ndarray,
    moving: np.ndarray,
    seen: np.ndarray,
    spacing: np.ndarray,
    origin: np.ndarray,
    matrix: np.ndarray,
) -> np.ndarray:
    """Mean fixed value by moving value (0 to 1), over the overlap: what one contrast makes of the other.

    The functional dependence that the correlation ratio measures (Roche, Malandain, Pennec and Ayache, MICCAI 1998).
    Bins nobody fell into lie on the line between their neighbours; a little smoothing keeps the slope steady.

    Returns
    -------
    ndarray of float64, (BINS,)
    """
    total, weight = np.zeros(BINS), np.zeros(BINS)
    depth, height, width = moving.shape
    for point in range(len(points)):
        px, py, pz = points[point, 0], points[point, 1], points[point, 2]
        place = np.empty(3)
        for axis in range(3):
            mm = matrix[axis, 0] * px + matrix[axis, 1] * py + matrix[axis, 2] * pz + matrix[axis, 3]
            place[axis] = (mm - origin[axis]) / spacing[axis]
        if not (0 <= place[0] < width - 1 and 0 <= place[1] < height - 1 and 0 <= place[2] < depth - 1):
            continue
        x, y, z = int(place[0] + 0.5), int(place[1] + 0.5), int(place[2] + 0.5)
        if not seen[z, y, x]:
            continue
        where = min(max(float(moving[z, y, x]), 0.0), 1.0) * (BINS - 1)
        node = min(int(where), BINS - 2)
        share = where - node
        total[node] += (1 - share) * fixed[point]
        weight[node] += 1 - share
        total[node + 1] += share * fixed[point]
        weight[node + 1] += share
    smooth_total, smooth_weight = total.copy(), weight.copy()
    for _ in range(2):
        for node in range(BINS):
            low, high = max(node - 1, 0), min(node + 1, BINS - 1)
            smooth_total[node] = 0.25 * total[low] + 0.5 * total[node] + 0.25 * total[high]
            smooth_weight[node] = 0.25 * weight[low] + 0.5 * weight[node] + 0.25 * weight[high]
        total[:], weight[:] = smooth_total, smooth_weight
    curve = np.zeros(BINS)
    last = -1
    for node in range(BINS):
        if weight[node] > 0.5:
            curve[node] = total[node] / weight[node]
            if last < 0:
                curve[:node] = curve[node]
            else:
                for between in range(last + 1, node):
                    share = (between - last) / (node - last)
                    curve[between] = curve[last] + share * (curve[node] - curve[last])
            last = node
    if last >= 0:
        curve[last:] = curve[last]
    return curve
