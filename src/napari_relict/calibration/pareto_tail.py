"""p-values below the resolution of a holdout, by a generalised Pareto fit to the upper tail of the null.

The excesses over a high threshold follow a generalised Pareto distribution in the limit (Pickands 1975; Davison & Smith
1990; for p-values Knijnenburg et al. 2009). That is an assumption about distances that no holdout patient reached, so
it is off by default, comes with its interval, and verdicts use the interval's upper end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from scipy.stats import chi2, genpareto

from napari_relict.calibration.fusing import fused_statistics

QUANTILES = (0.9, 0.85, 0.8)  # of the null, tried from the highest: the limit holds best there
FEWEST_EXCEEDANCES = 20
SHAPES = np.linspace(-0.5, 1.0, 61)  # below -0.5 the likelihood is irregular (Smith 1985), above 1 there is no mean
DROP = chi2.ppf(0.95, 1) / 2
LOG_P = np.linspace(-30, 0, 401) * np.log(10)
SMALLEST = float(np.exp(LOG_P[0]))
SHARES = 61


@dataclass(frozen=True)
class ParetoTail:
    """A fitted upper tail.

    Attributes
    ----------
    threshold : float
        In the unit of the statistic.
    excesses : numpy.ndarray of shape (exceedances,)
        By how much the null's values exceed it.
    known : int
        How many values of the null there are.
    shape, scale : float
        Maximum likelihood, the shape within `SHAPES`.
    """

    threshold: float
    excesses: np.ndarray
    known: int
    shape: float
    scale: float

    def p_value(self, statistic: float) -> tuple[float, float, float]:
        """Compute p of one statistic with its 95% profile likelihood interval.

        The likelihood is that of the excesses times the binomial one of how many there are; the shape and the share of
        exceedances are profiled out.

        Parameters
        ----------
        statistic : float
            Larger is closer.

        Returns
        -------
        tuple of 3 float
            P, low, high; at least 1e-30. All NaN at or below the threshold, where ranks say more.
        """
        beyond = statistic - self.threshold
        if not beyond > 0:
            return np.nan, np.nan, np.nan
        share = len(self.excesses) / self.known
        p = share * float(genpareto.sf(beyond, self.shape, scale=self.scale))
        of_excess = self._profile(beyond)
        # log share + log P(excess) = log p: the best of all ways to split p between the two.
        shares = np.linspace(max(share / 4, 1 / self.known), min(1.0, share * 3), SHARES)
        count = len(self.excesses)
        binomial = xlogy(count, shares) + xlogy(self.known - count, 1 - shares)
        split = np.interp(LOG_P[:, None] - np.log(shares), LOG_P, of_excess, left=-np.inf, right=-np.inf)
        total = (split + binomial).max(1)
        inside = np.flatnonzero(total >= total.max() - DROP)
        low, high = np.exp(LOG_P[[max(inside[0] - 1, 0), min(inside[-1] + 1, len(LOG_P) - 1)]])
        return max(p, SMALLEST), min(float(low), max(p, SMALLEST)), max(float(high), p)

    def _profile(self, beyond: float) -> np.ndarray:
        """Log likelihood of the excesses for each P(excess > beyond) = exp(LOG_P), over the best shape."""
        shape = np.where(np.abs(SHAPES) < 1e-9, 1e-9, SHAPES)[:, None]
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            scale = shape * beyond / np.expm1(-shape * np.minimum(LOG_P, -1e-12))  # gives just that probability
            return np.asarray(_log_likelihood(self.excesses, shape, scale).max(0))


def fit_tail(null: np.ndarray) -> ParetoTail | None:
    """Fit the upper tail of the null's statistics.

    Parameters
    ----------
    null : numpy.ndarray of shape (n,)
        Larger is closer, one a patient; not finite ones do not count.

    Returns
    -------
    ParetoTail or None
        The fit above the highest of the 90, 85 and 80% quantiles that leaves `FEWEST_EXCEEDANCES`; None where none does
        (fewer than about a hundred patients): then nothing can be said below the resolution.

    Notes
    -----
    Pickands (1975); Davison & Smith (1990); for p-values Knijnenburg et al. (2009).
    """
    values = null[np.isfinite(null)]
    for quantile in QUANTILES if len(values) else ():
        threshold = float(np.quantile(values, quantile))
        excesses = values[values > threshold] - threshold
        if len(excesses) >= FEWEST_EXCEEDANCES:
            return ParetoTail(threshold, excesses, len(values), *_fit(excesses))
    return None


def _fit(excesses: np.ndarray) -> tuple[float, float]:
    """Shape and scale of highest likelihood, the shape within `SHAPES` (`genpareto.fit` may leave them)."""
    shapes = np.where(np.abs(SHAPES) < 1e-9, 1e-9, SHAPES)[:, None]
    middle, reach = np.log(excesses.mean()), 3.0
    for _ in range(3):  # a grid of scales, then finer ones about the best
        scales = np.exp(np.linspace(middle - reach, middle + reach, 81))[None]
        likelihood = _log_likelihood(excesses, *np.broadcast_arrays(shapes, scales))
        best = np.unravel_index(int(likelihood.argmax()), likelihood.shape)
        middle, reach = np.log(scales[0, best[1]]), reach / 20
    return float(shapes[best[0], 0]), float(scales[0, best[1]])


def _log_likelihood(excesses: np.ndarray, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Sum of genpareto.logpdf over the excesses, by arrays of shapes and scales (scipy's is many times slower)."""
    inside = shape[..., None] * excesses / scale[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.where(inside > -1, np.log1p(np.maximum(inside, -1 + 1e-300)), np.nan).sum(-1)
        total = -len(excesses) * np.log(scale) - (1 + 1 / shape) * logs
    return np.where(np.isfinite(total), total, -np.inf)


def tail_p_values(closeness: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Compute p, low and high of each synthetic volume from the Pareto tail of the fused statistic.

    Parameters
    ----------
    closeness : numpy.ndarray of shape (synthetic, levels)
        Larger is closer.
    null : numpy.ndarray of shape (patients of the null, levels)
        Likewise.

    Returns
    -------
    numpy.ndarray of float64, shape (synthetic, 3)
        NaN for volumes that are not in the tail, and where no tail could be fitted.
    """
    statistics, of_null = fused_statistics(closeness, null)
    of_null = of_null[np.isfinite(of_null)]
    tail = fit_tail(of_null)
    if tail is None:
        return np.full((len(closeness), 3), np.nan)
    return np.array([tail.p_value(float(statistic)) for statistic in statistics]).reshape(-1, 3)


def sharpened(p: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """Choose the p-values that verdicts rest on: the upper end of the tail's interval where that is below the rank's p.

    Parameters
    ----------
    p : numpy.ndarray of shape (synthetic,)
        By ranks.
    tail : numpy.ndarray of shape (synthetic, 3)
        As `tail_p_values` gives it.

    Returns
    -------
    numpy.ndarray of shape (synthetic,)
        The smaller of the two.
    """
    return np.asarray(np.fmin(p, np.where(np.isfinite(p), tail[:, 2], np.nan)))
