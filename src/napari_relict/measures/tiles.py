"""Tiles of two aligned volumes: where they agree, and the worst of all tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TILES = 4  # along each axis
AGREES = 0.9  # NCC from which on a tile counts as copied: a convention, shown beside the share


@dataclass(frozen=True)
class TileScores:
    """Agreement tile by tile.

    Attributes
    ----------
    ncc : float64 (4, 4, 4) along z, y, x; NaN where the body hardly reaches.
    rmse : root mean squared difference, likewise.
    """

    ncc: np.ndarray
    rmse: np.ndarray

    @property
    def copied_share(self) -> float:
        """Share of the body's tiles with an NCC of at least .9."""
        known = np.isfinite(self.ncc)
        return float((self.ncc[known] >= AGREES).mean()) if known.any() else float("nan")

    @property
    def worst_rmse(self) -> float:
        """The largest difference of any tile: small only when every part is alike (Carlini et al. 2023)."""
        known = np.isfinite(self.rmse)
        return float(self.rmse[known].max()) if known.any() else float("nan")


def tile_scores(one: np.ndarray, other: np.ndarray, body: np.ndarray) -> TileScores:
    """Compare two aligned volumes tile by tile inside `body`.

    Parameters
    ----------
    one, other : (z, y, x), 0 to 1.
    body : bool; a tile counts when at least a quarter of it is body.
    """
    tile = np.zeros(one.shape, np.int64)
    for axis, side in enumerate(one.shape):
        place = np.arange(side) * TILES // side
        along = [1, 1, 1]
        along[axis] = -1
        tile = tile * TILES + place.reshape(along)
    inside = tile[body]
    a, b = one[body].astype(np.float64), other[body].astype(np.float64)

    def total(values: np.ndarray | None) -> np.ndarray:
        return np.bincount(inside, values, minlength=TILES**3).astype(np.float64)

    count = total(None)
    enough = count >= 0.25 * np.bincount(tile.ravel(), minlength=TILES**3)
    n = np.maximum(count, 1)
    cross = total(a * b) - total(a) * total(b) / n
    spread = (total(a * a) - total(a) ** 2 / n) * (total(b * b) - total(b) ** 2 / n)
    ncc = np.divide(cross, np.sqrt(np.maximum(spread, 0)), out=np.zeros_like(cross), where=spread > 1e-12)
    rmse = np.sqrt(total((a - b) ** 2) / n)
    shape = (TILES,) * 3
    return TileScores(
        np.where(enough, np.clip(ncc, -1, 1), np.nan).reshape(shape), np.where(enough, rmse, np.nan).reshape(shape)
    )
