"""Every measure by name, with its level and its direction. A new measure gets its line here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_relict.encoders import encoder_names
from napari_relict.encoders.registry import TITLES
from napari_relict.errors import UsageError

Level = Literal["voxel", "feature", "segmentation"]
LEVELS: tuple[Level, ...] = ("voxel", "feature", "segmentation")


@dataclass(frozen=True)
class Measure:
    """What a number between two volumes means.

    Attributes
    ----------
    higher_is_closer : False for distances.
    searched : computed for every pair; else only for the candidates that the searched ones bring up.
    """

    name: str
    title: str
    level: Level
    higher_is_closer: bool
    description: str
    searched: bool = True

    def closeness(self, values: np.ndarray) -> np.ndarray:
        """The values with a sign such that larger always means closer."""
        return values if self.higher_is_closer else -values

    def closest(self, values: np.ndarray) -> float:
        """The closest of `values`; NaN when there is none."""
        finite = values[np.isfinite(values)]
        if not finite.size:
            return float("nan")
        return float(finite.max() if self.higher_is_closer else finite.min())


# The first of a level is the one its ranks and p-values are computed on.
VOXEL = (
    Measure("ncc", "NCC", "voxel", True, "normalised cross-correlation over the whole grid"),
    Measure("mse", "MSE", "voxel", False, "mean squared difference of the 0..1 intensities"),
    Measure("ssim", "SSIM", "voxel", True, "structural similarity, uniform 7x7x7 window", searched=False),
)
SEGMENTATION = (
    Measure("dice", "Dice", "segmentation", True, "mean Dice over the labels that either volume has"),
    Measure(
        "volume_difference",
        "Volume difference",
        "segmentation",
        False,
        "mean over labels of |Va - Vb| / ((Va + Vb) / 2): 0 equal, 2 one is missing",
    ),
)


def feature_measure(encoder: str) -> Measure:
    return Measure(
        encoder,
        TITLES.get(encoder, encoder),
        "feature",
        True,
        "cosine of embeddings centred on the training mean",
    )


def all_measures() -> list[Measure]:
    """Every measure, in the order levels and columns are shown."""
    return [*VOXEL, *map(feature_measure, encoder_names()), *SEGMENTATION]


def choose_measures(names: Sequence[str]) -> list[Measure]:
    """The named measures, in registry order; NCC is always among them because it finds mirrored pairs.

    Raises
    ------
    UsageError : a name is not known.
    """
    known = {measure.name: measure for measure in all_measures()}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"no measure '{unknown[0]}'; there are {', '.join(known)}")
    return [measure for measure in known.values() if measure.name in names or measure.name == "ncc"]


def primaries(measures: Sequence[Measure]) -> dict[Level, Measure]:
    """The measure that ranks each level: its first searched one."""
    chosen: dict[Level, Measure] = {}
    for measure in measures:
        if measure.searched:
            chosen.setdefault(measure.level, measure)
    return chosen
