"""Every synthetic volume as a point in the plane of two measures: what the map of the study draws. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_relict.viewer.data_models.scores import Scores, Threshold

#: Shape by verdict, so that the map reads without colour.
MARKERS = {"undecided": "D", "exact replica": "^", "near replica": "s", "no replica": "o", "": "o"}
FILLED = ("exact replica", "near replica")


@dataclass(frozen=True)
class MapPoints:
    """Nearest pairs of the study in the plane of two measures.

    Attributes
    ----------
    x, y : (n,) scores of each synthetic volume with the training volume it is closest to on the list (rank 1).
    null_x, null_y : (m,) scores of volumes known to be no copies with their nearest training volumes.
    """

    x_title: str
    y_title: str
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    synthetic: list[str]
    training: list[str]
    verdict: list[str]
    null_x: npt.NDArray[np.float64]
    null_y: npt.NDArray[np.float64]
    x_flipped: bool
    y_flipped: bool
    x_threshold: Threshold | None
    y_threshold: Threshold | None


def map_points(scores: Scores, x: str, y: str) -> MapPoints:
    """Points for the measures named `x` and `y`; a pair without one of the scores is left out."""
    measures = {measure.name: measure for measure in scores.measures}
    first = scores.matches[scores.matches["rank"] == 1]
    known = first[first[x].notna() & first[y].notna()]
    told = (
        {}
        if scores.verdicts.empty
        else dict(zip(scores.verdicts["synthetic"], scores.verdicts["verdict"], strict=True))
    )
    null = [np.asarray(scores.null_scores(name), float) for name in (x, y)]
    # Both are in the order of the null's volumes, unless some volume has no score in one of them.
    both = null if len(null[0]) == len(null[1]) else [np.empty(0), np.empty(0)]
    finite = np.isfinite(both[0]) & np.isfinite(both[1])
    return MapPoints(
        measures[x].title, measures[y].title,
        known[x].to_numpy(float), known[y].to_numpy(float),
        [str(name) for name in known["synthetic"]], [str(name) for name in known["training"]],
        [str(told.get(name, "")) for name in known["synthetic"]],
        both[0][finite], both[1][finite],
        not measures[x].higher_is_closer, not measures[y].higher_is_closer,
        scores.threshold(x), scores.threshold(y),
    )  # fmt: skip


def default_axes(scores: Scores) -> tuple[str, str]:
    """The first measure that decides of the first two levels; the first two measures where there is one level."""
    by_level: dict[str, str] = {}
    for measure in scores.measures:
        if getattr(measure, "decides", True) and _known(scores.matches, measure.name):
            by_level.setdefault(measure.level, measure.name)
    names = list(by_level.values())
    rest = [m.name for m in scores.measures if m.name not in names and _known(scores.matches, m.name)]
    chosen = [*names, *rest][:2]
    return (chosen[0], chosen[-1])


def _known(matches: pd.DataFrame, name: str) -> bool:
    return name in matches and bool(matches[name].notna().any())
