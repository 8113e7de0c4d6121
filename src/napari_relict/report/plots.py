"""Plots of the report, as SVG."""

from __future__ import annotations

import io
import re

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from napari_relict.calibration.verdicts import EXACT, NEAR, NONE, UNDECIDED
from napari_relict.measures import Measure
from napari_relict.measures.registry import deciders
from napari_relict.study import Study

# Shape as well as colour says which verdict it is.
MARKERS = {
    NONE: ("o", "#0072b2"),
    UNDECIDED: ("s", "#cc79a7"),
    NEAR: ("^", "#e69f00"),
    EXACT: ("D", "#d55e00"),
}
LINES = ("-", "--", "-.", ":", (0, (3, 1, 1, 1, 1, 1)))  # told apart without colour


def score_distributions(study: Study) -> list[str]:
    """Draw for each measure where synthetic volumes lie among the null's: one strip each, those that decide first.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    list of str
        SVG elements.
    """
    measures, deciding = study.measures(), deciders(study.measures())
    nearest, verdicts = study.nearest(), study.verdicts().set_index("synthetic")["verdict"]
    cuts = study.thresholds().set_index("measure")
    order = [*deciding, *(measure for measure in measures if measure not in deciding)]
    return [_strip(study, measure, nearest, verdicts, cuts) for measure in order if measure.name in nearest]


def _strip(study: Study, measure: Measure, nearest: pd.DataFrame, verdicts: pd.Series[str], cuts: pd.DataFrame) -> str:
    random, null = np.random.default_rng(0), study.null(measure.name)
    figure = Figure(figsize=(4.6, 1.15), layout="constrained")
    ax = figure.subplots()
    scores = null.scores[np.isfinite(null.scores)]
    ax.plot(scores, random.uniform(-0.12, 0.12, len(scores)), "|", color="#555555", markersize=9)
    for verdict, (marker, colour) in MARKERS.items():
        called = nearest.loc[[n for n in nearest.index if verdicts.get(n) == verdict], measure.name]
        ax.plot(called, 0.5 + random.uniform(-0.15, 0.15, len(called)), marker, color=colour, markersize=4.5)
    if measure.name in cuts.index:
        low, value, high = (
            float(cuts[name].loc[measure.name]) for name in ("threshold_low", "threshold", "threshold_high")
        )
        ax.axvspan(low, high, color="#cccccc", alpha=0.6, linewidth=0)
        ax.axvline(value, color="black", linewidth=1.2)
    ax.set_yticks([0, 0.5], ["null", "synthetic"], fontsize=8)
    ax.tick_params(axis="x", labelsize=8)
    ax.set_ylim(-0.3, 0.85)
    closer = "right" if measure.higher_is_closer else "left"
    decides = ", decides" if measure in deciders(study.measures()) else ""
    ax.set_title(f"{measure.title} ({measure.level}{decides}; closer to the {closer})", loc="left", fontsize=8)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    return svg(figure)


def roc_curves(study: Study) -> str:
    """Draw the ROC of the deciding measures on the rated pairs.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    str
        An SVG element; empty without enough ratings.
    """
    cuts = study.thresholds().set_index("measure")
    deciding = [measure for measure in deciders(study.measures()) if measure.name in cuts.index]
    if not deciding:
        return ""
    figure = Figure(figsize=(3.6, 3.5), layout="constrained")
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], color="#999999", linewidth=0.8)
    for measure, line in zip(deciding, LINES, strict=False):
        points = study.roc(measure.name).sort_values(["specificity", "sensitivity"], ascending=[False, True])
        auc = float(cuts["auc"].loc[measure.name])
        ax.plot(1 - points["specificity"], points["sensitivity"], linestyle=line, linewidth=1.5,
                label=f"{measure.title}, AUC {auc:.2f}")  # fmt: skip
    ax.set_xlabel("others called copies (1 − specificity)", fontsize=8)
    ax.set_ylabel("replicas called copies (sensitivity)", fontsize=8)
    ax.tick_params(labelsize=8)
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.02)
    ax.legend(fontsize=7, frameon=False, loc="lower right")
    return svg(figure)


def svg(figure: Figure) -> str:
    """Save a figure as an <svg> element, without the header that an HTML page cannot have inside.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.

    Returns
    -------
    str
        The element; the same figure gives the same text.
    """
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "napari-relict", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return re.sub(r"^.*?(?=<svg)", "", stream.getvalue(), flags=re.DOTALL)
