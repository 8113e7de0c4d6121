"""Pictures of a pair: voxels, segmentations and features side by side, in fixed planes and in the pair's own place.

Radiological convention: the patient's right is on the left of axial and coronal pictures.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from napari_relict.errors import DataError
from napari_relict.measures.segmentation import BOTH, ONLY_LEFT, ONLY_RIGHT, OTHER_LABEL
from napari_relict.report.features import FeatureStrip, draw_strip
from napari_relict.report.views import PairView, Place, view_of
from napari_relict.study import Study

# Okabe-Ito colours: told apart by people who do not see red and green apart.
LABEL_COLOURS = {BOTH: "#009e73", ONLY_LEFT: "#e69f00", ONLY_RIGHT: "#56b4e9", OTHER_LABEL: "#cc79a7"}
LABEL_NAMES = {BOTH: "both", ONLY_LEFT: "only synthetic", ONLY_RIGHT: "only training", OTHER_LABEL: "another label"}
EXCHANGED = str.maketrans("RL", "LR")
# Plane -> array axis, marks at left, right, top and bottom of the picture, and whether up is the other way.
PLANES: dict[str, tuple[int, str, bool]] = {
    "axial": (0, "RLAP", False),
    "coronal": (1, "RLSI", True),
    "sagittal": (2, "APSI", True),
}
DIFFERENCE = 0.5  # of the displayed range, drawn in full colour
COLUMN, GAP, TOP, BOTTOM, STRIP = 1.62, 0.06, 0.62, 0.34, 1.45  # inches


def pair_figure(view: PairView, strip: FeatureStrip | None = None) -> Figure:
    """Draw three fixed planes and one through the pair's own place, by three levels; on white, to be printed.

    Parameters
    ----------
    view : PairView
        The pair.
    strip : FeatureStrip, optional
        Its feature level; left out where there is none.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, sized in inches for print.
    """
    rows: list[tuple[str, str, Place, str]] = [(plane, plane, view.middle, "") for plane in PLANES]
    if view.own is not None:
        rows.append(("axial", "axial,", view.own, view.about))
    columns = ["synthetic", "training", "difference", *(["segmentations"] if view.apart is not None else [])]
    heights = [COLUMN * _height_of(view, PLANES[plane][0]) for plane, *_ in rows]
    wide = len(columns) * (COLUMN + GAP) + (STRIP if strip is not None else 0) + GAP
    high = sum(heights) + GAP * len(rows) + TOP + BOTTOM
    figure = Figure(figsize=(wide, high), facecolor="white")
    top = high - TOP
    for (plane, title, place, about), height in zip(rows, heights, strict=True):
        for number, column in enumerate(columns):
            box = ((GAP + number * (COLUMN + GAP)) / wide, (top - height) / high, COLUMN / wide, height / high)
            ax = figure.add_axes(box, facecolor="black")
            _draw(ax, view, column, plane, place, mark=bool(about))
            if not number:
                _say(ax, title, about)
        top -= height + GAP
    _head(figure, columns, wide, high, with_strip=strip is not None)
    if strip is not None:
        left, low = len(columns) * (COLUMN + GAP) + 0.6, BOTTOM + 0.35
        draw_strip(figure.add_axes((left / wide, low / high, (STRIP - 0.66) / wide, (high - TOP - low) / high)), strip)
    if view.apart is not None:
        handles = [
            matplotlib.patches.Patch(color=LABEL_COLOURS[value], label=LABEL_NAMES[value]) for value in LABEL_COLOURS
        ]
        figure.legend(
            handles=handles, loc="lower right", ncols=4, frameon=False, fontsize=7, bbox_to_anchor=(0.995, -0.002),
            handlelength=1.2, columnspacing=1.2,
        )  # fmt: skip
    figure.text(
        GAP / wide,
        0.12 / high,
        "orange: synthetic brighter, blue: training brighter, black: equal",
        fontsize=7,
        va="center",
    )
    return figure


def match_figure(study: Study, synthetic: str, training: str, strip: FeatureStrip | None = None) -> Figure:
    """Draw a matched pair as `pair_figure` does.

    Parameters
    ----------
    study : Study
        The study.
    synthetic, training : str
        Names of the two volumes.
    strip : FeatureStrip, optional
        Its feature level; left out where there is none.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    DataError
        The pair is not matched, or its volumes are no longer prepared.
    """
    most = study.most_conspicuous().get(synthetic)
    return pair_figure(view_of(study, synthetic, training, most), strip)


def png(figure: Figure, dpi: int = 110) -> bytes:
    """Save a figure as PNG.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    dpi : int, default: 110
        Pixels an inch.

    Returns
    -------
    bytes
        The file's content.
    """
    return _saved(figure, dpi, format="png")


def webp(figure: Figure, dpi: int = 150) -> bytes:
    """Save a figure as WebP: a third of the size of a PNG, for pages that hold many.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    dpi : int, default: 150
        Pixels an inch.

    Returns
    -------
    bytes
        The file's content.
    """
    return _saved(figure, dpi, format="webp", pil_kwargs={"quality": 88, "method": 4})


def write_pair_pictures(study: Study, folder: Path) -> list[Path]:
    """Write a PNG of the nearest pair of every synthetic volume.

    Parameters
    ----------
    study : Study
        The study.
    folder : pathlib.Path
        Where they go; made where it is missing.

    Returns
    -------
    list of pathlib.Path
        The files, without pairs that are no longer matched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for row in study.verdicts().itertuples():
        path = folder / f"{row.synthetic}.png"
        try:
            figure = match_figure(study, str(row.synthetic), str(row.training))
        except DataError:  # rated once, no longer matched: the verdict stands without a picture
            continue
        path.write_bytes(png(figure))
        written.append(path)
    return written


def _saved(figure: Figure, dpi: int, **how: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, dpi=dpi, facecolor=figure.get_facecolor(), **how)
    return stream.getvalue()


def _height_of(view: PairView, axis: int) -> float:
    """Height of a plane's picture for a width of 1."""
    (height, width) = (
        (last - first + 1) * step
        for place, ((first, last), step) in enumerate(zip(view.box, view.synthetic.spacing, strict=True))
        if place != axis
    )
    return float(np.clip(height / width, 0.5, 2.0))


def _draw(ax: Any, view: PairView, column: str, plane: str, place: Place, *, mark: bool) -> None:
    axis, marks, up = PLANES[plane]
    (top, bottom), (left, right) = (view.box[other_axis] for other_axis in range(3) if other_axis != axis)
    height, width = np.delete(view.synthetic.spacing, axis)
    low, high = view.display
    grey: dict[str, Any] = {"cmap": "gray", "vmin": low, "vmax": high}
    shown = {
        "synthetic": (view.synthetic.image, grey),
        "training": (view.training.image, grey),
        "difference": (view.difference, {"cmap": _diverging(), "vmin": -DIFFERENCE, "vmax": DIFFERENCE}),
        "segmentations": (view.synthetic.image, grey),
    }
    values, style = shown[column]
    how = {"origin": "lower" if up else "upper", "aspect": height / width}
    ax.imshow(np.take(values, place[axis], axis), **how, **style)
    if column == "segmentations" and view.apart is not None:
        colours = matplotlib.colors.ListedColormap([(0, 0, 0, 0), *LABEL_COLOURS.values()])
        labels = np.take(view.apart, place[axis], axis)
        ax.imshow(labels, **how, cmap=colours, vmin=0, vmax=len(LABEL_COLOURS), alpha=0.6, interpolation="nearest")
    ax.set_xlim(left - 0.5, right + 0.5)
    ax.set_ylim((top - 0.5, bottom + 0.5) if up else (bottom + 0.5, top - 0.5))
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    if mark:
        y, x = (place[other_axis] for other_axis in range(3) if other_axis != axis)
        ax.plot([x], [y], "o", markersize=13, fillstyle="none", color="#ffe08a", markeredgewidth=0.9)
    _mark(ax, marks.translate(EXCHANGED) if view.mirrored and column == "training" else marks)


def _mark(ax: Any, marks: str) -> None:
    style = {"color": "#ffe08a", "fontsize": 7, "transform": ax.transAxes, "ha": "center", "va": "center"}
    for letter, place in zip(marks, ((0.04, 0.5), (0.96, 0.5), (0.5, 0.96), (0.5, 0.04)), strict=True):
        ax.text(*place, letter, **style)


def _say(ax: Any, title: str, about: str) -> None:
    style = {"color": "white", "fontsize": 6.5, "transform": ax.transAxes, "va": "top"}
    ax.text(0.02, 0.99, f"{title}\n{about}" if about else title, linespacing=1.1, **style)


def _head(figure: Figure, columns: list[str], wide: float, high: float, *, with_strip: bool) -> None:
    """Levels over their columns, and what each column shows."""
    names = {"difference": "synthetic − training", "segmentations": "differences"}
    for number, column in enumerate(columns):
        x = (GAP + number * (COLUMN + GAP) + COLUMN / 2) / wide
        figure.text(x, 1 - (TOP - 0.07) / high, names.get(column, column), ha="center", va="bottom", fontsize=8)
    starts: list[tuple[str, int, float]] = [("Voxel level", 0, 3)]
    starts += [("Segmentation level", 3, 1)] if len(columns) == 4 else []
    spans = [(title, GAP + first * (COLUMN + GAP), count * (COLUMN + GAP) - GAP) for title, first, count in starts]
    if with_strip:
        spans.append(("Feature level", wide - STRIP + 0.1, STRIP - 0.16))
    for title, left, span in spans:
        figure.text(
            (left + span / 2) / wide, 1 - 0.17 / high, title, ha="center", va="center", fontsize=9, weight="bold"
        )
        line = matplotlib.lines.Line2D(
            [left / wide, (left + span) / wide], [1 - 0.3 / high] * 2, color="black", linewidth=0.8
        )
        figure.add_artist(line)


def _diverging() -> Any:
    """Blue - black - orange: no difference is black, so that a dark background stays dark."""
    return matplotlib.colors.LinearSegmentedColormap.from_list("difference", ["#7fd0ff", "black", "#ffb347"])
