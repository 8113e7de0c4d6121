"""Our registration against SimpleITK's, on real heads moved by known transforms.

    python -m benchmarks.registration [--quick]

Every head is changed as generators and scanners change volumes, then moved by a known similarity transform; both
engines bring it back in the same run, one after the other, on one core. Writes the section Registration of
docs/benchmarks.md; `--quick` takes two heads and writes nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import SimpleITK as sitk
from scipy import ndimage

from benchmarks.page import machine, table, write_section
from napari_relict.demo.anatomies import load_heads
from napari_relict.measures.information import normalised_mutual_information
from napari_relict.measures.registration import align
from napari_relict.registration.coarse import outline, register_all
from napari_relict.volumes.affines import grid_points, matrix_of, resampled
from napari_relict.volumes.grid import Grid
from napari_relict.volumes.pose import foreground, turn_over

SPACING = (2.0, 2.0, 2.0)
DEGREES = (3.0, 6.0, 10.0, 15.0, 4.0, 8.0)
MM = 4.0  # SD of the shift along each axis
SCALE = 0.04  # SD


def _gain(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    field = ndimage.gaussian_filter(random.normal(size=values.shape), 20)
    return np.clip(values * (1 + 0.6 * field / np.abs(field).max()), 0, 1)


def _crop(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    cropped = values.copy()
    cropped[: len(values) // 3] = 0
    return cropped


CHANGES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "as it is": lambda values, random: values,
    "noise": lambda values, random: np.clip(values + random.normal(0, 0.05, values.shape), 0, 1),
    "smooth, as decoded": lambda values, random: ndimage.gaussian_filter(values, 1.2),
    "another gamma": lambda values, random: values**0.6,
    "coil's gain": _gain,
    "a third cropped away": _crop,
    "inverted": lambda values, random: turn_over(values, SPACING),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two heads, nothing written")
    given = parser.parse_args()
    heads = [_on_grid(head.image) for head in load_heads()][: 2 if given.quick else None]
    align(
        heads[0], heads[1], _grid(heads[0]), **_masks(heads[0].shape, np.eye(4), "as it is")
    )  # compiled before timing
    rows = [_compared(change, number, head) for change in CHANGES for number, head in enumerate(heads)]
    per_pair = coarse_seconds(heads)
    text = section(pd.DataFrame(rows), per_pair, len(heads))
    print(text)
    if not given.quick:
        write_section("Registration", text)


def _on_grid(image: sitk.Image) -> np.ndarray:
    small = sitk.BinShrink(sitk.Cast(image, sitk.sitkFloat32), [2, 2, 2])
    values = sitk.GetArrayFromImage(small)
    return np.asarray(np.clip(values / np.quantile(values, 0.999), 0, 1), np.float32)


def _grid(values: np.ndarray) -> Grid:
    z, y, x = values.shape
    return Grid((z, y, x), SPACING)


def _masks(shape: tuple[int, ...], truth: np.ndarray, change: str) -> dict[str, np.ndarray]:
    """Everything was seen of the fixed volume; of the moving one what the transform brought along."""
    seen = np.ones(shape, np.float32)
    if change == "a third cropped away":
        seen[: shape[0] // 3] = 0
    z, y, x = shape
    moved = resampled(seen, Grid((z, y, x), SPACING), np.linalg.inv(truth)) > 0.5
    return {"fixed_mask": np.ones(shape, bool), "moving_mask": moved}


def _compared(change: str, number: int, head: np.ndarray) -> dict[str, object]:
    random, grid = np.random.default_rng(number), _grid(head)
    truth = _known(random, DEGREES[number % len(DEGREES)])
    changed = np.asarray(CHANGES[change](head, random), np.float32)
    moving = resampled(changed, grid, np.linalg.inv(truth))
    masks = _masks(head.shape, truth, change)
    body = foreground(head)
    row: dict[str, object] = {"change": change}
    for engine in ("simpleitk", "gauss-newton"):
        began = time.perf_counter()
        found = align(head, moving, grid, contrasts_differ=change == "inverted", engine=engine, **masks)  # type: ignore[arg-type]
        took = time.perf_counter() - began
        moved = resampled(moving, grid, found)
        both = body & (resampled(masks["moving_mask"].astype(np.float32), grid, found) > 0.5)
        row |= {
            f"{engine} s": took,
            f"{engine} mm": _off(found, truth, body, grid),
            f"{engine} ncc": abs(float(np.corrcoef(head[both], moved[both])[0, 1])),
            f"{engine} nmi": normalised_mutual_information(head, moved, mask=both),
        }
    return row


def _known(random: np.random.Generator, degrees: float) -> np.ndarray:
    axis = random.normal(size=3)
    transform = sitk.Similarity3DTransform()
    transform.SetRotation((axis / np.linalg.norm(axis)).tolist(), float(np.deg2rad(degrees)))
    transform.SetScale(float(1 + SCALE * random.normal()))
    transform.SetTranslation((MM * random.normal(size=3)).tolist())
    return matrix_of(transform)


def _off(one: np.ndarray, other: np.ndarray, body: np.ndarray, grid: Grid) -> float:
    """Mean distance in mm between where two matrices put the body: the target registration error."""
    x, y, z = (axis[body] for axis in np.broadcast_arrays(*grid_points(grid)))
    points = np.stack([x, y, z, np.ones_like(x)])
    return float(np.linalg.norm(((one - other) @ points)[:3], axis=0).mean())


def coarse_seconds(heads: list[np.ndarray]) -> float:
    """Seconds of one core for one pair of outlines, registered from two starts."""
    outlines = [outline(head, SPACING, np.ones(head.shape, bool)) for head in heads]
    values, seen = np.stack([one.values for one in outlines]), np.stack([one.seen for one in outlines])
    starts = np.tile(np.eye(4), (len(heads), 2, 1, 1))
    register_all(outlines[0], values, seen, starts)
    began = time.perf_counter()
    for one in outlines:
        register_all(one, values, seen, starts)
    return (time.perf_counter() - began) / len(heads) ** 2


def section(rows: pd.DataFrame, per_pair: float, heads: int) -> str:
    means = rows.groupby("change", sort=False).mean()
    lines = [
        [
            change,
            f"{row['simpleitk s']:.2f}",
            f"{row['gauss-newton s']:.3f}",
            f"x{row['simpleitk s'] / row['gauss-newton s']:.1f}",
            f"{row['simpleitk mm']:.2f} / {row['gauss-newton mm']:.2f}",
            f"{row['simpleitk ncc']:.3f} / {row['gauss-newton ncc']:.3f}",
            f"{row['simpleitk nmi']:.3f} / {row['gauss-newton nmi']:.3f}",
        ]
        for change, row in means.iterrows()
    ]
    head = ["change", "SimpleITK s", "ours s", "ratio", "error mm", "NCC", "NMI"]
    return (
        f"`python -m benchmarks.registration`, {machine()}. {heads} real heads on 2 mm voxels, moved by 3 to 15"
        f" degrees, shifted and scaled; means, SimpleITK's first, one core each, pyramids included.\n\n"
        f"{table(head, lines)}\n\n"
        "Every pair at low resolution (outlines, about 8 mm, two starts, one mirror state):"
        f" {1e3 * per_pair:.1f} ms of one core.\n"
    )


if __name__ == "__main__":
    main()
