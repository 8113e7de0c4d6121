"""The heat map of a quality study: which metric sees which alteration."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from napari_relict.quality.alterations.registry import KINDS
from napari_relict.quality.sensitivity import SEEN

LIMIT = 6.0  # standard deviations at which colours end


def heat_map(table: pd.DataFrame) -> Figure:
    """Draw rows of alterations at their strengths, columns of metrics, colours of how much worse a metric says it got.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `napari_relict.experiments.sensitivity_study`.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    metrics = table[["family", "title", "space"]].drop_duplicates().reset_index(drop=True)
    lines = table[["kind", "alteration", "strength", "said", "words"]].drop_duplicates().reset_index(drop=True)
    values = np.full((len(lines), len(metrics)), np.nan)
    rows = {(line.alteration, line.strength): place for place, line in enumerate(lines.itertuples())}
    columns = {(metric.title, metric.space): place for place, metric in enumerate(metrics.itertuples())}
    for cell in table.itertuples():
        values[rows[cell.alteration, cell.strength], columns[cell.title, cell.space]] = cell.worse
    figure = Figure(figsize=(0.36 * len(metrics) + 3.8, 0.235 * len(lines) + 3.6), layout="constrained")
    axes = figure.subplots()
    norm = TwoSlopeNorm(0, -LIMIT, LIMIT)
    colours = matplotlib.colormaps["RdBu_r"].with_extremes(bad="#dddddd")
    drawn = axes.imshow(np.ma.masked_invalid(np.clip(values, -LIMIT, LIMIT)), cmap=colours, norm=norm, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if abs(value) >= SEEN:  # a number as well as a colour, where the metric sees it
            ink = "white" if abs(value) > 0.7 * LIMIT else "black"
            text = f"{value:.0f}" if abs(value) < 99.5 else (">99" if value > 0 else "<-99")
            axes.text(column, row, text, ha="center", va="center", fontsize=6, color=ink)
    axes.set_xticks(
        range(len(metrics)),
        [_named(str(metric.title), str(metric.space)) for metric in metrics.itertuples()],
        fontsize=8,
    )
    axes.tick_params(axis="x", rotation=90, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set_yticks(range(len(lines)), [f"{line.words}, {line.said}" for line in lines.itertuples()], fontsize=8)
    for kind in _ends(lines["alteration"]):
        axes.axhline(kind - 0.5, color="white", linewidth=1)
    for place in _ends(lines["kind"]):
        axes.axhline(place - 0.5, color="black", linewidth=1.2)
    for place in _ends(metrics["family"]):
        axes.axvline(place - 0.5, color="black", linewidth=1.2)
    for family, group in metrics.groupby("family", sort=False):
        middle = float(group.index.to_numpy().mean())
        axes.text(middle, len(lines) - 0.3, str(family), ha="center", va="top", fontsize=9, weight="bold")
    for name, group in lines.groupby("kind", sort=False):
        middle = float(group.index.to_numpy().mean())
        axes.text(len(metrics) - 0.3, middle, KINDS[name], rotation=270, ha="left", va="center", fontsize=9)  # type: ignore[index]
    bar = figure.colorbar(drawn, ax=axes, orientation="horizontal", shrink=0.5, pad=0.03, extend="both")
    bar.set_label(
        "how much worse the metric says it got, in standard deviations of real patients against real patients\n"
        f"(below 0: better; numbers from {SEEN:g} on; appearance: any change; novelty: nearer to training)",
        fontsize=8,
    )
    return figure


def write_heat_map(table: pd.DataFrame, folder: Path) -> None:
    """Write `heat-map.png` and `heat-map.svg`.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `napari_relict.experiments.sensitivity_study`.
    folder : pathlib.Path
        Where they go.
    """
    figure = heat_map(table)
    with matplotlib.rc_context({"svg.hashsalt": "napari-relict", "svg.fonttype": "none"}):
        figure.savefig(folder / "heat-map.svg", metadata={"Date": None, "Creator": None})
    figure.savefig(folder / "heat-map.png", dpi=130)


def _named(title: str, space: str) -> str:
    return title + (f", {space.replace('_', ' ')}" if space else "")


def _ends(groups: pd.Series[str]) -> list[int]:
    """Places at which another group begins."""
    return [int(place) for place in np.flatnonzero(groups.to_numpy()[1:] != groups.to_numpy()[:-1]) + 1]
