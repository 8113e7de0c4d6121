"""Many pairs climbed at once, in torch: the same steps as `climbing.climb`, in lockstep, on a processor or a GPU.

A pair that has converged is left alone; the others go on. Sums differ from the compiled twin's in their order alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_relict.registration.climbing import LARGEST_STEP, SMALL_GAIN, SMALL_STEP, STEEPEST
from napari_relict.registration.transforms import NUMBERS, Kind

if TYPE_CHECKING:
    import torch

CHUNK = 256  # pairs climbed together: some 100 MB a thousand points


@dataclass(frozen=True)
class Climbed:
    """What `climb_many` found of each pair.

    Attributes
    ----------
    matrices : ndarray of float64, (n, 4, 4)
        mm in the fixed -> mm in each moving volume.
    correlations : ndarray of float64, (n,)
        Over the overlap; 0 where it is too small.
    overlaps : ndarray of int64, (n,)
        Points in it.
    converged : ndarray of bool, (n,)
    """

    matrices: np.ndarray
    correlations: np.ndarray
    overlaps: np.ndarray
    converged: np.ndarray


@dataclass(frozen=True)
class Many:
    """One fixed volume's points and many moving volumes on one grid, as tensors on one device.

    Attributes
    ----------
    points : Tensor, (p, 3)
        mm (x, y, z) in the fixed volume.
    fixed : Tensor, (p,)
    moving, cells : Tensor, (n, z, y, x)
        Values; where they may be interpolated (see `equations.cells_of`).
    spacing, origin : Tensor, (3,)
        mm along x, y, z, of the moving volumes.
    """

    points: torch.Tensor
    fixed: torch.Tensor
    moving: torch.Tensor
    cells: torch.Tensor
    spacing: torch.Tensor
    origin: torch.Tensor

    @classmethod
    def of(
        cls, points: np.ndarray, fixed: np.ndarray, moving: np.ndarray, cells: np.ndarray, spacing: np.ndarray,
        origin: np.ndarray, *, device: str = "cpu", single: bool = False,
    ) -> Many:  # fmt: skip
        """Arrays (see the attributes) brought to a device.

        Parameters
        ----------
        points, fixed, moving, cells, spacing, origin : ndarray
        device : str
            As torch names it.
        single : bool
            Reckon in float32: faster on most GPUs, and equal to some three digits of a voxel.
        """
        import torch

        kind = torch.float32 if single else torch.float64
        numbers = [torch.as_tensor(np.asarray(part), dtype=kind) for part in (points, fixed, spacing, origin)]
        onto = [part.to(device) for part in numbers]
        volumes = torch.as_tensor(np.asarray(moving), dtype=torch.float32).to(device)
        return cls(onto[0], onto[1], volumes, torch.as_tensor(np.asarray(cells) > 0).to(device), onto[2], onto[3])


def climb_many(
    many: Many, starts: np.ndarray, kind: Kind, *, iterations: int, fewest: int, either_sign: bool = False
) -> Climbed:
    """Climb each pair from its start to where the correlation over the overlap is largest.

    Parameters
    ----------
    many : Many
    starts : ndarray of float64, (n, 4, 4)
    kind : Kind
    iterations : int
        Steps tried with each pair, at most.
    fewest : int
        Points that the overlap has to keep.
    either_sign : bool
        A correlation of -1 is as good as one of 1.

    Returns
    -------
    Climbed
    """
    parts = [
        _climbed(many, first, starts[first : first + CHUNK], kind, iterations, fewest, either_sign)
        for first in range(0, len(starts), CHUNK)
    ]
    if not parts:
        return Climbed(np.zeros((0, 4, 4)), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, bool))
    return Climbed(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def correlations(many: Many, starts: np.ndarray, fewest: int) -> np.ndarray:
    """Correlation of each pair as it lies, float64 (n,); -1 where fewer points than `fewest` overlap."""
    import torch

    found = []
    for first in range(0, len(starts), CHUNK):
        matrices = torch.as_tensor(starts[first : first + CHUNK], dtype=torch.float64, device=many.points.device)
        which = torch.arange(first, first + len(matrices), device=many.points.device)
        sums = _sums(many, which, matrices, matrices[:, :3, 3], 0)
        found.append(torch.where(sums[:, 4, 4] >= fewest, _correlation_of(sums), -1.0).cpu().numpy())
    return np.concatenate(found) if found else np.zeros(0)


def _climbed(
    many: Many, first: int, starts: np.ndarray, kind: Kind, iterations: int, fewest: int, either_sign: bool
) -> tuple[np.ndarray, ...]:
    import torch

    device, numbers = many.points.device, NUMBERS[kind]
    matrix = torch.as_tensor(starts, dtype=torch.float64, device=device).clone()
    moved = many.points.double() @ matrix[:, :3, :3].transpose(1, 2) + matrix[:, None, :3, 3]
    centre, reach = moved.mean(1), moved.std(1, correction=0)
    every = torch.arange(len(starts), device=device)
    sums = _sums(many, first + every, matrix, centre, kind)
    count = sums[:, numbers + 1, numbers + 1].round()
    correlation = torch.where(count >= fewest, _correlation_of(sums), 0.0)
    damping = torch.full_like(correlation, 1e-3)
    converged = torch.zeros_like(correlation, dtype=torch.bool)
    voxel = many.spacing.double().mean()
    active = every[correlation != 0]
    for _ in range(iterations):
        if not len(active):
            break
        step = _solved(*_system(sums[active], either_sign), damping[active])
        length = _step_length(step, kind, reach[active])
        step = step * (LARGEST_STEP * voxel / length.clamp_min(1e-300)).clamp_max(1.0)[:, None]
        length = length.clamp_max(LARGEST_STEP * voxel)
        new = _stepped(matrix[active], step, centre[active], kind)
        new_sums = _sums(many, first + active, new, centre[active] + step[:, :3], kind)
        enough = new_sums[:, numbers + 1, numbers + 1].round() >= fewest
        found = torch.where(enough, _correlation_of(new_sums), 0.0)
        before = correlation[active]
        gain = found**2 - before**2 if either_sign else found * found.abs() - before * before.abs()
        better, small = enough & (gain > 0), length < SMALL_STEP * voxel
        taken = active[better]
        matrix[taken], sums[taken], correlation[taken] = new[better], new_sums[better], found[better]
        centre[taken] += step[better, :3]
        damping[active] = torch.where(better, (damping[active] / 5).clamp_min(1e-6), damping[active] * 8)
        ended = small | torch.where(better, gain < SMALL_GAIN, damping[active] >= STEEPEST)
        converged[active] = ended
        active = active[~ended]
    count = sums[:, numbers + 1, numbers + 1].round().long()
    return tuple(part.cpu().numpy() for part in (matrix, correlation, count, converged))


def _sums(many: Many, which: torch.Tensor, matrix: torch.Tensor, centre: torch.Tensor, kind: int) -> torch.Tensor:
    """Sums of `equations.normal_equations` of the pairs `which`: float64 (n, numbers + 3, numbers + 3)."""
    import torch

    reckoned = many.points.dtype
    turn, shift = matrix[:, :3, :3].to(reckoned), matrix[:, None, :3, 3].to(reckoned)
    moved = many.points @ turn.transpose(1, 2) + shift
    place = (moved - many.origin) / many.spacing
    depth, height, width = many.moving.shape[1:]
    last = torch.tensor([width - 1, height - 1, depth - 1], device=place.device)
    inside = ((place >= 0) & (place < last)).all(2)
    base = which[:, None] * (depth * height * width)
    low = torch.nan_to_num(place).floor().long().clamp_min(0).minimum(last - 1)
    x, y, z = low.unbind(2)
    corner, values = base + (z * height + y) * width + x, many.moving.reshape(-1)
    inside &= many.cells.reshape(-1)[corner]
    a, b, c, d, e, f, g, h = (
        values[corner + (dz * height + dy) * width + dx].to(reckoned) for dz in (0, 1) for dy in (0, 1) for dx in (0, 1)
    )
    fx, fy, fz = (place - low).unbind(2)
    ab, cd, ef, gh = a + (b - a) * fx, c + (d - c) * fx, e + (f - e) * fx, g + (h - g) * fx
    near, far = ab + (cd - ab) * fy, ef + (gh - ef) * fy
    gx = ((b - a) * (1 - fy) + (d - c) * fy) * (1 - fz) + ((f - e) * (1 - fy) + (h - g) * fy) * fz
    along = torch.stack([gx, (cd - ab) * (1 - fz) + (gh - ef) * fz, far - near], 2) / many.spacing
    columns = [along]
    away = moved - centre[:, None].to(reckoned)
    if kind == 3:
        columns.append((along[..., :, None] * away[..., None, :]).flatten(2))
    elif kind >= 1:
        columns.append(torch.linalg.cross(away, along))
        if kind == 2:
            columns.append((along * away).sum(2, keepdim=True))
    columns.append((near + (far - near) * fz)[..., None])
    columns.append(torch.ones_like(columns[-1]))
    columns.append(many.fixed.expand(len(which), -1)[..., None])
    rows = torch.where(inside[..., None], torch.cat(columns, 2), 0.0)
    return (rows.transpose(1, 2) @ rows).double()


def _moments(sums: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sums of squares and products about the means: of moving values, of fixed ones, and of both."""
    m = sums.shape[1] - 3
    n = sums[:, m + 1, m + 1].clamp_min(1)
    of_moving, of_fixed = sums[:, m, m + 1], sums[:, m + 2, m + 1]
    return (
        sums[:, m, m] - of_moving**2 / n,
        sums[:, m + 2, m + 2] - of_fixed**2 / n,
        sums[:, m, m + 2] - of_moving * of_fixed / n,
    )


def _correlation_of(sums: torch.Tensor) -> torch.Tensor:
    import torch

    m = sums.shape[1] - 3
    n = sums[:, m + 1, m + 1]
    mm, ff, fm = _moments(sums)
    known = (n >= 2) & (mm > 1e-12 * n) & (ff > 1e-12 * n)
    return torch.where(known, fm / (mm * ff).clamp_min(1e-300).sqrt(), 0.0)


def _system(sums: torch.Tensor, either_sign: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Normal equations of the step, gain and offset projected out; see `climbing._system`."""
    import torch

    m = sums.shape[1] - 3
    n = sums[:, m + 1, m + 1].clamp_min(1)
    mm, ff, fm = _moments(sums)
    gain = fm / mm
    if not either_sign:
        gain = torch.where(gain > 0, gain, (ff / mm).sqrt())
    means = sums[:, :m, m + 1] / n[:, None]
    along = sums[:, :m, m] - means * sums[:, m, m + 1, None]
    against = sums[:, :m, m + 2] - means * sums[:, m + 2, m + 1, None]
    centred = sums[:, :m, :m] - means[:, :, None] * sums[:, None, :m, m + 1]
    left = gain[:, None, None] ** 2 * (centred - along[:, :, None] * along[:, None] / mm[:, None, None])
    return left, gain[:, None] * (against - along * (fm / mm)[:, None])


def _solved(left: torch.Tensor, right: torch.Tensor, damping: torch.Tensor) -> torch.Tensor:
    import torch

    own = left.diagonal(dim1=1, dim2=2)
    more = damping[:, None] * own + 1e-12 * own.sum(1, keepdim=True) + 1e-300
    lower, failed = torch.linalg.cholesky_ex(left + torch.diag_embed(more))
    good = torch.where((failed == 0)[:, None, None], lower, torch.eye(left.shape[1], device=left.device).double())
    return torch.where((failed == 0)[:, None], torch.cholesky_solve(right[..., None], good)[..., 0], 0.0)


def _step_length(step: torch.Tensor, kind: int, reach: torch.Tensor) -> torch.Tensor:
    total = (step[:, :3] ** 2).sum(1)
    spread = (reach**2).sum(1)
    if kind == 3:
        total = total + ((step[:, 3:].reshape(-1, 3, 3) * reach[:, None]) ** 2).sum((1, 2))
    elif kind >= 1:
        total = total + 2 / 3 * (step[:, 3:6] ** 2).sum(1) * spread
        if kind == 2:
            total = total + step[:, 6] ** 2 * spread
    return total.sqrt()


def _stepped(matrix: torch.Tensor, step: torch.Tensor, centre: torch.Tensor, kind: int) -> torch.Tensor:
    """See `transforms.stepped`."""
    import torch

    turn = torch.eye(3, dtype=torch.float64, device=matrix.device).expand(len(matrix), 3, 3)
    if kind == 3:
        turn = turn + step[:, 3:].reshape(-1, 3, 3)
    elif kind >= 1:
        x, y, z = step[:, 3], step[:, 4], step[:, 5]
        zero = torch.zeros_like(x)
        cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)
        turn = torch.linalg.matrix_exp(cross)  # Rodrigues' formula
        if kind == 2:
            turn = turn * step[:, 6].exp()[:, None, None]
    new = matrix.clone()
    new[:, :3, :3] = turn @ matrix[:, :3, :3]
    away = (matrix[:, :3, 3] - centre)[..., None]
    new[:, :3, 3] = centre + step[:, :3] + (turn @ away)[..., 0]
    return new
