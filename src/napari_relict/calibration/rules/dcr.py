"""Distance to the closest record: the share of synthetic volumes nearer to training than to holdout volumes."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

from napari_relict.calibration.rules.arrays import nearest, table
from napari_relict.calibration.rules.outcome import Number, Outcome, share

SOURCE = "after Platzer & Reutterer 2021, arXiv 2104.00635"


def closest_record(training: np.ndarray, holdout: np.ndarray, synthetic: np.ndarray, *, seed: int = 0) -> Outcome:
    """Compute the share nearer to training than to an equally large holdout; half of them when nobody was copied.

    The larger cohort is drawn from, so that both are of equal size: a larger one is nearer by chance. Volumes as
    near to both count for neither. The binomial p-value takes synthetic volumes as independent. They are compared with
    the same two cohorts, though, one of which may lie nearer to all of them by chance: with many more synthetic than
    holdout volumes the p-value is too small.

    Parameters
    ----------
    training, holdout, synthetic : numpy.ndarray of shape (volumes, features)
        Of each cohort.
    seed : int, default: 0
        Of everything that is drawn.

    Returns
    -------
    Outcome
        `share nearer to training` with Wilson's interval, `p` that it is at most a half, `ties`. It calls no volume.

    Raises
    ------
    DataError
        Arrays that do not fit each other.

    Notes
    -----
    After Platzer & Reutterer (2021), arXiv 2104.00635.
    """
    training = table(training, "training features")
    holdout = table(holdout, "holdout features", columns=training.shape[1])
    synthetic = table(synthetic, "synthetic features", columns=training.shape[1])
    size, random = min(len(training), len(holdout)), np.random.default_rng(seed)
    to_training, to_holdout = (
        nearest(synthetic, cohort[random.choice(len(cohort), size, replace=False)])[0][:, 0]
        for cohort in (training, holdout)
    )
    nearer, farther = int((to_training < to_holdout).sum()), int((to_training > to_holdout).sum())
    untied = nearer + farther
    p = float(binomtest(nearer, untied, alternative="greater").pvalue) if untied else float("nan")
    return Outcome(
        rule="closest_record",
        title="Distance to the closest record",
        source=SOURCE,
        estimated_on=f"{size} training and {size} holdout volumes",
        values=to_training - to_holdout,
        numbers={
            "share nearer to training": share(nearer, untied),
            "p": Number(p),
            "ties": Number(float(len(synthetic) - untied)),
        },
        note="copies of training volumes that were not drawn are not seen" if size < len(training) else "",
    )
