"""How far each metric moves when real volumes are altered, beside how far real patients lie from each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_relict.quality.drawing import Sizes, half
from napari_relict.quality.evaluating import INTERVAL, REPEATS, floor_deals
from napari_relict.quality.feature_sets import FeaturePool, Space, sets_of
from napari_relict.quality.registry import METRICS, Metric

COLUMNS = (
    *("alteration", "words", "kind", "strength", "said", "metric", "title", "family", "space", "better"),
    *("before", "after", "change", "low", "high", "floor_spread", "sensitivity", "worse"),
    *("n_volumes", "n_training", "n_holdout"),
)
SEEN = 2.0  # standard deviations of the floor: what real cohorts hardly differ by
QUICK = 100  # features of a slice; more take too long for every alteration


def quick(pool: FeaturePool) -> list[tuple[Metric, Space]]:
    """Choose metrics and spaces that are quick enough to be computed for every alteration.

    Parameters
    ----------
    pool : FeaturePool
        Volumes of all cohorts with what describes them.

    Returns
    -------
    list of tuple of (Metric, Space)
        Each metric with a space it takes.
    """
    return [
        (metric, space)
        for metric in METRICS.values()
        for space in pool.spaces.values()
        if metric.takes(space) and not (space.each > 1 and space.rows.shape[1] > QUICK)
    ]


def name_of(metric: Metric, space: Space) -> str:
    """Name a metric in a space.

    Parameters
    ----------
    metric : Metric
        The metric.
    space : Space
        The space.

    Returns
    -------
    str
        `metric:space`, or the metric alone where it has one space.
    """
    return (
        metric.name
        if metric.space == space.name or space.kind in ("pairs", "voxels")
        else f"{metric.name}:{space.name}"
    )


def floor_spreads(pool: FeaturePool, sizes: Sizes, seed: int) -> dict[str, float]:
    """Compute how far each metric differs between real patients dealt out anew, at the sizes of the altered cohort.

    Parameters
    ----------
    pool : FeaturePool
        Volumes of all cohorts with what describes them.
    sizes : Sizes
        Of the sets.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    dict of str to float
        By `name_of`, standard deviations; NaN from fewer than six deals.
    """
    spreads = {}
    for metric, space in quick(pool):
        if metric.needs == "holdout" and not sizes.holdout:
            continue
        deals = floor_deals(pool, sizes, seed, REPEATS[3] // 2 if space.each == 1 else REPEATS[2])
        values = [metric.compute(sets_of(pool, space, *places, seed)) for places in deals]
        finite = np.array([value for value in values if np.isfinite(value)])
        spreads[name_of(metric, space)] = float(finite.std()) if finite.size > 5 else float("nan")
    return spreads


def changes(pool: FeaturePool, seed: int, halves: int) -> dict[str, dict[str, float]]:
    """Compute each metric before and after, with a 95% interval of the change.

    The interval is as wide as changes in halves of the patients differ, the same patients before and after.

    Parameters
    ----------
    pool : FeaturePool
        Cohorts training, holdout, before and after; the last two in one order.
    seed : int
        Of everything that is drawn.
    halves : int
        How many halves of the patients are drawn.

    Returns
    -------
    dict of str to dict of str to float
        By `name_of`: before, after, change, low, high.
    """
    training, holdout = pool.places("training"), pool.places("holdout")
    before, after = pool.places("before"), pool.places("after")
    random = np.random.default_rng([seed, 5])
    kept = [half(pool, before, random) - before[0] for _ in range(halves)]
    by_metric = {}
    for metric, space in quick(pool):
        if metric.needs == "holdout" and not len(holdout):
            continue
        one, other = (metric.compute(sets_of(pool, space, training, made, holdout, seed)) for made in (before, after))
        drawn = kept if space.each == 1 else kept[: halves // 4]
        apart = np.array(
            [
                metric.compute(sets_of(pool, space, training, after[part], holdout, seed))
                - metric.compute(sets_of(pool, space, training, before[part], holdout, seed))
                for part in drawn
            ]
        )
        apart = apart[np.isfinite(apart)]
        change = other - one
        low, high = change + np.quantile(apart, INTERVAL) - apart.mean() if apart.size >= 10 else (np.nan, np.nan)
        values = {"before": one, "after": other, "change": change, "low": low, "high": high}
        by_metric[name_of(metric, space)] = {key: float(value) for key, value in values.items()}
    return by_metric


def worse(better: str, sensitivity: float) -> float:
    """Give a standardised change its sign, so that above 0 the metric says worse; any change is, where real is best.

    Parameters
    ----------
    better : str
        Which values are called good: lower, higher or as real.
    sensitivity : float
        The change in standard deviations of real patients.

    Returns
    -------
    float
        Above 0: worse.
    """
    if better == "as real":
        return abs(sensitivity)
    return sensitivity if better == "lower" else -sensitivity


def monotone(changes: Sequence[float]) -> bool:
    """Say whether changes go one way from no change on.

    Parameters
    ----------
    changes : sequence of float
        By rising strength.

    Returns
    -------
    bool
        False where one is not finite, or nothing changes.
    """
    steps = np.diff([0.0, *changes])
    return bool(np.isfinite(steps).all() and ((steps >= 0).all() or (steps <= 0).all()) and np.any(steps))


def with_shape(table: pd.DataFrame) -> pd.DataFrame:
    """Add `monotone`: whether a metric goes one way with an alteration's strength.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        The table with one column more.
    """
    table = table.sort_values(["alteration", "metric", "space", "strength"], kind="stable")
    shape = table.groupby(["alteration", "metric", "space"], sort=False)["change"].transform(
        lambda values: monotone(values.to_list())
    )
    return table.assign(monotone=shape.astype(bool)).sort_index()
