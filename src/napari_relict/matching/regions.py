"""From votes of keypoints to regions that two volumes have in common: many votes, near each other, one geometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from napari_relict.matching.keypoint_search import Votes
from napari_relict.volumes.affines import MIRROR
from napari_relict.volumes.grid import Grid

FEWEST = 4  # votes: three agree on a similarity transform all too easily
NEAR = 0.25  # of the grid's mean side: how far from its middle vote a region reaches
TOLERANCE = 0.9  # voxels between where a vote lies and where the region's transform puts it
ROUNDS = (2.5, 1.5, TOLERANCE, TOLERANCE)  # of fitting, likewise
LEEWAY = (4.0, 0.2)  # by how much neighbours' shifts may differ: voxels, and voxels for each voxel between them
SEEDS = 16  # votes that a region may grow from


@dataclass(frozen=True)
class Region:
    """What a query has in common with one training volume.

    Attributes
    ----------
    score : number of agreeing votes, each counted less the farther it is from where the transform puts it.
    mirrored : in the query's mirror image.
    centre : (x, y, z) mm from the grid's middle, in the query (its mirror image where `mirrored`): the middle of the
        agreeing keypoints.
    radius : mm; most of these lie within it.
    matrix : float64 (4, 4), grid mm of the query (likewise) -> grid mm of the training volume.
    """

    score: float
    mirrored: bool
    centre: np.ndarray
    radius: float
    matrix: np.ndarray

    @property
    def in_query(self) -> np.ndarray:
        """The centre in the query as it is, (x, y, z) mm."""
        return MIRROR[:3, :3] @ self.centre if self.mirrored else self.centre


def regions_of(votes: Votes, grid: Grid) -> dict[int, Region]:
    """The best region in common with each training volume that has one, by its place."""
    found: dict[int, Region] = {}
    for state, volumes in enumerate(votes.volumes):
        order = np.argsort(volumes, kind="stable")
        names, starts = np.unique(volumes[order], return_index=True)
        for place, some in zip(names.tolist(), np.split(order, starts[1:]), strict=True):
            if place < 0 or len(some) < FEWEST:
                continue
            region = _region(votes.places[state, some], votes.where[state, some], bool(state), grid)
            if region is not None and (place not in found or region.score > found[place].score):
                found[place] = region
    return found


def region_scores(regions: Mapping[int, Region], training: int) -> np.ndarray:
    """float64 (training,): scores of one query's regions in common; NaN where there is none."""
    scores = np.full(training, np.nan)
    for place, region in regions.items():
        scores[place] = region.score
    return scores


def _region(one: np.ndarray, other: np.ndarray, mirrored: bool, grid: Grid) -> Region | None:
    """From places of keypoints (n, 3) and of those they resemble most, voxels from the grid's middle."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    agree, turn, shift, score = agreement(one, other, NEAR * float(np.mean(grid.shape)))
    if agree.sum() < FEWEST:
        return None
    spacing = np.array(grid.spacing)
    middle = np.median(one[agree], axis=0)
    apart = np.linalg.norm((one[agree] - middle) * spacing, axis=1)
    matrix = np.eye(4)
    # Voxels z, y, x -> mm x, y, z.
    matrix[:3, :3] = (np.diag(spacing) @ turn @ np.diag(1 / spacing))[::-1, ::-1]
    matrix[:3, 3] = (shift * spacing)[::-1]
    return Region(score, mirrored, (middle * spacing)[::-1], float(np.quantile(apart, 0.9)), matrix)


def agreement(one: np.ndarray, other: np.ndarray, near: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """The largest set of votes that lie near each other and agree on one similarity transform.

    Every vote gathers those near it with about the same shift; from the `SEEDS` that gather most, transforms are
    fitted by least squares, and again to the votes within a shrinking tolerance.

    Parameters
    ----------
    one, other : float64 (n, 3).
    near : largest distance in `one` between a set's first vote and the others.

    Returns
    -------
    bool (n,), which votes agree; (3, 3) and (3,), other = turn @ one + shift; the score (see `Region`).
    """
    nothing = np.zeros(len(one), bool), np.eye(3), np.zeros(3), 0.0
    apart = np.linalg.norm(one[:, None] - one[None], axis=2)
    shifts = np.linalg.norm((other - one)[:, None] - (other - one)[None], axis=2)
    close = apart < near
    gathered = close & (shifts < LEEWAY[0] + LEEWAY[1] * apart)
    seeds = np.argsort(-gathered.sum(1), kind="stable")[:SEEDS]
    seeds = seeds[gathered[seeds].sum(1) >= FEWEST]
    members, close = gathered[seeds], close[seeds]
    for tolerance in ROUNDS:
        if not len(members):
            return nothing
        turns, shift = _similarities(one, other, members)
        off = np.linalg.norm(one @ turns.transpose(0, 2, 1) + shift[:, None] - other, axis=2)
        members = close & (off < tolerance)
        enough = members.sum(1) >= FEWEST
        members, close, turns, shift, off = (rows[enough] for rows in (members, close, turns, shift, off))
    if not len(members):
        return nothing
    scores = np.where(members, 1 - (off / TOLERANCE) ** 2, 0).sum(1)
    best = int(scores.argmax())
    return members[best], turns[best], shift[best], float(scores[best])


def _similarities(one: np.ndarray, other: np.ndarray, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares similarity transforms of several sets (Umeyama, IEEE TPAMI 1991): (sets, 3, 3) and (sets, 3)."""
    weights = members / members.sum(1, keepdims=True)
    middles = weights @ one, weights @ other
    a, b = one[None] - middles[0][:, None], other[None] - middles[1][:, None]
    u, s, vt = np.linalg.svd(np.einsum("sn,sni,snj->sij", weights, b, a))
    proper = np.ones((len(members), 3))
    proper[:, 2] = np.sign(np.linalg.det(u @ vt))
    spread = np.einsum("sn,sni,sni->s", weights, a, a)
    scale = np.divide((s * proper).sum(1), spread, out=np.ones(len(members)), where=spread > 0)
    turns = np.clip(scale, 0.75, 1.33)[:, None, None] * (u * proper[:, None]) @ vt
    return turns, middles[1] - np.einsum("sij,sj->si", turns, middles[0])
