"""How alike unrelated patients get: the null that synthetic volumes are judged against.

Every holdout volume is searched against the same training cohort as every synthetic one, so both scores are the
best of equally many comparisons. If a generator had copied nobody, a synthetic volume would be as close to its
nearest training patient as a holdout patient is to his. Training patients that are left out one by one and searched
against the others join them: the generator takes no part in their scores either, and holdouts are small.

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
HOLDOUT = "holdout"
LEFT_OUT = "training, leave one patient out"
BOTH = "holdout and training"
# Training patients that are searched among themselves come in pairs: who is somebody's nearest often has him for his
# nearest too. So their p is (2 + #) / (2 + n): with (1 + #) / (1 + n), P(p <= .05) was .10 among 20 patients.
TIES_LEFT_OUT = 2


@dataclass(frozen=True)
class NullScores:
    """Nearest-training scores of patients that cannot have been copied.

    Attributes
    ----------
    measure : str
        Name of the measure.
    scores : numpy.ndarray of shape (patients,)
        Float64, the closest of each patient's volumes. In one order for all measures.
    source : str
        In words, who the patients are: `HOLDOUT`, `LEFT_OUT` or `BOTH`.
    copies : int, default: 0
        Volumes kept out of the null because their stored voxels are those of another patient's training volume.
    learned_from : int, default: 0
        Volumes kept out of it because an encoder was trained on them.
    volumes : int, default: -1
        How many volumes stand behind the scores; -1 where nobody counted.
    left_out : numpy.ndarray of bool, shape (patients,), optional, optional
        A training patient who was left out and searched against the others; None: nobody.
    gaps : numpy.ndarray of shape (patients,), optional, optional
        How much farther his second nearest training patient lies (`Measure.gap`).
    patients : tuple of str, default: ()
        Of each patient his name.
    nearest : tuple of str, default: ()
        Of each patient the training volume that his closest volume is nearest to.
    """

    measure: str
    scores: np.ndarray
    source: str
    copies: int = 0
    learned_from: int = 0
    volumes: int = -1
    left_out: np.ndarray | None = None
    gaps: np.ndarray | None = None
    patients: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()

    @property
    def known(self) -> int:
        """How many of the patients have a score."""
        return int(np.isfinite(self.scores).sum())

    @property
    def from_training(self) -> np.ndarray:
        """bool, one a patient."""
        if self.left_out is not None:
            return self.left_out
        return np.full(len(self.scores), self.source == LEFT_OUT)

    @property
    def ties(self) -> int:
        """See `TIES_LEFT_OUT`."""
        return TIES_LEFT_OUT if self.from_training.any() else 1

    @property
    def resolution(self) -> float:
        """The smallest p-value that ranks among this many patients can give: doubled where gaps are tested too."""
        tests = 2 if self.gaps is not None and np.isfinite(self.gaps).any() else 1
        return min(1.0, tests * self.ties / (self.ties + self.known))

    @property
    def weaker(self) -> bool:
        """Whether this is the weaker evidence of a study without a holdout."""
        return self.source == LEFT_OUT

    @property
    def described(self) -> str:
        """What the null is, in words, wherever it is printed."""
        several = f" with {self.volumes} volumes" if self.volumes > len(self.scores) else ""
        trained = f"; {self.learned_from} volumes that an encoder was trained on left out" if self.learned_from else ""
        weak = "; weaker evidence than a holdout" if self.weaker else ""
        source = self.source
        if source == BOTH:
            left_out = int(self.from_training.sum())
            source = f"{len(self.scores) - left_out} of the holdout, {left_out} of training, each left out in turn"
        return f"{len(self.scores)} patients{several} ({source}{weak}{trained})"


def p_values(closeness: np.ndarray, null: np.ndarray, ties: int = 1) -> np.ndarray:
    """Rank each score in the null: p = (1 + #{null >= score}) / (1 + n).

    Parameters
    ----------
    closeness : numpy.ndarray of shape (n,)
        Larger is closer.
    null : numpy.ndarray of shape (patients,)
        Likewise.
    ties : int, default: 1
        What stands in the place of 1: see `TIES_LEFT_OUT`.

    Returns
    -------
    numpy.ndarray of shape (n,)
        NaN for scores that are NaN.
    """
    null = np.sort(null[np.isfinite(null)])
    at_least = len(null) - np.searchsorted(null, closeness, side="left")
    p = (ties + at_least) / (ties + float(len(null)))
    return np.where(np.isfinite(closeness), p, np.nan)


def closest_of_patients(closeness: np.ndarray, patients: Sequence[str]) -> np.ndarray:
    """Take the closest volume of each patient.

    Parameters
    ----------
    closeness : numpy.ndarray of shape (volumes,)
        Larger is closer; NaN where unknown.
    patients : sequence of str
        (volumes,), whose each volume is.

    Returns
    -------
    numpy.ndarray of float64, shape (patients,)
        In the order of their names; NaN where no volume of a patient has a score.
    """
    names, whose = np.unique(np.asarray(patients, str), return_inverse=True)
    closest = np.full(len(names), -np.inf)
    scored = np.isfinite(closeness)
    np.maximum.at(closest, whose[scored], closeness[scored])
    return np.where(np.isneginf(closest), np.nan, closest)


def q_values(p: np.ndarray) -> np.ndarray:
    """Adjust p-values by Benjamini and Hochberg.

    Parameters
    ----------
    p : numpy.ndarray
        Any shape.

    Returns
    -------
    numpy.ndarray
        Of the same shape; NaN stay NaN and are not counted.

    Notes
    -----
    Benjamini & Hochberg (1995), through SciPy.
    """
    q = np.full(p.shape, np.nan)
    finite = np.isfinite(p)
    if finite.any():
        q[finite] = false_discovery_control(p[finite], method="bh")
    return q


def location_and_scale(values: np.ndarray) -> tuple[float, float]:
    """Compute median and scaled MAD.

    Parameters
    ----------
    values : numpy.ndarray of shape (n,)
        Not finite ones do not count.

    Returns
    -------
    tuple of 2 float
        Where more than half the values are equal, the standard deviation stands in for the MAD, else 1.
    """
    finite = values[np.isfinite(values)]
    if finite.size < 2:
        return (float(finite[0]) if finite.size else 0.0), 1.0
    centre = float(np.median(finite))
    scale = MAD_TO_SD * float(np.median(np.abs(finite - centre)))
    if scale <= 1e-12:
        scale = float(finite.std())
    return centre, scale if scale > 1e-12 else 1.0
