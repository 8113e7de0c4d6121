"""Copies and memorised patients against each factor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_relict.calibration.rules import RULES
from napari_relict.memorisation.factor_effects import FactorEffect, Share
from napari_relict.memorisation.plan import Setting

OURS, PATIENTS, PUBLISHED = "#08519c", "#b30000", "#636363"


def figure_of(directions: Sequence[FactorEffect], runs: pd.DataFrame) -> Figure:
    """Draw a panel a factor; levels from that of least copying to that of most, as published.

    Parameters
    ----------
    directions : sequence of FactorEffect
        What each factor did.
    runs : pandas.DataFrame
        Of `running.Tables`.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    columns = 3
    rows = -(-(len(directions) + 1) // columns)
    figure = Figure(figsize=(12, 3.6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, effect in zip(panels, directions, strict=False):
        _factor(axes, effect)
    _along(panels[len(directions)], runs)
    for axes in panels[len(directions) + 1 :]:
        axes.set_visible(False)
    panels[0].legend(fontsize=8, loc="upper left")
    return figure


def _factor(axes: Axes, one: FactorEffect) -> None:
    places = np.arange(len(one.points))
    for shift, colour, marker, label, shares in (
        (-0.08, OURS, "o", "N_copies, of synthetic volumes", [point.copies for point in one.points]),
        (0.08, PATIENTS, "s", "N_mem, of training patients", [point.memorised for point in one.points]),
    ):
        axes.errorbar(
            places + shift,
            [share.value for share in shares],
            yerr=_reach(shares),
            color=colour,
            marker=marker,
            capsize=3,
            label=label,
            linewidth=1.2,
        )
    axes.plot(
        places, [point.called for point in one.points], color=OURS, marker="x", linestyle=":",
        label="called at the false discovery rate",
    )  # fmt: skip
    for name, style in (("dar_published", "--"), ("dar_matched", "-.")):
        theirs = [point.published.get(name, np.nan) for point in one.points]
        axes.plot(places, theirs, color=PUBLISHED, linestyle=style, linewidth=1, label=RULES[name].title)
    for place, point in enumerate(one.points):
        if len(point.each) > 1:
            axes.plot([place - 0.08] * len(point.each), point.each, ".", color=OURS, alpha=0.5)
    axes.set_xticks(places, [point.level for point in one.points], fontsize=8)
    axes.set_xlim(-0.4, len(places) - 0.6)
    _share_axis(axes)
    axes.set_title(f"{one.title}: {one.answer}", fontsize=10)


def _along(axes: Axes, runs: pd.DataFrame) -> None:
    """Every training along its length."""
    keys = ["kind", "augment", "size", "n_patients"]
    colours = matplotlib.colormaps["tab10"]
    for number, (_, group) in enumerate(runs.groupby(keys, sort=False)):
        mean = group.assign(share=group["n_copies"] / group["n_synthetic"]).groupby("length")["share"].mean()
        first = group.iloc[0]
        words = Setting(str(first["kind"]), bool(first["augment"]), first["size"], int(first["n_patients"])).words
        axes.plot(mean.index, mean.to_numpy(), marker=".", color=colours(number % 10), label=words, linewidth=1)
    axes.set_xscale("log", base=2)
    axes.set_xticks(sorted(runs["length"].unique()), [f"{share:.3g}" for share in sorted(runs["length"].unique())])
    axes.set_xlabel("share of the steps", fontsize=8)
    _share_axis(axes)
    axes.set_title("all trainings: N_copies along their length", fontsize=10)
    axes.legend(fontsize=6)


def _share_axis(axes: Axes) -> None:
    axes.set_ylim(-0.04, 1.04)
    axes.set_ylabel("share", fontsize=8)
    axes.yaxis.grid(True, color="#dddddd")
    axes.set_axisbelow(True)


def _reach(shares: Sequence[Share]) -> np.ndarray:
    return np.array([[max(s.value - s.low, 0) for s in shares], [max(s.high - s.value, 0) for s in shares]])


def write_plots(directions: Sequence[FactorEffect], runs: pd.DataFrame, folder: Path) -> None:
    """Write `factors.svg` and `factors.png`.

    Parameters
    ----------
    directions : sequence of FactorEffect
        What each factor did.
    runs : pandas.DataFrame
        Of `running.Tables`.
    folder : pathlib.Path
        Where it goes.
    """
    figure = figure_of(directions, runs)
    with matplotlib.rc_context({"svg.hashsalt": "napari-relict", "svg.fonttype": "none"}):
        figure.savefig(folder / "factors.svg", metadata={"Date": None, "Creator": None})
    figure.savefig(folder / "factors.png", dpi=110)
