"""Which slices of a pair the report shows: fixed planes, and the pair's own place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from napari_relict.errors import DataError
from napari_relict.measures import Measure
from napari_relict.measures.change import interior
from napari_relict.measures.contrast import same_contrast
from napari_relict.measures.places import largest_differences
from napari_relict.measures.segmentation import label_difference
from napari_relict.study import Study
from napari_relict.volumes import PreparedVolume
from napari_relict.volumes.registering import right_volume

SOFT_TISSUE_HU = (-160.0, 240.0)
TISSUE = 0.15  # brightness above which a voxel is likely no air, on the 0..1 scale
MARGIN_MM = 10.0  # around the anatomy
# Half -> axis, and on which side of the grid's middle it lies.
HALVES = {"lower": (0, -1), "upper": (0, 1), "front": (1, -1), "back": (1, 1), "right": (2, -1), "left": (2, 1)}
Place = tuple[int, int, int]


@dataclass(frozen=True)
class PairView:
    """A pair as it is shown; arrays are (z, y, x) on one grid.

    Attributes
    ----------
    synthetic, training : PreparedVolume
        The training volume as it was compared: mirrored where the pair is, registered where that is known.
    mirrored : bool
        The training volume was mirrored left-right.
    difference : numpy.ndarray of float32, shape (z, y, x)
        Synthetic minus training as displayed: 1 is the whole range of brightness. Where contrast is inverted it is
        taken away first.
    apart : numpy.ndarray of shape (z, y, x) or None
        Of the segmentations, as `label_difference` gives it; None where either has none.
    display : tuple of 2 float
        What is drawn black and white, on the 0..1 scale.
    middle : Place
        Voxel (z, y, x) that the fixed planes go through.
    own : Place or None
        Voxel (z, y, x) of the pair's own place; None where it has none.
    about : str
        What is at the pair's own place.
    box : tuple of tuple of 2 int
        First and last voxel of the anatomy along each axis.
    lies : str
        How the training volume is shown, in words.
    """

    synthetic: PreparedVolume
    training: PreparedVolume
    mirrored: bool
    difference: np.ndarray
    apart: np.ndarray | None
    display: tuple[float, float]
    middle: Place
    own: Place | None
    about: str
    box: tuple[tuple[int, int], ...]
    lies: str


def view_of(study: Study, synthetic: str, training: str, most: Measure | None = None) -> PairView:
    """Read a matched pair from the study.

    Parameters
    ----------
    study : Study
        The study.
    synthetic, training : str
        Names of the two volumes.
    most : Measure, optional
        The measure that stands out most, for a copied part is shown where it is.

    Returns
    -------
    PairView
        The pair as it is shown.

    Raises
    ------
    DataError
        The pair is not matched, or its volumes are no longer prepared.
    """
    matches = study.matches()
    rows = matches[(matches["synthetic"] == synthetic) & (matches["training"] == training)]
    if rows.empty:
        raise DataError(f"{synthetic}, {training}", "are not among the current matches", "run match again")
    row, alignment = rows.iloc[0], study.alignment(synthetic, training)
    one, other = study.volume("synthetic", synthetic), study.volume("training", training)
    mirrored = bool(row["mirrored"])
    other = right_volume(one, other, mirrored=mirrored, swapped=False, alignment=alignment)
    said = [
        "mirrored left-right" if mirrored else "",
        "in the common pose" if alignment is None else "registered onto the synthetic one",
    ]
    part = None if most is None or not most.of_part else row
    return pair_view(
        one,
        other,
        mirrored=mirrored,
        inverted=bool(row["inverted"]),
        part=part,
        of_half=most,
        lies=", ".join(filter(None, said)),
    )


def pair_view(
    synthetic: PreparedVolume,
    training: PreparedVolume,
    *,
    mirrored: bool = False,
    inverted: bool = False,
    part: pd.Series[Any] | None = None,
    of_half: Measure | None = None,
    lies: str = "",
) -> PairView:
    """Lay out the view of two volumes that lie on each other.

    Parameters
    ----------
    synthetic : PreparedVolume
        The synthetic volume.
    training : PreparedVolume
        Mirrored already where `mirrored` says that it is.
    mirrored : bool, default: False
        The training volume was mirrored.
    inverted : bool, default: False
        Its contrast is inverted; it is turned back for the difference.
    part : pandas.Series, optional
        The row of `Study.matches` where the best part of the pair is shown; else the largest difference is.
    of_half : Measure, optional
        The measure of that part.
    lies : str, default: ''
        How the training volume is shown, in words.

    Returns
    -------
    PairView
        The pair as it is shown.
    """
    low, high = display_range(synthetic)
    body = (synthetic.image > TISSUE) | (training.image > TISSUE)
    compared = same_contrast(synthetic.image, training.image, body) if inverted and body.any() else training.image
    difference = (np.clip(synthetic.image, low, high) - np.clip(compared, low, high)) / (high - low)
    apart = None
    if synthetic.labels is not None and training.labels is not None:
        apart = label_difference(synthetic.labels, training.labels)
    # At the rim, and where one of the two was cut off, every pair differs.
    inner = interior((synthetic.image > TISSUE) & (training.image > TISSUE), float(np.mean(synthetic.spacing)))
    own, about = _own_place(difference, inner if inner.any() else body, synthetic, part, of_half)
    box = tuple(_bounds(body, axis, step) for axis, step in enumerate(synthetic.spacing))
    return PairView(
        synthetic, training, mirrored, difference.astype(np.float32), apart, (low, high), middle_of(synthetic), own,
        about, box,
        lies or ("mirrored left-right" if mirrored else ""),
    )  # fmt: skip


def display_range(volume: PreparedVolume) -> tuple[float, float]:
    """Say what is drawn black and white: soft tissue for CT, everything for MR.

    Parameters
    ----------
    volume : PreparedVolume
        A prepared volume.

    Returns
    -------
    tuple of 2 float
        Lower and upper end on the 0..1 scale.
    """
    if volume.unit != "HU":
        return 0.0, 1.0
    low, high = volume.value_range
    return tuple(float(np.clip((hu - low) / (high - low), 0, 1)) for hu in SOFT_TISSUE_HU)  # type: ignore[return-value]


def middle_of(volume: PreparedVolume) -> Place:
    """Find the slices through the centre of mass of what is not background.

    Parameters
    ----------
    volume : PreparedVolume
        A prepared volume.

    Returns
    -------
    Place
        Voxel (z, y, x).
    """
    mass = np.argwhere(volume.image > TISSUE)
    z, y, x = (mass.mean(0) if len(mass) else np.array(volume.image.shape) / 2).astype(int)
    return int(z), int(y), int(x)


def _own_place(
    difference: np.ndarray,
    body: np.ndarray,
    synthetic: PreparedVolume,
    part: pd.Series[Any] | None,
    measure: Measure | None,
) -> tuple[Place | None, str]:
    """Where to look in this pair, and what is there."""
    shape, spacing = synthetic.image.shape, synthetic.spacing
    if (
        part is not None
        and measure is not None
        and measure.name.startswith("region")
        and np.isfinite(part["region_mm"])
    ):
        at = [int(part[name]) for name in ("region_z", "region_y", "region_x")]
        return (at[0], at[1], at[2]), "the most alike region"
    if part is not None and part["part"] in HALVES:
        axis, side = HALVES[str(part["part"])]
        middle = list(middle_of(synthetic))
        middle[axis] = int(np.clip(middle[axis] + side * shape[axis] // 5, 0, shape[axis] - 1))
        return (middle[0], middle[1], middle[2]), f"the most alike half ({part['part']})"
    places = largest_differences(difference.astype(np.float32), body, spacing, n=1)
    if not places:
        return None, ""
    around = tuple(slice(max(0, at - wide), at + wide + 1) for at, wide in zip(places[0], _cube(spacing), strict=True))
    return places[0], f"largest difference, {difference[around].mean():+.0%}"


def _cube(spacing: tuple[float, float, float]) -> list[int]:
    """Voxels to either side of the middle of a cube of 8 mm."""
    return [max(1, round(4 / step)) for step in spacing]


def _bounds(body: np.ndarray, axis: int, step: float) -> tuple[int, int]:
    """First and last plane with anatomy in a two-hundredth of it, and a margin."""
    others = tuple(other_axis for other_axis in range(3) if other_axis != axis)
    filled = np.flatnonzero(body.mean(others) > 0.005)
    if not len(filled):
        return 0, body.shape[axis] - 1
    margin = int(np.ceil(MARGIN_MM / step))
    return max(0, int(filled[0]) - margin), min(body.shape[axis] - 1, int(filled[-1]) + margin)
