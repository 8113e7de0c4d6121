"""Copies and memorised volumes by a correlation with a quantile as its cut (Dar et al. 2025).

Dar et al., arXiv 2402.01054, Nature Biomedical Engineering, doi 10.1038/s41551-025-01468-8. They take the correlation
of their own contrastive embeddings; the rule itself works on any similarity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_relict.calibration.rules.arrays import table
from napari_relict.calibration.rules.outcome import Number, Outcome, share
from napari_relict.errors import UsageError

SOURCE = "Dar et al. 2025, arXiv 2402.01054"
PERCENTILE = 95.0
DRAWS = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class DarOutcome(Outcome):
    """What the rule of Dar et al. says.

    Attributes
    ----------
    cut : float
        Similarity above which a synthetic volume is a copy.
    memorised : numpy.ndarray, optional
        Bool (training,); None in the matched form, where it is an average over draws.
    """

    cut: float
    memorised: np.ndarray | None = None


def published(
    synthetic_training: np.ndarray, holdout_training: np.ndarray, *, percentile: float = PERCENTILE
) -> DarOutcome:
    """Count copies and memorised volumes above a quantile of the validation volumes.

    tau is the 95th percentile, over training volumes, of the similarity with their closest validation volume. N_mem
    counts training volumes whose closest synthetic volume is above tau, N_copies synthetic volumes whose closest
    training volume is. tau stems from a maximum over the validation volumes and is applied to maxima over all synthetic
    (or training) ones: with more of these than of validation volumes, a generator that copies nobody exceeds it more
    often than in 5% of cases. See `matched`.

    Parameters
    ----------
    synthetic_training : numpy.ndarray of shape (synthetic, training)
        Similarities.
    holdout_training : numpy.ndarray of shape (validation, training)
        Likewise.
    percentile : float, default: PERCENTILE
        Of tau.

    Returns
    -------
    DarOutcome
        Calls, tau, N_copies and N_mem.

    Raises
    ------
    DataError
        Arrays that do not fit each other.
    UsageError
        A percentile that is none.

    Notes
    -----
    Dar et al. (2025), arXiv 2402.01054.
    """
    synthetic_training, holdout_training = _checked(synthetic_training, holdout_training, percentile)
    cut = float(np.percentile(holdout_training.max(0), percentile))
    copies, memorised = synthetic_training.max(1), synthetic_training.max(0) > cut
    return DarOutcome(
        rule="dar_published",
        title="Correlation cut of Dar et al., as published",
        source=SOURCE,
        estimated_on=f"closest of {len(holdout_training)} validation volumes to each of {len(memorised)} training ones",
        calls=copies > cut,
        values=copies,
        numbers={
            "tau": Number(cut),
            "N_copies": Number(float((copies > cut).sum())),
            "share of copies": share(int((copies > cut).sum()), len(copies)),
            "N_mem": Number(float(memorised.sum())),
            "share memorised": share(int(memorised.sum()), len(memorised)),
        },
        cut=cut,
        memorised=memorised,
        note="pools of different sizes" if len(holdout_training) < max(synthetic_training.shape) else "",
    )


def matched(
    synthetic_training: np.ndarray,
    holdout_training: np.ndarray,
    *,
    percentile: float = PERCENTILE,
    draws: int = DRAWS,
    seed: int = 0,
) -> DarOutcome:
    """Count copies and memorised volumes with pools of equal size, so that 5% are called when nobody was copied.

    For N_copies, tau is taken from holdout volumes and their closest training volume: a maximum over the very training
    volumes that a synthetic volume is compared with. It is the holdout score that at most 5% of exchangeable volumes
    exceed (its rank is ceil(.95 (H + 1)) of H). For N_mem, each training volume's closest of m synthetic volumes stands
    against its closest of m holdout volumes, m being the smaller of both numbers; the larger cohort is drawn from
    several times, and N_mem is the mean. Hence it counts what m synthetic volumes show, not all of them.

    Parameters
    ----------
    synthetic_training : numpy.ndarray of shape (synthetic, training)
        Similarities.
    holdout_training : numpy.ndarray of shape (validation, training)
        Likewise.
    percentile : float, default: PERCENTILE
        Of tau.
    draws : int, default: DRAWS
        How often the larger cohort is drawn from.
    seed : int, default: 0
        Of everything that is drawn.

    Returns
    -------
    DarOutcome
        Calls, tau, N_copies and N_mem.

    Raises
    ------
    DataError
        Arrays that do not fit each other.
    UsageError
        A percentile that is none.

    Notes
    -----
    After Dar et al. (2025), arXiv 2402.01054.
    """
    synthetic_training, holdout_training = _checked(synthetic_training, holdout_training, percentile)
    null = np.sort(holdout_training.max(1))
    rank = int(np.ceil(percentile / 100 * (len(null) + 1) - 1e-9))
    cut = float(null[rank - 1]) if rank <= len(null) else float("inf")
    copies = synthetic_training.max(1)
    pool = min(len(synthetic_training), len(holdout_training))
    random, counts = np.random.default_rng(seed), []
    for _ in range(1 if len(synthetic_training) == len(holdout_training) else draws):
        of_synthetic, real = (
            similarities[random.choice(len(similarities), pool, replace=False)].max(0)
            for similarities in (synthetic_training, holdout_training)
        )
        counts.append(int((of_synthetic > np.percentile(real, percentile)).sum()))
    of, memorised = synthetic_training.shape[1], float(np.mean(counts))
    return DarOutcome(
        rule="dar_matched",
        title="Correlation cut of Dar et al., pools matched",
        source=f"after {SOURCE}",
        estimated_on=f"closest of {of} training volumes to each of {len(null)} holdout ones",
        calls=copies > cut,
        values=copies,
        numbers={
            "tau": Number(cut),
            "N_copies": Number(float((copies > cut).sum())),
            "share of copies": share(int((copies > cut).sum()), len(copies)),
            "N_mem": Number(memorised),
            "share memorised": share(round(memorised), of),
        },
        cut=cut,
        note=f"N_mem by pools of {pool}"
        + ("" if np.isfinite(cut) else f"; {len(null)} holdout volumes are too few for this percentile"),
    )


def _checked(synthetic: np.ndarray, holdout: np.ndarray, percentile: float) -> tuple[np.ndarray, np.ndarray]:
    if not 0 < percentile < 100:
        raise UsageError(f"the percentile must lie between 0 and 100, not {percentile:g}")
    synthetic = table(synthetic, "similarities of synthetic with training volumes")
    return synthetic, table(holdout, "similarities of holdout with training volumes", columns=synthetic.shape[1])
