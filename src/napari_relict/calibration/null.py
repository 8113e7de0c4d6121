"""How alike unrelated patients get: the null that synthetic volumes are judged against.

Every holdout volume is searched against the same training cohort as every synthetic one, so both scores are the
best of equally many comparisons. If a generator had copied nobody, a synthetic volume would be as close to its
nearest training patient as a holdout patient is to his.

What is counted are patients, not volumes: several volumes of one patient are no independent evidence, so the closest
of them stands for him. Synthetic volumes belong to nobody, and each is judged. One of them is then compared with the
closest of several where patients have several volumes, which makes p too large rather than too small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import false_discovery_control

# Scales a median absolute deviation to the standard deviation of a normal distribution.
MAD_TO_SD = 1.4826
LEAST_COVERAGE = 0.95
HOLDOUT = "holdout"


@dataclass(frozen=True)
class NullScores:
    """Nearest-training scores of patients that cannot have been copied.

    Attributes
    ----------
    scores : float64, one a patient: the closest of the patient's volumes. In one order for all measures.
    source : `holdout`, or `training, leave one patient out` - the weaker evidence that it is: training volumes
        are compared with one patient fewer, and may be alike for reasons new patients would not share.
    copies : volumes kept out of the null because their stored voxels are those of another patient's training volume.
    learned_from : volumes kept out of it because an encoder was trained on them.
    volumes : how many volumes stand behind the scores; -1 where nobody counted.
    """

    measure: str
    scores: np.ndarray
    source: str
    copies: int = 0
    learned_from: int = 0
    volumes: int = -1

    @property
    def known(self) -> int:
        """How many of the patients have a score."""
        return int(np.isfinite(self.scores).sum())

    @property
    def resolution(self) -> float:
        """The smallest p-value this many patients can give."""
        return 1.0 / (1 + self.known)

    @property
    def weaker(self) -> bool:
        """Whether this is the weaker evidence of a study without a holdout."""
        return self.source != HOLDOUT

    @property
    def described(self) -> str:
        """What the null is, in words, wherever it is printed."""
        several = f" with {self.volumes} volumes" if self.volumes > len(self.scores) else ""
        trained = f"; {self.learned_from} volumes that an encoder was trained on left out" if self.learned_from else ""
        weak = "; weaker evidence than a holdout" if self.weaker else ""
        return f"{len(self.scores)} patients{several} ({self.source}{weak}{trained})"


def p_values(closeness: np.ndarray, null: np.ndarray) -> np.ndarray:
    """p = (1 + #{null >= score}) / (1 + n) for each score; NaN scores have p = NaN.

    Parameters
    ----------
    closeness, null : larger is closer.
    """
    null = np.sort(null[np.isfinite(null)])
    at_least = len(null) - np.searchsorted(null, closeness, side="left")
    p = (1.0 + at_least) / (1.0 + len(null))
    return np.where(np.isfinite(closeness), p, np.nan)


def closest_of_patients(closeness: np.ndarray, patients: Sequence[str]) -> np.ndarray:
    """The closest volume of each patient.

    Parameters
    ----------
    closeness : (volumes,), larger is closer; NaN where unknown.
    patients : (volumes,), whose each volume is.

    Returns
    -------
    float64 (patients,) in the order of their names; NaN where no volume of a patient has a score.
    """
    names, whose = np.unique(np.asarray(patients, str), return_inverse=True)
    closest = np.full(len(names), -np.inf)
    known = np.isfinite(closeness)
    np.maximum.at(closest, whose[known], closeness[known])
    return np.where(np.isneginf(closest), np.nan, closest)


def q_values(p: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg adjusted p-values; NaN stay NaN and are not counted."""
    q = np.full(p.shape, np.nan)
    known = np.isfinite(p)
    if known.any():
        q[known] = false_discovery_control(p[known], method="bh")
    return q


def location_and_scale(values: np.ndarray) -> tuple[float, float]:
    """Median and scaled MAD; where more than half the values are equal, the standard deviation, else 1."""
    finite = values[np.isfinite(values)]
    if finite.size < 2:
        return (float(finite[0]) if finite.size else 0.0), 1.0
    centre = float(np.median(finite))
    scale = MAD_TO_SD * float(np.median(np.abs(finite - centre)))
    if scale <= 1e-12:
        scale = float(finite.std())
    return centre, scale if scale > 1e-12 else 1.0


def fused_p_values(closeness: np.ndarray, null: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One p-value from several levels, and the level that decided.

    For each synthetic volume, its scores and the null's are pooled, each level is put on a robust z-scale of that
    pool, and the largest z over the levels is the volume's statistic; its p-value is its rank among the pool's
    statistics. Everything is computed on the pool as a whole, so when a synthetic volume is exchangeable with the
    null's patients, P(p <= a) <= a holds exactly, however many levels are looked at.

    A level counts only where the synthetic volume has it and at least 95% of the null have; patients without
    one of the levels used are left out.

    Parameters
    ----------
    closeness : (synthetic, levels), larger is closer, NaN where a level is missing.
    null : (patients of the null, levels).

    Returns
    -------
    p (synthetic,), NaN where no level is known or there is no null; index of the deciding level (-1 likewise).
    """
    p = np.full(len(closeness), np.nan)
    decided = np.full(len(closeness), -1)
    covered = np.isfinite(null).mean(0) if len(null) else np.zeros(closeness.shape[1])
    for row, own in enumerate(closeness):
        known = np.isfinite(own) & (covered >= LEAST_COVERAGE)
        rivals = null[np.isfinite(null[:, known]).all(1)][:, known]
        if not known.any() or not len(rivals):
            continue
        pool = np.vstack([own[known], rivals])
        z = np.column_stack([(column - centre) / scale for column, (centre, scale) in _scaled(pool)])
        best = z.max(1)
        p[row] = (1 + int((best[1:] >= best[0]).sum())) / len(pool)
        decided[row] = int(np.flatnonzero(known)[int(z[0].argmax())])
    return p, decided


def _scaled(pool: np.ndarray) -> list[tuple[np.ndarray, tuple[float, float]]]:
    return [(column, location_and_scale(column)) for column in pool.T]
