"""What the small deformation after the alignment gives and costs, on real heads under simulated deformation.

    python -m benchmarks.deformation

Prints NMI of bent copies, relatives and strangers before and after it, and milliseconds a pair beside those of the
linear alignment, both measured in one run on one thread.
"""

from __future__ import annotations

import time

import numpy as np
import SimpleITK as sitk

from benchmarks.cohorts import Person, Simulator
from benchmarks.page import table
from napari_relict.demo.deformation import Scale, random_field
from napari_relict.demo.sample import Sample
from napari_relict.measures.deformation import deform
from napari_relict.measures.information import normalised_mutual_information
from napari_relict.measures.registration import align
from napari_relict.volumes.affines import on_grid, resampled
from napari_relict.volumes.grid import Grid, place
from napari_relict.volumes.intensity import to_unit, value_range
from napari_relict.volumes.pose import centre_of_mass, centring, coarse_image, foreground

GRIDS = (Grid((96, 112, 96), (2.0,) * 3), Grid((128, 128, 128), (1.7,) * 3))
PEOPLE = 8
REACHES = (2.0, 4.0, 6.0)  # mm an axis, of control points 40 mm apart; twice that of those 60 mm apart
SEED = 77
Found = tuple[float, float, bool, float, float]


def main() -> None:
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    simulator = Simulator()
    people = [Person(i % 6, (SEED, 1, i), (SEED, 1, i, 1)) for i in range(PEOPLE)]
    scores: dict[str, list[Found]] = {}
    for i, person in enumerate(people):
        sample = simulator.person(person)
        volume = placed(sample, GRIDS[0])
        for reach in REACHES:
            name = f"copy bent by control points up to {reach:g} and {2 * reach:g} mm an axis"
            scores.setdefault(name, []).append(compared(bent(volume, GRIDS[0], reach, 100 + i), volume, GRIDS[0]))
        others = {
            "relative of the same anatomy": simulator.person(Person(i % 6, (SEED, 2, i), (SEED, 2, i, 1)), person),
            "stranger of the same anatomy": simulator.person(Person(i % 6, (SEED, 3, i), (SEED, 3, i, 1))),
            "stranger of another anatomy": simulator.person(Person((i + 1) % 6, (SEED, 4, i), (SEED, 4, i, 1))),
        }
        for name, other in others.items():
            scores.setdefault(name, []).append(compared(placed(other, GRIDS[0]), volume, GRIDS[0]))
    rows = [
        [name, *(spread([one[column] for one in found]) for column in (0, 1)), f"{sum(one[2] for one in found)}"]
        for name, found in scores.items()
    ]
    print(table(["fixed volume", "NMI, linear", "NMI, deformed", f"deformed, of {PEOPLE}"], rows))
    rows = [timed(grid, [simulator.person(person) for person in people[:6]]) for grid in GRIDS]
    print(table(["grid", "linear, ms", "deformable step, ms", "ratio"], rows))


def placed(sample: Sample, grid: Grid) -> np.ndarray:
    """The head on a grid, about its centre of mass, 0 to 1."""
    image = sitk.Cast(sample.image, sitk.sitkFloat32)
    pose = centring(centre_of_mass(coarse_image(image, grid, "mr", (0, 1))))
    values = place(image, grid, pose, fill=0)
    return to_unit(values, *value_range(values, "mr", (0, 1), ""))


def bent(values: np.ndarray, grid: Grid, reach: float, seed: int) -> np.ndarray:
    """Bent at two scales, with noise of 2% of the range."""
    rng = np.random.default_rng(seed)
    half = [float(side * step / 2 + 40) for side, step in zip(grid.shape[::-1], grid.spacing[::-1], strict=True)]
    field = random_field(rng, (half[0], half[1], half[2]), (Scale(60.0, 2 * reach), Scale(40.0, reach)))
    image = on_grid(values, grid)
    moved = sitk.GetArrayFromImage(sitk.Resample(image, image, field, sitk.sitkLinear, 0.0))
    return np.clip(moved + rng.normal(0, 0.02, moved.shape), 0, 1).astype(np.float32)


def compared(fixed: np.ndarray, moving: np.ndarray, grid: Grid) -> Found:
    """NMI linear and deformed, whether the deformation was taken, ms of either step."""
    everywhere, body = np.ones(grid.shape, bool), foreground(fixed)
    begin = time.perf_counter()
    matrix = align(fixed, moving, grid, fixed_mask=everywhere, moving_mask=everywhere)
    middle = time.perf_counter()
    way = deform(fixed, moving, grid, matrix, fixed_mask=body, moving_mask=everywhere)
    end = time.perf_counter()
    before, after = (
        normalised_mutual_information(fixed, resampled(moving, grid, to), mask=body) for to in (matrix, way)
    )
    return before, after, not way.IsLinear(), 1e3 * (middle - begin), 1e3 * (end - middle)


def timed(grid: Grid, samples: list[Sample]) -> list[str]:
    """Medians over copies bent a little and pairs of strangers; the ratio is the median of the pairs' ratios."""
    volumes = [placed(sample, grid) for sample in samples]
    pairs = [(bent(volume, grid, 2.0, i), volume) for i, volume in enumerate(volumes)]
    pairs += [(volume, volumes[i - 1]) for i, volume in enumerate(volumes)]
    found = np.array([compared(fixed, moving, grid)[3:] for fixed, moving in pairs])
    linear, step = np.median(found, axis=0)
    shape = " x ".join(str(side) for side in grid.shape)
    return [shape, f"{linear:.0f}", f"{step:.0f}", f"{np.median(found[:, 1] / found[:, 0]):.1f}"]


def spread(values: list[float]) -> str:
    return f"{np.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
