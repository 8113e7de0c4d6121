"""Metrics of a synthetic cohort, each with an interval and with what real patients give at the same sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from napari_relict.errors import DataError
from napari_relict.jobs.progress import Progress, silent
from napari_relict.quality.drawing import FEWEST, Sizes, deal, half, sizes_of
from napari_relict.quality.feature_sets import FeaturePool, Space, sets_of
from napari_relict.quality.registry import METRICS, Metric

COLUMNS = (
    *("metric", "title", "family", "space", "dimensions", "better", "value", "low", "high"),
    *("floor", "floor_low", "floor_high", "holdout", "distance", "standing"),
    *("n_training", "n_synthetic", "n_holdout", "estimated_on", "source", "note"),
)
# How often real patients are dealt out and halves drawn, and a set where the value itself needs a draw; there are
# twenty times as many slices as volumes.
REPEATS, DRAWS = {3: 200, 2: 40}, {3: 15, 2: 5}
INTERVAL = (0.025, 0.975)

Places = tuple[np.ndarray, np.ndarray, np.ndarray]  # training, made, holdout


def evaluate(
    pool: FeaturePool, *, metrics: Sequence[str] | None = None, seed: int = 0, progress: Progress = silent
) -> pd.DataFrame:
    """Compute every metric in every space it takes.

    The **floor** is what real patients give: all of them, of training and holdout, are dealt out at random into a
    training set, a set in the place of the synthetic cohort, and a holdout, as large as those of the value and no
    patient in two of them. Its range holds 95% of the deals. `holdout` is what the holdout itself gives in the place of
    the synthetic cohort: far from the floor where it is unlike the training cohort. The **interval** is as wide
    as the spread of the values of half of the patients of each set, drawn without replacement (that of a mean is a
    bootstrap's; no volume is there twice, which metrics of neighbours would take for copying), about the value.

    Parameters
    ----------
    pool : FeaturePool
        Volumes of all cohorts with what describes them.
    metrics : sequence of str, optional
        Names; all when None.
    seed : int, default: 0
        Of everything that is drawn.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    pandas.DataFrame
        One row a metric and space, see `COLUMNS`: value, low, high (95% interval), floor, floor_low, floor_high,
        holdout, distance (of the value from the floor's mean, in standard deviations of the floor), standing (in
        words), the sizes it was computed at. Missing where there is nothing to compute it on; the note says what.

    Raises
    ------
    DataError
        Too few volumes.
    """
    sizes = sizes_of(pool)
    if not sizes.enough:
        raise DataError(
            "quality", f"{sizes.made} synthetic beside {sizes.training} training volumes", f"takes {FEWEST} of each"
        )
    chosen = [metric for name, metric in METRICS.items() if metrics is None or name in metrics]
    work = [(metric, space) for metric in chosen for space in pool.spaces.values() if metric.takes(space)]
    rows = []
    for done, (metric, space) in enumerate(work, start=1):
        rows.append(_row(pool, metric, space, sizes, seed))
        progress("metrics", done, len(work))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(pool: FeaturePool, metric: Metric, space: Space, sizes: Sizes, seed: int) -> dict[str, object]:
    row: dict[str, object] = {
        "metric": metric.name,
        "title": metric.title,
        "family": metric.family,
        "space": "" if metric.space == space.name else space.name,
        "dimensions": space.dimensions,
        "better": metric.better,
        "n_training": sizes.training if metric.needs != "nothing" else 0,
        "n_synthetic": sizes.made,
        "n_holdout": sizes.holdout if metric.needs == "holdout" else 0,
        "estimated_on": metric.estimated_on,
        "source": metric.source,
        "note": "",
    }
    if metric.needs == "holdout" and not sizes.holdout:
        return row | {"standing": "not computed", "note": f"needs a holdout of at least {2 * FEWEST} volumes"}
    few = space.each > 1
    repeats, draws = REPEATS[2 if few else 3], DRAWS[2 if few else 3]

    def values(places: Iterator[Places]) -> np.ndarray:
        computed = [metric.compute(sets_of(pool, space, *chosen, seed)) for chosen in places]
        return np.array([value for value in computed if np.isfinite(value)])

    at_once = values(_made(pool, sizes, metric, seed, draws))
    halves = values(_halves(pool, sizes, seed, repeats))
    floor = values(floor_deals(pool, sizes, seed, repeats))
    if not at_once.size:
        return row | {"standing": "not computed", "note": "undefined on these volumes"}
    value = float(np.median(at_once))
    low, high = interval(value, halves, metric.bounds)
    row |= {"value": value, "low": low, "high": high}
    if floor.size < 10:
        return row | {"standing": "no floor", "note": "too few real patients for a floor"}
    ends = np.quantile(floor, INTERVAL)
    spread = float(floor.std())
    itself = values(_holdout(pool, sizes, seed, draws)) if not sizes.dealt else np.empty(0)
    return row | {
        "floor": float(np.median(floor)),
        "floor_low": float(ends[0]),
        "floor_high": float(ends[1]),
        "holdout": float(np.median(itself)) if itself.size else np.nan,
        "distance": (value - float(floor.mean())) / spread if spread > 0 else np.nan,
        "standing": standing(metric, value, float(ends[0]), float(ends[1])),
        "note": "training patients in two parts: there is no holdout" if sizes.dealt else "",
    }


def interval(value: float, halves: np.ndarray, bounds: tuple[float, float]) -> tuple[float, float]:
    """Lay a 95% interval about a value, from its values in halves.

    Parameters
    ----------
    value : float
        The value.
    halves : numpy.ndarray of shape (n,)
        Values of half of the patients.
    bounds : tuple of 2 float
        Between which values can lie; it is cut off there.

    Returns
    -------
    tuple of 2 float
        Lower and upper end; NaN from fewer than ten halves.
    """
    if halves.size < 10:
        return float("nan"), float("nan")
    # Half as many volumes shift many metrics; only how far halves differ from each other is taken from them.
    low, high = np.clip(value + np.quantile(halves, INTERVAL) - halves.mean(), *bounds)
    return float(min(low, value)), float(max(high, value))


def standing(metric: Metric, value: float, low: float, high: float) -> str:
    """Say where a value lies against the floor's range.

    Parameters
    ----------
    metric : Metric
        The metric.
    value : float
        Its value.
    low, high : float
        The floor's range.

    Returns
    -------
    str
        In words.
    """
    if low <= value <= high:
        return "as real patients"
    above = value > high
    if metric.better == "as real":
        return "higher than real" if above else "lower than real"
    if above == (metric.better == "higher"):
        return (
            "better than real patients: look for copies" if metric.family == "fidelity" else "better than real patients"
        )
    return (
        "nearer to training than real patients: look for copies"
        if metric.family == "novelty"
        else ("worse than real patients")
    )


def _made(pool: FeaturePool, sizes: Sizes, metric: Metric, seed: int, draws: int) -> Iterator[Places]:
    """Synthetic volumes against the training cohort; several draws where not all of them are taken."""
    random = np.random.default_rng([seed, 1])
    training, made, holdout = (pool.places(cohort) for cohort in ("training", "synthetic", "holdout"))
    drawn = len(made) > sizes.made or sizes.dealt or metric.needs == "holdout"
    for _ in range(draws if drawn else 1):
        reference = deal(pool, training, [sizes.training], random)[0] if sizes.dealt else training
        chosen = np.sort(random.choice(made, sizes.made, replace=False)) if len(made) > sizes.made else made
        yield reference, chosen, deal(pool, holdout, [sizes.holdout], random)[0]


def _halves(pool: FeaturePool, sizes: Sizes, seed: int, repeats: int) -> Iterator[Places]:
    random = np.random.default_rng([seed, 2])
    training, made, holdout = (pool.places(cohort) for cohort in ("training", "synthetic", "holdout"))
    for _ in range(repeats):
        chosen = random.choice(made, sizes.made, replace=False) if len(made) > sizes.made else made
        reference = deal(pool, training, [sizes.training], random)[0] if sizes.dealt else training
        yield (
            half(pool, reference, random),
            half(pool, chosen, random),
            (half(pool, holdout, random) if sizes.holdout else holdout),
        )


def floor_deals(pool: FeaturePool, sizes: Sizes, seed: int, repeats: int) -> Iterator[Places]:
    """Put real patients in the place of synthetic ones, dealt out anew each time.

    Parameters
    ----------
    pool : FeaturePool
        Volumes of all cohorts with what describes them.
    sizes : Sizes
        Of the sets.
    seed : int
        Of everything that is drawn.
    repeats : int
        How often.

    Yields
    ------
    Places
        Places of training, synthetic and holdout volumes.
    """
    random = np.random.default_rng([seed, 3])
    real = np.flatnonzero(pool.cohort != "synthetic") if not sizes.dealt else pool.places("training")
    for _ in range(repeats):
        made, training, holdout = deal(pool, real, [sizes.made, sizes.training, sizes.holdout], random)
        yield training, made, holdout


def _holdout(pool: FeaturePool, sizes: Sizes, seed: int, draws: int) -> Iterator[Places]:
    """Put the holdout as it is in the place of the synthetic volumes."""
    random = np.random.default_rng([seed, 4])
    for _ in range(draws):
        made, rest = deal(pool, pool.places("holdout"), [sizes.made, sizes.holdout], random)
        yield pool.places("training"), made, rest
