"""p-values beyond every patient of a small null, from how its most extreme patients lie: a posterior predictive tail.

Ranks cannot say less than 1 / (1 + n), whoever was copied. So beyond the null's largest value the distances themselves
count: the excesses of its k largest values over the next one are taken as draws of a generalised Pareto distribution
(Pickands 1975), whose scale and shape are not estimated but averaged over, given the excesses and a prior: what few
patients leave open makes p larger. That assumes that closeness goes on beyond the null as it does at its upper end;
wherever p rests on it, the words say so. Shape below 0 (a hard upper limit) is not admitted: the careful side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

FEWEST_PATIENTS = 8
LEAST_EXCESSES, MOST_EXCESSES = 5, 25
SHAPES = np.linspace(0.005, 1.0, 40)
SHAPE_SD = 0.25  # of the half-normal prior; .15 called too much, .35 halved the power in simulated studies
LOG_SCALES = np.linspace(-6.0, 3.0, 91)  # of the scale over the mean excess


@dataclass(frozen=True)
class PredictiveTail:
    """The upper tail of a null.

    Attributes
    ----------
    threshold : float
        The (k+1)-th largest value.
    largest : float
        Beyond it the tail speaks, up to it ranks do.
    share : float
        Of the null's draws that lie beyond the threshold, counted as carefully as ranks are.
    shapes, scales, weights : numpy.ndarray of shape (grid,)
        Shape, scale and posterior weight of every pair of shape and scale.
    """

    threshold: float
    largest: float
    share: float
    shapes: np.ndarray
    scales: np.ndarray
    weights: np.ndarray

    def p_values(self, statistics: np.ndarray) -> np.ndarray:
        """Compute p of each statistic.

        Parameters
        ----------
        statistics : numpy.ndarray of shape (n,)
            Larger is closer.

        Returns
        -------
        numpy.ndarray of shape (n,)
            NaN up to the null's largest value, where ranks say more.
        """
        statistics = np.asarray(statistics, float)
        p = np.full(statistics.shape, np.nan)
        for place in np.flatnonzero(statistics > self.largest):
            beyond = statistics[place] - self.threshold
            p[place] = self.share * float(
                self.weights @ np.exp(-np.log1p(self.shapes * beyond / self.scales) / self.shapes)
            )
        return p


def predictive_tail(null: np.ndarray, ties: int = 1, known: int | None = None) -> PredictiveTail | None:
    """Fit the tail of the null's statistics.

    Parameters
    ----------
    null : numpy.ndarray of shape (n,)
        Larger is closer, one a patient; not finite ones do not count.
    ties : int, default: 1
        1 for patients that are independent; 2 where they were searched among themselves, see `null.TIES_LEFT_OUT`.
    known : int, optional
        How many of them count; all when None.

    Returns
    -------
    PredictiveTail or None
        None with fewer than `FEWEST_PATIENTS`, or where the largest values are all equal: then ranks say all there is.

    Notes
    -----
    Generalised Pareto distribution of excesses (Pickands 1975).
    """
    values = np.sort(null[np.isfinite(null)])[::-1]
    n = len(values)
    if n < FEWEST_PATIENTS:
        return None
    k = min(max(LEAST_EXCESSES, round(n / 4)), MOST_EXCESSES, n - 2)
    threshold = float(values[k])
    excesses = values[:k] - threshold
    middle = float(excesses.mean())
    if not middle > 0:
        return None
    shapes, log_scales = (grid.ravel() for grid in np.meshgrid(SHAPES, LOG_SCALES, indexing="ij"))
    scales = middle * np.exp(log_scales)
    inside = np.log1p(shapes[:, None] * excesses / scales[:, None])
    likelihood = -k * np.log(scales) - (1 + 1 / shapes) * inside.sum(1)
    # A prior of 1 / scale is flat on the grid of its logarithm.
    log_weights = likelihood - (shapes / SHAPE_SD) ** 2 / 2
    weights = np.exp(log_weights - logsumexp(log_weights))
    keep = weights > 1e-12
    return PredictiveTail(
        threshold,
        float(values[0]),
        (k + ties) / ((n if known is None else known) + ties),
        shapes[keep],
        scales[keep],
        weights[keep],
    )
