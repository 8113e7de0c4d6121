"""What to rate next, of a study's own volumes and measures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from napari_relict.calibration.active import expected_widths
from napari_relict.decisions.rated_pairs import is_replica
from napari_relict.measures import Measure
from napari_relict.records.settings import ThresholdSettings

COLUMNS = ["synthetic", "training", "why", "expected_width"]


def next_to_rate(
    volumes: pd.DataFrame,
    first: pd.DataFrame,
    probability: pd.Series[float],
    measure: Measure,
    settings: ThresholdSettings,
    count: int,
) -> pd.DataFrame:
    """The nearest pairs of volumes nobody has rated, those that narrow the threshold's interval most first.

    Without two rated replicas and two others there is no threshold yet: then pairs spread over the range of scores.

    Parameters
    ----------
    volumes : rated ones, as `rated_volumes` gives them. first : the matches of rank 1 of the others.
    probability : of the fusion, by synthetic volume; where it is not known .5 is taken.

    Returns
    -------
    synthetic, training, why, expected_width (in the measure's unit; NaN where it was not computed).
    """
    first = first[np.isfinite(first[measure.name].to_numpy(float))].reset_index(drop=True)
    closeness = measure.closeness(first[measure.name].to_numpy(float))
    rated = volumes[np.isfinite(volumes[measure.name].to_numpy(float))]
    chance = probability.reindex(first["synthetic"]).fillna(0.5).to_numpy(float)
    widths = expected_widths(
        closeness, chance, measure.closeness(rated[measure.name].to_numpy(float)), is_replica(rated), settings.rule,
        settings.target,
    )  # fmt: skip
    if np.isfinite(widths).any():
        order = np.argsort(np.where(np.isfinite(widths), widths, np.inf), kind="stable")
        order = order[: min(count, int(np.isfinite(widths).sum()))]
        why = [
            f"near the threshold of {measure.title}; {chance[place]:.0%} likely a replica, so both answers would tell"
            if 0.1 < chance[place] < 0.9
            else f"near the threshold of {measure.title}; {chance[place]:.0%} likely a replica"
            for place in order
        ]
    else:
        by_score = np.argsort(-closeness, kind="stable")
        stretches = np.array_split(by_score, min(count, len(by_score))) if len(by_score) else []
        order = np.array([stretch[len(stretch) // 2] for stretch in stretches], int)
        why = [f"no threshold yet: spread over the range of {measure.title}"] * len(order)
    table = first.iloc[order][["synthetic", "training"]].assign(why=why, expected_width=widths[order])
    return table[COLUMNS].reset_index(drop=True)
