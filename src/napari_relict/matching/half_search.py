"""Halves of the queries against halves of the training volumes: who has a half in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_relict.matching.tables import unheard
from napari_relict.volumes.cohort import PreparedCohort
from napari_relict.volumes.halves import COVERED, HALVES, HalfLayout

BLOCK = 64  # training volumes compared at a time
NORM_VOLUMES = 64  # training volumes that show how alike halves of unrelated patients are
FEWEST_PAIRS = 10


@dataclass(frozen=True)
class HalfNorms:
    """How alike unrelated training patients are: mean and standard deviation of atanh(NCC), one of each half."""

    mean: np.ndarray
    sd: np.ndarray


@dataclass(frozen=True)
class HalfScores:
    """Of queries with training volumes; arrays are (queries, training).

    Attributes
    ----------
    score : float64, the largest over halves of atanh(NCC), in standard deviations above unrelated patients; NaN
        where no half of both lies in the field of view.
    half : int64, which half of `HALVES` that is, as the training volume has it.
    mirrored : bool, of the query's mirror image.
    """

    score: np.ndarray
    half: np.ndarray
    mirrored: np.ndarray


def half_norms(training: PreparedCohort, owners: Sequence[str], layout: HalfLayout) -> HalfNorms:
    """Norms from pairs of training volumes of different patients, as they are."""
    step = max(1, len(training) // NORM_VOLUMES)
    chosen = list(range(0, len(training), step))[:NORM_VOLUMES]
    rows = _standardised(training.halves([training.names[i] for i in chosen]), layout)
    apart = np.array([[owners[i] != owners[j] for j in chosen] for i in chosen])
    mean, sd = np.zeros(len(HALVES)), np.ones(len(HALVES))
    for half in range(len(HALVES)):
        values = _atanh(rows[:, half] @ rows[:, half].T)[apart]
        values = values[np.isfinite(values)]
        if values.size >= FEWEST_PAIRS and values.std() > 0:
            mean[half], sd[half] = values.mean(), values.std()
    return HalfNorms(mean, sd)


def half_scores(
    cohort: PreparedCohort,
    names: Sequence[str],
    training: PreparedCohort,
    others: Sequence[str],
    layout: HalfLayout,
    norms: HalfNorms,
    report: Callable[[int], None] = unheard,
) -> HalfScores:
    """Every named query with every one of `others`, in both mirror states.

    `report` is told after each block how many of `others` were compared, and may raise.
    """
    stored = cohort.halves(names)
    states = [_standardised(stored, layout), _standardised(_mirrored(stored, layout), layout)]
    parts: list[HalfScores] = []
    for start in range(0, len(others), BLOCK):
        block = _standardised(training.halves(others[start : start + BLOCK]), layout)
        z = np.stack(
            [
                (_atanh(state[:, half] @ block[:, half].T) - norms.mean[half]) / norms.sd[half]
                for state in states
                for half in range(len(HALVES))
            ]
        )
        known = np.isfinite(z)
        best = np.where(known, z, -np.inf).argmax(0)
        score = np.where(known.any(0), np.take_along_axis(z, best[None], 0)[0], np.nan)
        parts.append(HalfScores(score, best % len(HALVES), best >= len(HALVES)))
        report(min(start + BLOCK, len(others)))
    return joined(parts)


def joined(parts: Sequence[HalfScores]) -> HalfScores:
    """Scores of several blocks of training volumes, side by side."""
    score, half, mirrored = (
        np.concatenate([getattr(part, name) for part in parts], axis=1) for name in ("score", "half", "mirrored")
    )
    return HalfScores(score, half, mirrored)


def _standardised(stored: np.ndarray, layout: HalfLayout) -> np.ndarray:
    """float32 (n, halves, voxels), zero mean and unit norm; NaN for halves that the field of view cuts."""
    rows = np.full(stored.shape, np.nan, np.float32)
    counts = layout.masks.reshape(len(HALVES), -1).sum(1)
    for place, volume in enumerate(stored):
        for half, count in enumerate(counts):
            values = volume[half, :count]
            seen = values > -0.5
            if not count or seen.mean() < COVERED:
                continue
            values = np.where(seen, values, 0).astype(np.float64)
            values -= values.mean()
            norm = np.sqrt((values**2).sum())
            rows[place, half] = 0
            if norm > 0:
                rows[place, half, :count] = values / norm
    return rows


def _mirrored(stored: np.ndarray, layout: HalfLayout) -> np.ndarray:
    """Halves of the mirrored volumes: its left is what was its right."""
    out = np.full_like(stored, -1)
    for half, (other, order) in enumerate(layout.mirror_orders()):
        out[:, half, : len(order)] = stored[:, other][:, order]
    return out


def _atanh(ncc: np.ndarray) -> np.ndarray:
    return np.asarray(np.arctanh(np.clip(ncc.astype(np.float64), -1 + 1e-6, 1 - 1e-6)))


def nothing(queries: int, training: int) -> HalfScores:
    """Where no halves were posed."""
    shape = (queries, training)
    return HalfScores(np.full(shape, np.nan), np.zeros(shape, np.int64), np.zeros(shape, bool))
