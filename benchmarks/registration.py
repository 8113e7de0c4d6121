"""The registration engine beside SimpleITK's registration, on the same pairs of real heads, in one run.

    python -m benchmarks.registration
    python -m benchmarks.registration --people 3 --kind rigid

Writes the section Registration of docs/benchmarks.md (not with `--only`): for each kind of pair, milliseconds of one
core a pair, NCC and NMI over the body where both were seen, and the target registration error (mean distance over the
body from where the known transform puts it). Times are those of the processor, so that whatever else the machine does
is left out; nothing is prepared before the clock starts but where a column says so.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, get_args

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from benchmarks.cohorts import Person, Simulator
from benchmarks.deformation import bent, placed
from benchmarks.page import machine, table, write_section
from napari_relict.measures.information import normalised_mutual_information
from napari_relict.measures.registration import KINDS, Alignment, align
from napari_relict.registration import Contrast, Pyramid, register
from napari_relict.registration.coarse import outline, register_all
from napari_relict.volumes.affines import grid_points, on_grid, resampled, transform_of
from napari_relict.volumes.grid import Grid
from napari_relict.volumes.pose import foreground, turn_over

GRID = Grid((96, 112, 96), (2.0,) * 3)
SEED = 78
TOLERATED = 0.002  # of NCC and NMI: by less neither engine is worse
TOLERATED_VOXELS = 0.02  # of the error, likewise
T = TypeVar("T")
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Pair:
    """Two volumes and, if it is known, how one lies on the other.

    Attributes
    ----------
    fixed, moving : ndarray of float32, (z, y, x)
        On `GRID`.
    seen, moving_seen : ndarray of bool, (z, y, x)
    truth : ndarray of float64, (4, 4), or None
        mm in the fixed -> mm in the moving volume.
    differ : bool
        The contrasts differ.
    """

    fixed: np.ndarray
    moving: np.ndarray
    seen: np.ndarray
    moving_seen: np.ndarray
    truth: np.ndarray | None
    differ: bool = False


@dataclass(frozen=True)
class Kind:
    """How the moving volume of a pair is made: turned up to so far, scaled, and changed."""

    degrees: float = 6.0
    scale: float = 1.03
    change: Change = lambda values, rng: values
    differ: bool = False


def fall_off(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As a surface coil sees it: a third as bright on one side as on the other."""
    axis = int(rng.integers(3))
    shape = [1, 1, 1]
    shape[axis] = -1
    along = np.linspace(0, np.log(3), values.shape[axis]).reshape(shape)
    return np.asarray(values * np.exp(-along))


def decoded(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As an autoencoder gives a volume back: blurred, gained locally, noisy."""
    field = ndimage.zoom(rng.normal(1, 0.1, (4, 4, 4)), np.array(values.shape) / 4, order=3)
    return np.asarray(ndimage.gaussian_filter(values, 1.2) * field + rng.normal(0, 0.01, values.shape))


def other_contrast(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A curve that rises and falls, as if from T1 to T2."""
    return np.where(values > 0.08, np.sin(np.pi * np.clip(values, 0, 1) ** 0.6), values)


CHANGES: dict[str, Kind] = {
    "as it is": Kind(),
    "noise, 5%": Kind(change=lambda values, rng: values + rng.normal(0, 0.05, values.shape)),
    "smoothed, 1.2 voxels": Kind(change=lambda values, rng: ndimage.gaussian_filter(values, 1.2)),
    "decoded": Kind(change=decoded),
    "surface coil": Kind(change=fall_off),
    "turned by 15 degrees": Kind(15.0),
    "scaled by 1.1": Kind(3.0, 1.1),
    "bent": Kind(),
    "cropped by a third": Kind(),
    "inverted": Kind(change=lambda values, rng: turn_over(np.asarray(values, np.float32), GRID.spacing), differ=True),
    "another contrast": Kind(change=other_contrast, differ=True),
    "another person": Kind(),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--people", type=int, default=6, help="heads, and so pairs of each kind")
    parser.add_argument("--kind", choices=get_args(Alignment), default="similarity")
    parser.add_argument("--only", default="", help="of the kinds of pairs, those that have this in their name")
    asked = parser.parse_args()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    simulator = Simulator()
    heads = [placed(simulator.person(Person(i % 6, (SEED, 1, i), (SEED, 1, i, 1))), GRID) for i in range(asked.people)]
    rows = []
    for number, (name, kind) in enumerate(CHANGES.items()):
        if asked.only in name:
            pairs = [made(name, kind, heads, i, np.random.default_rng((SEED, number, i))) for i in range(len(heads))]
            rows.append(compared(name, pairs, asked.kind))
    head = ["pair", "ours, ms", "prepared, ms", "SimpleITK, ms", "ratio", "NCC", "NMI", "error, mm", "worse in"]
    text = (
        f"`python -m benchmarks.registration`, {machine()}: {len(heads)} real heads under simulated deformation,"
        f" {asked.kind}, one core.\n\n{table(head, rows)}\n\nMedians, ours / SimpleITK's, which ends at half the"
        " resolution as it is set up here; `prepared`: ours, both volumes prepared before; `worse in`: pairs in which"
        f" ours has a lower NCC or NMI (by more than {TOLERATED}; NCC not where contrasts differ) or a larger error (by"
        f" more than {TOLERATED_VOXELS} voxels).\n\n{coarse_times(heads)}"
    )
    print(text)
    if not asked.only:
        write_section("Registration", text)


def coarse_times(heads: list[np.ndarray]) -> str:
    """What a pair of outlines takes at low resolution."""
    made_of = [outline(head, GRID.spacing, np.ones(GRID.shape, bool)) for head in heads]
    values, seen = np.stack([one.values for one in made_of]), np.stack([one.seen for one in made_of])
    starts = np.tile(np.eye(4), (len(heads), 2, 1, 1))
    register_all(made_of[0], values, seen, starts)  # compiled before it is timed
    took, _ = timed(lambda: [register_all(one, values, seen, starts) for one in made_of])
    return f"Every pair by outlines, two starts, one mirror state: {1e3 * took / len(heads) ** 2:.1f} ms of one core."


def made(name: str, kind: Kind, heads: list[np.ndarray], number: int, rng: np.random.Generator) -> Pair:
    """One pair. The moving volume is a head moved by a known transform, interpolated by cubic splines."""
    fixed = heads[number]
    truth: np.ndarray | None = known(kind, rng)
    source = heads[number - 1] if name == "another person" else fixed
    if name == "bent":
        source = bent(fixed, GRID, 2.0, number)
    moving_seen = resampled(np.ones(GRID.shape, np.float32), GRID, np.linalg.inv(truth)) > 0.5
    image = on_grid(np.ascontiguousarray(source, np.float32), GRID)
    way = transform_of(np.linalg.inv(truth))
    moved = sitk.GetArrayFromImage(sitk.Resample(image, GRID.empty(), way, sitk.sitkBSpline, 0.0, sitk.sitkFloat32))
    moving = np.clip(kind.change(np.clip(moved, 0, 1), rng), 0, 1)
    if name == "cropped by a third":
        moving_seen[: GRID.shape[0] // 3] = False
    moving = np.where(moving_seen, moving, 0).astype(np.float32)
    known_to_us = None if name == "another person" else truth
    return Pair(fixed, moving, np.ones(GRID.shape, bool), moving_seen, known_to_us, kind.differ)


def known(kind: Kind, rng: np.random.Generator) -> np.ndarray:
    """A similarity transform, mm -> mm: turned by the kind's degrees about any axis, shifted by up to 8 mm an axis."""
    axis = rng.normal(size=3)
    transform = sitk.Similarity3DTransform()
    transform.SetRotation(axis.tolist(), float(np.deg2rad(kind.degrees)))
    transform.SetScale(float(kind.scale ** rng.choice([-1, 1])))
    transform.SetTranslation(rng.uniform(-8, 8, 3).tolist())
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(transform.GetMatrix(), (3, 3))
    matrix[:3, 3] = transform.GetTranslation()
    return matrix


def compared(name: str, pairs: list[Pair], kind: Alignment) -> list[str]:
    """One row of the table."""
    seconds, scores, worse = [], [], 0
    for number, pair in enumerate(pairs):
        if number == 0:
            ours(pair, kind)  # compiled before it is timed
        took, (mine, inside) = timed(lambda pair=pair: ours(pair, kind))
        took_theirs, theirs = timed(lambda pair=pair: simpleitks(pair, kind))
        seconds.append((took, inside, took_theirs))
        both = [agreement(pair, matrix) for matrix in (mine, theirs)]
        scores.append(both)
        (ncc, nmi, off), (their_ncc, their_nmi, their_off) = both
        lost = their_ncc - ncc > TOLERATED and not pair.differ
        worse += lost or their_nmi - nmi > TOLERATED or off - their_off > TOLERATED_VOXELS * GRID.spacing[0]
    mine_ms, inside_ms, theirs_ms = 1e3 * np.median(np.array(seconds), 0)
    ratio = np.median([theirs / mine for mine, _, theirs in seconds])
    ncc, nmi, off = np.median(np.array(scores), 0).T
    return [
        name, f"{mine_ms:.0f}", f"{inside_ms:.0f}", f"{theirs_ms:.0f}", f"{ratio:.1f}", f"{ncc[0]:.4f} / {ncc[1]:.4f}",
        f"{nmi[0]:.4f} / {nmi[1]:.4f}", f"{off[0]:.3f} / {off[1]:.3f}", f"{worse} of {len(pairs)}",
    ]  # fmt: skip


def ours(pair: Pair, kind: Alignment) -> tuple[np.ndarray, float]:
    """The matrix, and the seconds that were not spent on preparing the two volumes."""
    fixed = Pyramid(pair.fixed, GRID.spacing, pair.seen)
    moving = Pyramid(pair.moving, GRID.spacing, pair.moving_seen)
    for factor in fixed.factors:
        fixed.level(factor).points  # noqa: B018
        fixed.level(factor).at_points  # noqa: B018
        moving.level(factor)
    contrast: Contrast = "different" if pair.differ else "same"
    begin = time.process_time()
    matrix = register(fixed, moving, kind=KINDS[kind], contrast=contrast).matrix
    return matrix, time.process_time() - begin


def simpleitks(pair: Pair, kind: Alignment) -> np.ndarray:
    return align(
        pair.fixed, pair.moving, GRID, fixed_mask=pair.seen, moving_mask=pair.moving_seen, kind=kind,
        contrasts_differ=pair.differ, engine="simpleitk",
    )  # fmt: skip


def timed(call: Callable[[], T]) -> tuple[float, T]:
    begin = time.process_time()
    found = call()
    return time.process_time() - begin, found


def agreement(pair: Pair, matrix: np.ndarray) -> tuple[float, float, float]:
    """NCC and NMI over the body where both were seen, and the mean distance from the truth over the body, mm."""
    moved = resampled(pair.moving, GRID, matrix)
    body = ndimage.binary_dilation(foreground(pair.fixed), iterations=2)
    both = body & pair.seen & (resampled(pair.moving_seen.astype(np.float32), GRID, matrix) > 0.5)
    ncc = float(np.corrcoef(pair.fixed[both], moved[both])[0, 1]) if both.any() else float("nan")
    nmi = normalised_mutual_information(pair.fixed, moved, mask=both)
    if pair.truth is None:
        return ncc, nmi, float("nan")
    x, y, z = (axis[body] for axis in np.broadcast_arrays(*grid_points(GRID)))
    points = np.stack([x, y, z, np.ones_like(x)])
    return ncc, nmi, float(np.linalg.norm(((matrix - pair.truth) @ points)[:3], axis=0).mean())


if __name__ == "__main__":
    main()
