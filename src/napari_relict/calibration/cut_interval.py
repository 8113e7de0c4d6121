"""The interval of a cut that was chosen on rated volumes.

The best cut depends on the few volumes next to it, so resamples of them repeat a handful of values and vary too little:
with five replicas among fifty, a plain bootstrap held the true cut in 79% of simulated studies. So resampled values
are smoothed (smoothed bootstrap; Silverman & Young 1987), the more the fewer there are of their kind: simulations in
docs/benchmarks.md.
"""

from __future__ import annotations

import numpy as np

from napari_relict.calibration.cuts import Rule, best_cuts

SMOOTHING = 4.5  # standard deviations of a kind, divided by how many there are of it
ENDS = (0.025, 0.975)
NORMAL_IQR = 1.349  # interquartile range of a normal distribution, in standard deviations


def noise_scale(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Standard deviation of what smooths each value: (n,). By the spread of its kind, which outliers do not stretch.

    Parameters
    ----------
    values : (n,), finite. truth : (n,) bool; at least two of each kind.
    """
    scale = np.zeros(len(values))
    for kind in (truth, ~truth):
        mine = values[kind]
        between = float(np.subtract(*np.quantile(mine, [0.75, 0.25]))) / NORMAL_IQR
        spread = float(mine.std(ddof=1))
        scale[kind] = SMOOTHING * (min(spread, between) if between > 0 else spread) / len(mine)
    return scale


def cut_interval(
    values: np.ndarray,
    truth: np.ndarray,
    drawn: np.ndarray,
    said: np.ndarray,
    rule: Rule,
    target: float,
    random: np.random.Generator,
) -> tuple[float, float]:
    """95% interval: percentiles of the lower and of the upper ends of all best cuts, for none of them is better.

    Parameters
    ----------
    values : (n,), larger is closer. truth : (n,) bool.
    drawn, said : (resamples, n), as `napari_relict.calibration.resampling.resample` gives them.
    """
    scale = noise_scale(values, truth)
    smoothed = values[drawn] + scale[drawn] * random.standard_normal(drawn.shape)
    found = best_cuts(smoothed, said, rule, target)
    return float(np.quantile(found.lowest, ENDS[0])), float(np.quantile(found.highest, ENDS[1]))
