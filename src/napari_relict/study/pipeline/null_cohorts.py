"""Who the null is made of in a match: the holdout, training patients left out, and who of them an encoder knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from napari_relict.calibration.null import HOLDOUT
from napari_relict.calibration.predictive_tail import FEWEST_PATIENTS
from napari_relict.encoders import Encoder
from napari_relict.matching import Duplicate
from napari_relict.volumes.cohort import PreparedCohort


def null_cohorts(
    prepared: Mapping[str, PreparedCohort],
    patients: Mapping[tuple[str, str], str],
    duplicates: Sequence[Duplicate],
    wanted: int,
) -> list[PreparedCohort]:
    """The holdout, and training patients who will be left out one by one, to make a null of `wanted` patients.

    Which patients these are follows from their names alone, so that a match made again has the same null. Those with a
    duplicate under another patient's name are passed over: they would be their own copies.
    """
    training, holdout = prepared["training"], prepared.get("holdout")
    known = {patients[HOLDOUT, name] for name in holdout.names} if holdout else set()
    doubled = {
        patients["training", name]
        for one in duplicates
        if not one.same_patient
        for name in ((one.volume, one.training) if one.cohort == "training" else (one.training,))
    }
    usable = sorted({patients["training", name] for name in training.names} - known - doubled)
    drawn = np.random.default_rng(0).permutation(len(usable))[: max(0, wanted - len(known))]
    chosen = {usable[place] for place in drawn}
    left_out = [name for name in training.names if patients["training", name] in chosen]
    return [*([holdout] if holdout else []), *([training.only(left_out)] if left_out else [])]


def learned_from(encoders: Sequence[Encoder], null: Sequence[PreparedCohort]) -> list[tuple[str, str]]:
    """Cohort and name of volumes of the null that an encoder was trained on: it knows them, as it knows no new patient.

    Left-out training volumes stay where there is not enough else: then they are the weaker evidence that they are.
    """
    known: frozenset[str] = frozenset().union(*(encoder.trained_on for encoder in encoders))
    needed = all(cohort.cohort != HOLDOUT or len(cohort) < FEWEST_PATIENTS for cohort in null)
    return [
        (cohort.cohort, name)
        for cohort in null
        for name, row in cohort.rows.items()
        if row.content in known and (cohort.cohort == HOLDOUT or not needed)
    ]
