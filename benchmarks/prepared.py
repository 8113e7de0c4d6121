"""Prepared cohorts of made-up volumes, written straight to disk: for speed and memory, not for what is found."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from scipy import ndimage

from napari_relict.jobs.executors import workers
from napari_relict.volumes.cohort import CohortWriter, PreparedCohort, Row
from napari_relict.volumes.grid import Grid
from napari_relict.volumes.halves import HALVES, HalfLayout, half_layout
from napari_relict.volumes.keypoints import find_keypoints


def make_cohort(
    folder: Path, cohort: str, count: int, side: int, seed: int, layout: HalfLayout | None = None
) -> PreparedCohort:
    """`count` volumes of `side`³ with structure in common and of their own, and noise; what is there is kept.

    `layout`: store halves too, as the whole's pose has them (none are posed here), and keypoints.
    """
    grid = Grid((side,) * 3, (1.5,) * 3)
    writer = CohortWriter(folder / f"{cohort}.zarr", grid, f"{side} {seed} {layout is not None} keypoints")
    names = [f"{cohort}-{number:05d}" for number in range(count)]
    draw = a_head(side)
    # The whole grid is in the field of view: grid mm about its centre -> voxel.
    to_index = [1 / 1.5, 0, 0, (side - 1) / 2, 0, 1 / 1.5, 0, (side - 1) / 2, 0, 0, 1 / 1.5, (side - 1) / 2]
    as_it_is = [1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 0]
    missing = [number for number, name in enumerate(names) if name not in writer.rows]
    with ThreadPoolExecutor(workers()) as pool:
        for start in range(0, len(missing), 32):  # a few at a time in memory
            some = missing[start : start + 32]
            for number, image in zip(some, pool.map(lambda number: draw((seed, number)), some), strict=True):
                name = names[number]
                poses = [as_it_is] * len(HALVES) if layout else []
                row = Row(-1, name, "", name, name, False, [], (0.0, 1.0), [], False, to_index, [side] * 3, poses, "")
                halves = halves_of(image, layout) if layout else None
                keypoints = find_keypoints(image, np.ones(image.shape, bool)) if layout else None
                writer.add(row, image, None, halves, keypoints)
    return PreparedCohort(writer.folder, cohort, {name: writer.rows[name] for name in names}, grid, "")


def layout_of(side: int) -> HalfLayout:
    """Halves of what all volumes of `side`³ have in common."""
    return half_layout(coarse(np.mean([a_head(side)((0, number)) for number in range(8)], axis=0)))


def halves_of(image: np.ndarray, layout: HalfLayout) -> np.ndarray:
    """float16 (halves, voxels)."""
    return np.stack([layout.packed(half, coarse(image)) for half in range(len(HALVES))])


def coarse(image: np.ndarray) -> np.ndarray:
    """Half the resolution; sides have to be even."""
    z, y, x = (side // 2 for side in image.shape)
    return image.reshape(z, 2, y, 2, x, 2).mean((1, 3, 5))


def a_head(side: int) -> Callable[[tuple[int, int]], np.ndarray]:
    """Draws balls with rings in air: smooth random structure and noise on what all have; float32, 0 to 1."""
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + (1.2 * axis) ** 2)
    common = np.clip((0.9 - radius) * 8, 0, 1) * (0.5 + 0.2 * np.cos(9 * radius))

    def draw(seed: tuple[int, int]) -> np.ndarray:
        random = np.random.default_rng(seed)
        coarse = random.standard_normal((12,) * 3).astype(np.float32)
        noise = 0.03 * random.standard_normal(common.shape, dtype=np.float32)
        own = common * (1 + 0.35 * ndimage.zoom(coarse, side / 12, order=1)) + noise
        return np.asarray(np.clip(np.where(common > 0, own, 0), 0, 1), np.float32)

    return draw
