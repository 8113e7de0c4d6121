"""C_T, a test of data copying (Meehan, Chaudhuri & Dasgupta 2020, AISTATS, arXiv 2004.05675).

Weights of the cells, the nearest training volume within a cell and the scaling of U are those of the authors' program,
but for its continuity correction of 0.5; it leaves out cells with too few synthetic volumes, we also those with too few
others.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import mannwhitneyu, norm
from sklearn.cluster import KMeans

from napari_relict.calibration.rules.arrays import nearest, table
from napari_relict.calibration.rules.outcome import Number, Outcome
from napari_relict.errors import UsageError

SOURCE = "Meehan et al. 2020, arXiv 2004.05675"
CELLS = 5
FEWEST = 10  # volumes of each cohort in a cell; below, the normal approximation of U is poor


def data_copying(
    training: np.ndarray,
    holdout: np.ndarray,
    synthetic: np.ndarray,
    *,
    cells: int = CELLS,
    fewest: int = FEWEST,
    seed: int = 0,
) -> Outcome:
    """Test, cell by cell, whether synthetic volumes are nearer to the training volumes than new real ones are.

    Space is cut into cells (k-means of the training features). In each, distances of synthetic and of holdout
    volumes to the nearest training volume of that cell are compared by Mann-Whitney's U, brought to mean 0 and
    variance 1 under the null; below 0, synthetic ones are nearer. C_T is the mean over cells, weighted by
    how many holdout volumes each has. It speaks of the set and calls no volume; a few copies among many volumes
    hardly move it.

    Parameters
    ----------
    training, holdout, synthetic : numpy.ndarray of shape (volumes, features)
        Of each cohort.
    cells : int, default: CELLS
        How many.
    fewest : int, default: FEWEST
        Volumes of each cohort that a cell needs to count. Others are left out and said.
    seed : int, default: 0
        Of everything that is drawn.

    Returns
    -------
    Outcome
        `C_T` with a 95% interval (variance as under the null), `p` that nothing was copied (one-sided), `cells` used;
        undefined where no cell is large enough.

    Raises
    ------
    DataError
        Arrays that do not fit each other.
    UsageError
        No positive number of cells or volumes.

    Notes
    -----
    Meehan, Chaudhuri & Dasgupta (2020), AISTATS, arXiv 2004.05675.
    """
    if cells < 1 or fewest < 1:
        raise UsageError(f"cells and fewest must be at least 1, not {min(cells, fewest)}")
    training = table(training, "training features")
    holdout = table(holdout, "holdout features", columns=training.shape[1])
    synthetic = table(synthetic, "synthetic features", columns=training.shape[1])
    cells = min(cells, len(training))
    means = KMeans(cells, n_init=4, random_state=seed).fit(training)
    of = [means.labels_, means.predict(holdout), means.predict(synthetic)]
    scores, weights = [], []
    for cell in range(cells):
        training_rows, real, made = (
            rows[places == cell] for rows, places in zip((training, holdout, synthetic), of, strict=True)
        )
        if min(len(training_rows), len(real), len(made)) >= fewest:
            scores.append(u_score(nearest(made, training_rows)[0][:, 0], nearest(real, training_rows)[0][:, 0]))
            weights.append(len(real))
    left_out = cells - len(scores)
    if scores:
        weight = np.array(weights, float) / np.sum(weights)
        value, spread = float(weight @ np.array(scores)), float(np.sqrt((weight**2).sum()))
        p = Number(float(norm.cdf(value / spread)))
        result = Number(value, value - norm.ppf(0.975) * spread, value + norm.ppf(0.975) * spread)
    else:
        result = p = Number(float("nan"))
    return Outcome(
        rule="data_copying",
        title="Data-copying test C_T",
        source=SOURCE,
        estimated_on=f"{len(holdout)} holdout volumes in {len(scores)} of {cells} cells",
        numbers={"C_T": result, "p": p, "cells": Number(float(len(scores)))},
        note=_note(left_out, cells, fewest),
    )


def _note(left_out: int, cells: int, fewest: int) -> str:
    if left_out == cells:
        return f"no cell has {fewest} volumes of each cohort"
    return f"{left_out} cells with fewer than {fewest} volumes of a cohort left out" if left_out else ""


def u_score(synthetic: np.ndarray, holdout: np.ndarray) -> float:
    """Compute Mann-Whitney's U of two samples, brought to mean 0 and variance 1 under the null.

    Parameters
    ----------
    synthetic, holdout : numpy.ndarray of shape (n,)
        Distances.

    Returns
    -------
    float
        Of the number of pairs in which the synthetic one is larger.
    """
    m, n = len(synthetic), len(holdout)
    u = float(mannwhitneyu(synthetic, holdout, method="asymptotic").statistic)
    return float((u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12))
