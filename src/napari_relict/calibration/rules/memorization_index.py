"""Memorization Index and Overfit/Novelty Index (Deo et al. 2026, arXiv 2602.13066), as published and calibrated.

Per layer, features are whitened on the training cohort and brought to length 1; a volume's similarity s is the largest
cosine with a training volume, its geometric mean over layers. With mu and sigma of a null, MI = (s - mu) / sigma and
ONI = -tanh(MI): -1 memorised, 0 like the null, +1 novel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_relict.calibration.fusing import fused
from napari_relict.calibration.null import q_values
from napari_relict.calibration.rules.arrays import layers, table, unit_rows
from napari_relict.calibration.rules.outcome import RESAMPLES, Number, Outcome, mean
from napari_relict.calibration.rules.whitening import Whitening, rank_limited, zca
from napari_relict.errors import DataError

SOURCE = "Deo et al. 2026, arXiv 2602.13066"
BOOTSTRAPS = 10
COMPONENTS = 64
LEAST = 1e-6  # similarities of the calibrated form are clipped to [LEAST, 1]
FEWEST_HOLDOUT = 10  # below, mu and sigma of the null say little


def published(
    training: Sequence[np.ndarray], synthetic: Sequence[np.ndarray], *, cut: float | None = None, seed: int = 0
) -> Outcome:
    """Compute MI and ONI as published: full ZCA whitening, null from halves of the training cohort.

    The null's similarities are between two disjoint random halves of the training cohort (10 times, pooled). So it
    looks for the nearest among half as many volumes as a synthetic volume does, with volumes that the whitening was
    fitted on: its zero is not neutral.

    Parameters
    ----------
    training, synthetic : sequence of numpy.ndarray
        One (volumes, features) array a layer.
    cut : float, optional
        Volumes with MI above it are called copies; none is published.
    seed : int, default: 0
        Of everything that is drawn.

    Returns
    -------
    Outcome
        Mean MI and mean ONI; calls where a cut is given.

    Raises
    ------
    DataError
        No more training volumes than features (whitened, they are all equally far from each other), or a largest cosine
        below zero, of which there is no geometric mean.

    Notes
    -----
    Deo et al. (2026), arXiv 2602.13066.
    """
    training = layers(training, training, "training features")
    synthetic = layers(synthetic, training, "synthetic features")
    widest = max(layer.shape[1] for layer in training)
    if len(training[0]) <= widest:
        raise DataError(
            "memorization index as published",
            f"{len(training[0])} training volumes are not more than {widest} features: whitened, they are all alike",
            "use the calibrated form",
        )
    halves = np.random.default_rng(seed)
    orders = [halves.permutation(len(training[0])) for _ in range(BOOTSTRAPS)]
    half = len(training[0]) // 2
    null, similarities = [], []
    for features, queries in zip(training, synthetic, strict=True):
        whiten = zca(features)
        reference = unit_rows(whiten(features))
        own = reference @ reference.T
        null.append(np.concatenate([own[np.ix_(order[:half], order[half : 2 * half])].max(1) for order in orders]))
        similarities.append(_nearest_cosine(whiten, queries, reference))
    if min(float(np.min(null)), float(np.min(similarities))) < 0:
        raise DataError(
            "memorization index as published",
            "a largest cosine is below zero, of which there is no geometric mean",
            "use the calibrated form",
        )
    reached = _geometric_mean(null)
    index = (_geometric_mean(similarities) - reached.mean()) / max(float(reached.std()), 1e-12)
    return Outcome(
        rule="mi_published",
        title="Memorization index, as published",
        source=SOURCE,
        estimated_on=f"{BOOTSTRAPS} splits of {len(training[0])} training volumes into halves",
        calls=None if cut is None else index > cut,
        values=index,
        numbers={"mean MI": mean(index, seed=seed), "mean ONI": mean(-np.tanh(index), seed=seed)},
        note=f"called above MI {cut:g}" if cut is not None else "no cut is published: none is called",
    )


def calibrated(
    training: Sequence[np.ndarray],
    holdout: Sequence[np.ndarray],
    synthetic: Sequence[np.ndarray],
    *,
    components: int = COMPONENTS,
    cut: float | None = None,
    alpha: float = 0.05,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Outcome:
    """Compute MI and ONI with a null that knows no copies: holdout volumes scored against the same training cohort.

    Only the first principal components are whitened (see `rank_limited`), and similarities are clipped to [1e-6, 1],
    so it is defined for any number of training volumes. Intervals of the means resample synthetic and holdout volumes.

    Parameters
    ----------
    training, holdout, synthetic : sequence of numpy.ndarray
        One (volumes, features) array a layer.
    components : int, default: COMPONENTS
        Principal components that are kept, at most.
    cut : float, optional
        Volumes with MI above it are called copies; its false positive rate is known only if the null is normal (at 1.64
        it called 6 to 8% of strangers, not 5). None: by p-values beside the same null, see `calibration.fusing`.
    alpha : float, default: 0.05
        False discovery rate of these.
    resamples : int, default: RESAMPLES
        How many resamples.
    seed : int, default: 0
        Of everything that is drawn.

    Returns
    -------
    Outcome
        Mean MI and mean ONI with intervals, and calls.

    Raises
    ------
    DataError
        Arrays that do not fit each other, fewer than 3 training or 10 holdout volumes.

    Notes
    -----
    After Deo et al. (2026), arXiv 2602.13066.
    """
    training = layers(training, training, "training features")
    holdout = layers(holdout, training, "holdout features")
    synthetic = layers(synthetic, training, "synthetic features")
    table(training[0], "training features", rows=3)
    table(holdout[0], "holdout features", rows=FEWEST_HOLDOUT)
    null, of_synthetic = [], []
    for features, real, queries in zip(training, holdout, synthetic, strict=True):
        whiten = rank_limited(features, components)
        reference = unit_rows(whiten(features))
        null.append(np.clip(_nearest_cosine(whiten, real, reference), LEAST, 1.0))
        of_synthetic.append(np.clip(_nearest_cosine(whiten, queries, reference), LEAST, 1.0))
    reached, similarity = _geometric_mean(null), _geometric_mean(of_synthetic)
    index = _index(similarity, reached)
    by_p = np.nan_to_num(q_values(fused(similarity[:, None], reached[:, None]).p), nan=1.0) < alpha
    random = np.random.default_rng(seed)
    means = np.empty((resamples, 2))
    for row in means:
        again = _index(random.choice(similarity, len(similarity)), random.choice(reached, len(reached)))
        row[:] = again.mean(), -np.tanh(again).mean()
    (mi_low, oni_low), (mi_high, oni_high) = np.quantile(means, [0.025, 0.975], axis=0)
    return Outcome(
        rule="mi_calibrated",
        title="Memorization index, calibrated",
        source=f"after {SOURCE}",
        estimated_on=f"{len(reached)} holdout volumes against the same {len(training[0])} training volumes",
        calls=by_p if cut is None else index > cut,
        values=index,
        numbers={
            "mean MI": Number(float(index.mean()), float(mi_low), float(mi_high)),
            "mean ONI": Number(float(-np.tanh(index).mean()), float(oni_low), float(oni_high)),
        },
        note=f"called above MI {cut:g}" if cut is not None else "no cut is published: called by the tail of the null",
    )


def _index(similarity: np.ndarray, null: np.ndarray) -> np.ndarray:
    return np.asarray((similarity - null.mean()) / max(float(null.std(ddof=1)), 1e-12))


def _nearest_cosine(whiten: Whitening, queries: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return np.asarray((unit_rows(whiten(queries)) @ reference.T).max(1))


def _geometric_mean(of_layers: Sequence[np.ndarray]) -> np.ndarray:
    """Over layers, of values that are not negative: (volumes,)."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(np.mean(np.log(np.stack(of_layers)), axis=0)))
