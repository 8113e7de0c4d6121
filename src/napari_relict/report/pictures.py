"""Fixed views of a pair: synthetic, training and difference in three planes, radiological convention."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from napari_relict.errors import DataError
from napari_relict.measures.segmentation import BOTH, ONLY_LEFT, ONLY_RIGHT, OTHER_LABEL, label_difference
from napari_relict.study import Study
from napari_relict.volumes import PreparedVolume

SOFT_TISSUE_HU = (-160.0, 240.0)
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


def display_range(volume: PreparedVolume) -> tuple[float, float]:
    """What is drawn black and white, on the 0..1 scale: soft tissue for CT, everything for MR."""
    if volume.unit != "HU":
        return 0.0, 1.0
    low, high = volume.value_range
    return tuple(float(np.clip((hu - low) / (high - low), 0, 1)) for hu in SOFT_TISSUE_HU)  # type: ignore[return-value]


def middle_of(volume: PreparedVolume) -> tuple[int, int, int]:
    """The slices through the centre of mass of what is not background."""
    mass = np.argwhere(volume.image > 0.15)
    z, y, x = (mass.mean(0) if len(mass) else np.array(volume.image.shape) / 2).astype(int)
    return int(z), int(y), int(x)


def pair_figure(synthetic: PreparedVolume, training: PreparedVolume, title: str, *, mirrored: bool = False) -> Figure:
    """Three planes by three or four columns.

    Parameters
    ----------
    mirrored : draw the training volume mirrored left-right, its R and L exchanged with it.
    """
    if mirrored:
        training = training.mirrored(beside=synthetic)
    low, high = display_range(synthetic)
    grey: dict[str, Any] = {"cmap": "gray", "vmin": low, "vmax": high}
    difference = synthetic.image - training.image
    apart = None
    if synthetic.labels is not None and training.labels is not None:
        apart = label_difference(synthetic.labels, training.labels)
    columns: list[tuple[str, np.ndarray, dict[str, Any]]] = [
        ("synthetic", synthetic.image, grey),
        ("training", training.image, grey),
        ("synthetic - training", difference, {"cmap": _diverging(), "vmin": -0.5, "vmax": 0.5}),
    ]
    if apart is not None:
        columns.append(("segmentations", synthetic.image, grey))
    figure = Figure(figsize=(2.6 * len(columns), 8.2), facecolor="black", layout="constrained")
    axes = figure.subplots(len(PLANES), len(columns), squeeze=False)
    centre = middle_of(synthetic)
    for row, (plane, (axis, marks, up)) in enumerate(PLANES.items()):
        height, width = np.delete(synthetic.spacing, axis)
        for column, (name, values, style) in enumerate(columns):
            ax = axes[row, column]
            origin = "lower" if up else "upper"
            ax.imshow(np.take(values, centre[axis], axis), origin=origin, aspect=height / width, **style)
            if name == "segmentations" and apart is not None:
                _draw_labels(ax, np.take(apart, centre[axis], axis), origin, height / width)
            ax.set_axis_off()
            if row == 0:
                ax.set_title(name, color="white", fontsize=11)
            turned = mirrored and name == "training"
            _mark(ax, marks.translate(EXCHANGED) if turned else marks, plane if column == 0 else "")
    figure.suptitle(title, color="white", fontsize=12, parse_math=False)
    if apart is not None:
        handles = [
            matplotlib.patches.Patch(color=LABEL_COLOURS[value], label=LABEL_NAMES[value]) for value in LABEL_COLOURS
        ]
        figure.legend(
            handles=handles, loc="outside lower right", ncols=4, frameon=False, labelcolor="white", fontsize=9
        )
    return figure


def match_figure(study: Study, synthetic: str, training: str) -> Figure:
    """`pair_figure` of a matched pair, mirrored where the match is, with its scores as title."""
    matches = study.matches()
    rows = matches[(matches["synthetic"] == synthetic) & (matches["training"] == training)]
    if rows.empty:
        raise DataError(f"{synthetic}, {training}", "are not among the current matches", "run match again")
    row = rows.iloc[0]
    one, other = study.volume("synthetic", synthetic), study.volume("training", training)
    scores = ", ".join(f"{m.title} {row[m.name]:.3f}" for m in study.measures() if np.isfinite(row[m.name]))
    words = f"{synthetic} and {training}" + (" (training mirrored left-right)" if row["mirrored"] else "")
    return pair_figure(one, other, f"{words}\n{scores}", mirrored=bool(row["mirrored"]))


def png(figure: Figure, dpi: int = 90) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi, facecolor=figure.get_facecolor())
    return stream.getvalue()


def write_pair_pictures(study: Study, folder: Path) -> list[Path]:
    """A PNG of the nearest pair of every synthetic volume."""
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


def _diverging() -> Any:
    """Blue - black - orange: no difference is black, so that a dark background stays dark."""
    return matplotlib.colors.LinearSegmentedColormap.from_list("difference", ["#7fd0ff", "black", "#ffb347"])


def _draw_labels(ax: Any, labels: np.ndarray, origin: str, aspect: float) -> None:
    colours = matplotlib.colors.ListedColormap([(0, 0, 0, 0), *LABEL_COLOURS.values()])
    ax.imshow(
        labels,
        cmap=colours,
        vmin=0,
        vmax=3,
        alpha=0.55,
        origin=origin,
        aspect=aspect,
        interpolation="nearest",
    )


def _mark(ax: Any, marks: str, plane: str) -> None:
    style = {"color": "#ffe08a", "fontsize": 8, "transform": ax.transAxes, "ha": "center", "va": "center"}
    for letter, place in zip(marks, ((0.03, 0.5), (0.97, 0.5), (0.5, 0.97), (0.5, 0.03)), strict=True):
        ax.text(*place, letter, **style)
    if plane:
        ax.text(0.02, 0.97, plane, **{**style, "ha": "left", "color": "white"})
