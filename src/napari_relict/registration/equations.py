"""What a step of registration is solved from: sums over the points where both volumes were seen, compiled.

Gradients are those of the trilinear interpolant. Products are summed a block of points at a time, which is vectorised
and in the same order every time.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from napari_relict.registration.transforms import NUMBERS

BLOCK = 64  # points whose products are summed together


@njit(cache=True, nogil=True)
def interpolated(values: np.ndarray, ix: float, iy: float, iz: float) -> tuple[float, float, float, float]:
    """Trilinear interpolant and its gradient.

    Parameters
    ----------
    values : ndarray of float32, (z, y, x)
    ix, iy, iz : float
        Voxel coordinates, from 0 to below the last voxel's.

    Returns
    -------
    value, along_x, along_y, along_z : float
        The gradient a voxel, not a mm.
    """
    x, y, z = int(ix), int(iy), int(iz)
    fx, fy, fz = ix - x, iy - y, iz - z
    a, b = float(values[z, y, x]), float(values[z, y, x + 1])
    c, d = float(values[z, y + 1, x]), float(values[z, y + 1, x + 1])
    e, f = float(values[z + 1, y, x]), float(values[z + 1, y, x + 1])
    g, h = float(values[z + 1, y + 1, x]), float(values[z + 1, y + 1, x + 1])
    ab, cd, ef, gh = a + (b - a) * fx, c + (d - c) * fx, e + (f - e) * fx, g + (h - g) * fx
    low, high = ab + (cd - ab) * fy, ef + (gh - ef) * fy
    gx = ((b - a) * (1 - fy) + (d - c) * fy) * (1 - fz) + ((f - e) * (1 - fy) + (h - g) * fy) * fz
    return low + (high - low) * fz, gx, (cd - ab) * (1 - fz) + (gh - ef) * fz, high - low


@njit(cache=True, nogil=True)
def derivatives(
    gx: float, gy: float, gz: float, dx: float, dy: float, dz: float, kind: int, block: np.ndarray, place: int
) -> None:
    """Derivatives of a moving value by the numbers of a step (see `transforms.stepped`), into a column of a block.

    Parameters
    ----------
    gx, gy, gz : float
        Gradient at the point, a mm.
    dx, dy, dz : float
        The point from the step's centre, mm.
    kind : int
    block : ndarray of float64, (numbers or more, BLOCK)
        Written to.
    place : int
        Which column.
    """
    block[0, place], block[1, place], block[2, place] = gx, gy, gz
    if kind == 3:
        block[3, place], block[4, place], block[5, place] = gx * dx, gx * dy, gx * dz
        block[6, place], block[7, place], block[8, place] = gy * dx, gy * dy, gy * dz
        block[9, place], block[10, place], block[11, place] = gz * dx, gz * dy, gz * dz
    elif kind >= 1:
        block[3, place], block[4, place], block[5, place] = dy * gz - dz * gy, dz * gx - dx * gz, dx * gy - dy * gx
        if kind == 2:
            block[6, place] = gx * dx + gy * dy + gz * dz


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def add_products(block: np.ndarray, filled: int, sums: np.ndarray) -> None:
    """Add products of a block's rows (columns, BLOCK) to the upper half of their sums.

    Reordered sums are vectorised, and in the same order every time.
    """
    columns = len(block)
    for i in range(columns):
        for j in range(i, columns):
            total = 0.0
            for k in range(filled):
                total += block[i, k] * block[j, k]
            sums[i, j] += total


@njit(cache=True, nogil=True)
def normal_equations(
    points: np.ndarray,
    fixed: np.ndarray,
    moving: np.ndarray,
    cells: np.ndarray,
    spacing: np.ndarray,
    origin: np.ndarray,
    matrix: np.ndarray,
    centre: np.ndarray,
    kind: int,
) -> tuple[np.ndarray, int]:
    """Sums of products of what the step, gain and offset are solved from.

    Parameters
    ----------
    points : ndarray of float64, (n, 3)
        mm (x, y, z) in the fixed volume.
    fixed : ndarray of float32, (n,)
    moving : ndarray of float32, (z, y, x)
    cells : ndarray of uint8, (z, y, x)
        See `cells_of`.
    spacing, origin : ndarray of float64, (3,)
        mm, of the moving volume.
    matrix : ndarray of float64, (4, 4)
        mm in the fixed -> mm in the moving volume.
    centre : ndarray of float64, (3,)
        mm in the moving volume, of the step.
    kind : int

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
    block = np.empty((columns, BLOCK))
    depth, height, width = moving.shape
    sx, sy, sz = 1 / spacing[0], 1 / spacing[1], 1 / spacing[2]
    count, filled = 0, 0
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
        gx, gy, gz = gx * sx, gy * sy, gz * sz
        derivatives(gx, gy, gz, mx - centre[0], my - centre[1], mz - centre[2], kind, block, filled)
        block[numbers, filled], block[numbers + 1, filled] = value, 1.0
        block[numbers + 2, filled] = fixed[point]
        count += 1
        filled += 1
        if filled == BLOCK:
            add_products(block, filled, sums)
            filled = 0
    add_products(block, filled, sums)
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


def cells_of(seen: np.ndarray) -> np.ndarray:
    """Which cells between voxels may be interpolated in: those that all eight corners of were seen.

    Were the nearest voxel asked alone, a mask's rim would be blended with what is not to be looked at.

    Parameters
    ----------
    seen : ndarray of bool or uint8, (..., z, y, x)

    Returns
    -------
    ndarray of uint8, (..., z, y, x)
        By each cell's first corner; 0 in the last plane of each axis, where no cell begins.
    """
    cells = np.zeros(seen.shape, np.uint8)
    whole = np.asarray(seen) > 0
    whole = whole[..., 1:] & whole[..., :-1]
    whole = whole[..., 1:, :] & whole[..., :-1, :]
    whole = whole[..., 1:, :, :] & whole[..., :-1, :, :]
    cells[..., : whole.shape[-3], : whole.shape[-2], : whole.shape[-1]] = whole
    return cells
