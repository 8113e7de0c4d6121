"""Volumes that stand twice in the data: inside the training cohort, and in both training and holdout.

They come first in every report: a training volume that exists twice is more likely to be memorised, and a
holdout volume that is also a training volume makes every p-value too large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_relict.matching.tables import TRAINING_BLOCK
from napari_relict.measures.voxel import ncc_and_mse, standardise
from napari_relict.progress import Progress, silent
from napari_relict.volumes.cohort import PreparedCohort


@dataclass(frozen=True)
class Duplicate:
    """A volume of `cohort` that looks like a copy of the training volume `training`.

    Attributes
    ----------
    same_voxels : stored voxels are equal, bit for bit.
    same_patient : both belong to one patient, so the likeness may be a second scan.
    """

    cohort: str
    volume: str
    training: str
    ncc: float
    mirrored: bool
    same_voxels: bool
    same_patient: bool


def find_duplicates(
    training: PreparedCohort,
    others: Sequence[PreparedCohort],
    patients: Mapping[tuple[str, str], str],
    smallest_ncc: float,
    progress: Progress = silent,
) -> list[Duplicate]:
    """Pairs with equal stored voxels, or with NCC (as it is or mirrored) of at least `smallest_ncc`."""
    found = []
    for cohort in (training, *others):
        done = 0
        for names in cohort.blocks(TRAINING_BLOCK):
            images = cohort.images(names)
            as_is, mirrored = standardise(images), standardise(images[..., ::-1])
            for block in training.blocks(TRAINING_BLOCK):
                if cohort is training and block[-1] <= names[0] and block[0] != names[0]:
                    continue  # each pair once
                rows = standardise(training.images(block))
                straight, flipped = ncc_and_mse(as_is, rows)[0], ncc_and_mse(mirrored, rows)[0]
                for i, j in np.argwhere(_alike(cohort, names, training, block, straight, flipped, smallest_ncc)):
                    if cohort is training and names[i] >= block[j]:
                        continue
                    found.append(
                        Duplicate(
                            cohort.cohort,
                            names[i],
                            block[j],
                            float(max(straight[i, j], flipped[i, j])),
                            bool(flipped[i, j] > straight[i, j]),
                            cohort.rows[names[i]].voxels == training.rows[block[j]].voxels,
                            patients[(cohort.cohort, names[i])] == patients[("training", block[j])],
                        )
                    )
            done += len(names)
            progress(f"duplicates, {cohort.cohort}", done, len(cohort))
    return sorted(found, key=lambda one: (-one.same_voxels, -one.ncc))


def _alike(
    cohort: PreparedCohort,
    names: Sequence[str],
    training: PreparedCohort,
    block: Sequence[str],
    straight: np.ndarray,
    flipped: np.ndarray,
    smallest_ncc: float,
) -> np.ndarray:
    same = [[cohort.rows[a].voxels == training.rows[b].voxels for b in block] for a in names]
    return np.asarray(np.asarray(same, bool) | (np.maximum(straight, flipped) >= smallest_ncc))
