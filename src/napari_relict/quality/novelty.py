"""Whether synthetic vectors keep to the training ones: the rules of `calibration.rules`, and gaps.

A gap says how much nearer the synthetic cohort is to the volumes its generator was trained on than to real
volumes it never saw.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp
from sklearn.metrics.pairwise import euclidean_distances

from napari_relict.calibration.rules.authenticity import authenticity
from napari_relict.calibration.rules.data_copying import data_copying
from napari_relict.calibration.rules.dcr import closest_record
from napari_relict.quality.frechet import frechet

CELLS, FEWEST = 3, 5  # of C_T: cohorts of volumes are small
COMPONENTS = 8  # kept for the likelihood: a density in more dimensions than that is all noise


def authentic_share(training: np.ndarray, owners: np.ndarray, made: np.ndarray) -> float:
    """Compute AuthPct; a training vector's neighbour is the nearest one of another patient.

    Parameters
    ----------
    training : numpy.ndarray of shape (n, features)
        Vectors of training volumes.
    owners : numpy.ndarray of shape (n,)
        Patient of each training vector.
    made : numpy.ndarray of shape (m, features)
        Vectors of synthetic volumes.

    Returns
    -------
    float
        NaN where there is one patient.

    Notes
    -----
    Alaa et al. (2022).
    """
    among = euclidean_distances(training, training)
    among[owners[:, None] == owners[None, :]] = np.inf
    to_training = euclidean_distances(made, training)
    if not np.isfinite(among.min(1)).all():
        return float("nan")
    outcome = authenticity(to_training.min(1), to_training.argmin(1), among.min(1))
    return outcome.numbers["AuthPct"].value


def copying_statistic(training: np.ndarray, holdout: np.ndarray, made: np.ndarray, seed: int) -> float:
    """Compute C_T.

    Parameters
    ----------
    training : numpy.ndarray of shape (n, features)
        Vectors of training volumes.
    holdout : numpy.ndarray of shape (m, features)
        Vectors of holdout volumes.
    made : numpy.ndarray of shape (m, features)
        Vectors of synthetic volumes.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    float
        Far below 0 where synthetic vectors are nearer to training vectors than holdout ones are.

    Notes
    -----
    Meehan et al. (2020).
    """
    outcome = data_copying(training, holdout, made, cells=CELLS, fewest=FEWEST, seed=seed)
    return outcome.numbers["C_T"].value


def nearer_share(training: np.ndarray, holdout: np.ndarray, made: np.ndarray, seed: int) -> float:
    """Compute the share of synthetic vectors nearer to training than to as many holdout vectors.

    Parameters
    ----------
    training : numpy.ndarray of shape (n, features)
        Vectors of training volumes.
    holdout : numpy.ndarray of shape (m, features)
        Vectors of holdout volumes.
    made : numpy.ndarray of shape (m, features)
        Vectors of synthetic volumes.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    float
        A half where nobody was copied.

    Notes
    -----
    After Platzer & Reutterer (2021).
    """
    return closest_record(training, holdout, made, seed=seed).numbers["share nearer to training"].value


def frechet_gap(training: np.ndarray, holdout: np.ndarray, made: np.ndarray, seed: int) -> float:
    """Compute the Frechet distance to the holdout less that to as many training vectors.

    Parameters
    ----------
    training : numpy.ndarray of shape (n, features)
        Vectors of training volumes.
    holdout : numpy.ndarray of shape (m, features)
        Vectors of holdout volumes.
    made : numpy.ndarray of shape (m, features)
        Vectors of synthetic volumes.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    float
        Above 0: nearer to training.
    """
    size, random = min(len(training), len(holdout)), np.random.default_rng(seed)
    training, holdout = (rows[random.choice(len(rows), size, replace=False)] for rows in (training, holdout))
    return frechet(holdout, made) - frechet(training, made)


def likelihood_gap(training: np.ndarray, holdout: np.ndarray, made: np.ndarray, seed: int) -> float:
    """Compute the mean log-density of training vectors less that of holdout vectors.

    The density is a sum of Gaussians about the synthetic vectors. After the feature likelihood divergence
    (Jiralerspong et al. 2023), which it is not: that fits a width to each Gaussian, here all have one, the likeliest of
    synthetic vectors left out one by one; and only the first principal components of all real vectors count.

    Parameters
    ----------
    training, holdout, made : numpy.ndarray of shape (vectors, features)
        Of each cohort.
    seed : int
        Not used; nothing is drawn.

    Returns
    -------
    float
        Nats a component; above 0: training is likelier.

    Notes
    -----
    After Jiralerspong et al. (2023).
    """
    real = np.vstack([training, holdout])
    if len(made) < 3:
        return float("nan")
    centre = real.mean(0)
    _, sizes, axes = np.linalg.svd(real - centre, full_matrices=False)
    kept = min(COMPONENTS, int((sizes > 1e-9 * sizes[0]).sum()))
    scale = sizes[:kept] / np.sqrt(len(real))
    training, holdout, made = (((rows - centre) @ axes[:kept].T) / scale for rows in (training, holdout, made))
    among = euclidean_distances(made, made, squared=True)
    np.fill_diagonal(among, np.inf)
    widths = np.geomspace(0.05, 3.0, 24)
    left_out = [_log_density(among, width, kept, len(made) - 1).mean() for width in widths]
    width = float(widths[int(np.argmax(left_out))])
    seen, unseen = (
        _log_density(euclidean_distances(rows, made, squared=True), width, kept, len(made)).mean()
        for rows in (training, holdout)
    )
    return float((seen - unseen) / kept)


def _log_density(squares: np.ndarray, width: float, features: int, centres: int) -> np.ndarray:
    """Log-density of each row, from squared distances to the centres of Gaussians of one width."""
    constant = np.log(centres) + features * np.log(width * np.sqrt(2 * np.pi))
    return np.asarray(logsumexp(-squares / (2 * width**2), axis=1) - constant)
