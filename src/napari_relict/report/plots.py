"""Plots of the report, as SVG."""

from __future__ import annotations

import io
import re

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from napari_relict.calibration.verdicts import EXACT, NEAR, NONE
from napari_relict.study import Study

# Shape as well as colour says which verdict it is.
MARKERS = {EXACT: ("D", "#d55e00"), NEAR: ("^", "#e69f00"), NONE: ("o", "#0072b2")}


def score_distributions(study: Study) -> str:
    """For each measure, where synthetic volumes lie among the null's: one strip each."""
    measures = [m for m in study.measures() if m.name in study.nearest()]
    nearest, verdicts = study.nearest(), study.verdicts().set_index("synthetic")["verdict"]
    cuts = study.thresholds().set_index("measure")
    figure = Figure(figsize=(9, 1.15 * len(measures) + 0.7), layout="constrained")
    axes = figure.subplots(len(measures), 1, squeeze=False)[:, 0]
    random = np.random.default_rng(0)
    for ax, measure in zip(axes, measures, strict=True):
        null = study.null(measure.name)
        scores = null.scores[np.isfinite(null.scores)]
        ax.plot(scores, random.uniform(-0.12, 0.12, len(scores)), "|", color="#555555", markersize=9)
        for verdict, (marker, colour) in MARKERS.items():
            mine = nearest.loc[[n for n in nearest.index if verdicts.get(n) == verdict], measure.name]
            ax.plot(mine, 0.5 + random.uniform(-0.15, 0.15, len(mine)), marker, color=colour, markersize=5)
        if measure.name in cuts.index:
            cut = cuts.loc[measure.name]
            ax.axvspan(cut["threshold_low"], cut["threshold_high"], color="#cccccc", alpha=0.6, linewidth=0)
            ax.axvline(cut["threshold"], color="black", linewidth=1.2)
        ax.set_yticks([0, 0.5], ["training (weaker)" if null.weaker else "holdout", "synthetic"])
        ax.set_ylim(-0.3, 0.85)
        ax.set_title(
            f"{measure.title} ({measure.level} level; {'higher' if measure.higher_is_closer else 'lower'} is closer)",
            loc="left",
            fontsize=9,
        )
        for side in ("top", "right", "left"):
            ax.spines[side].set_visible(False)
    handles = [
        matplotlib.lines.Line2D([], [], linestyle="", marker=m, color=c, label=v) for v, (m, c) in MARKERS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    return svg(figure)


def svg(figure: Figure) -> str:
    """The figure as an <svg> element, without the header that an HTML page cannot have inside."""
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "napari-relict", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return re.sub(r"^.*?(?=<svg)", "", stream.getvalue(), flags=re.DOTALL)
