"""Every measure by name, with its level and its direction. A new measure gets its line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from napari_relict.encoders.registry import KINDS, needs_weights, standard_encoders
from napari_relict.errors import UsageError

Level = Literal["voxel", "feature", "segmentation"]
LEVELS: tuple[Level, ...] = ("voxel", "feature", "segmentation")


LEAST_MM = 0.05
IN_MM = frozenset({"bend"})
SMALLEST = 1e-6

# Of the table of matches, beside the measures'.
COLUMNS = ("synthetic", "training", "rank", "mirrored", "inverted", "part")


@dataclass(frozen=True)
class Measure:
    """What a number between two volumes means.

    Attributes
    ----------
    higher_is_closer : False for distances.
    searched : computed for every pair of posed volumes; else for the verified candidates only, after they were
        aligned pair by pair.
    decides : p-values rest on it, where it was computed.
    of_part : it speaks of the best part of a pair, not of the whole: beside a copied part lies a stranger's rest.
    identity : what two equal volumes have, where similarities end; infinity where they do not end.
    steadfast : it tells a copy from a stranger even where a generator's volumes are nearer to everybody.
    """

    name: str
    title: str
    level: Level
    higher_is_closer: bool
    description: str
    searched: bool = True
    decides: bool = False
    of_part: bool = False
    identity: float = np.inf
    steadfast: bool = False

    def closeness(self, values: np.ndarray) -> np.ndarray:
        """The values with a sign such that larger always means closer."""
        return values if self.higher_is_closer else -values

    def weight(self, values: np.ndarray) -> np.ndarray:
        """As p-values weigh it, larger is closer.

        Distances in mm count by their ratios, for half a millimetre is much between copies and little between
        strangers; below `LEAST_MM` they are measurement error.
        """
        if self.name in IN_MM:
            return np.asarray(-np.log(np.maximum(values, LEAST_MM)))
        return self.closeness(values)

    def gap(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """How much farther the second nearest patient is than the nearest: larger stands more alone.

        The log ratio of their distances; of similarities, of what they lack to identity (half of it, which makes a
        correlation's gap the difference of two Fisher z). Of similarities without an end, their difference.
        """
        if not self.higher_is_closer:
            return np.asarray(np.log((np.maximum(second, 0) + SMALLEST) / (np.maximum(first, 0) + SMALLEST)))
        if np.isinf(self.identity):
            return np.asarray(first - second)
        near, far = (np.maximum(self.identity - one, 0) + SMALLEST for one in (first, second))
        return np.asarray(np.log(far / near) / 2)

    def closest(self, values: np.ndarray) -> float:
        """The closest of `values`; NaN when there is none."""
        finite = values[np.isfinite(values)]
        if not finite.size:
            return float("nan")
        return float(finite.max() if self.higher_is_closer else finite.min())


def _aligned(name: str, title: str, level: Level, higher: bool, description: str, **more: Any) -> Measure:
    return Measure(name, title, level, higher, description, searched=False, **more)


# The first searched one of a level is the one its ranks are counted by.
VOXEL = (
    Measure("ncc", "NCC", "voxel", True, "normalised cross-correlation over the whole grid", identity=1.0),
    Measure("mse", "MSE", "voxel", False, "mean squared difference of the 0..1 intensities"),
    Measure(
        "registered",
        "Registered",
        "voxel",
        True,
        "correlation of outlines, every pair registered at low resolution",
        identity=1.0,
    ),
    Measure(
        "half",
        "Half",
        "voxel",
        True,
        "NCC of the best half, each half posed by itself, in SD of unrelated patients",
        of_part=True,
    ),
    Measure(
        "region",
        "Region",
        "voxel",
        True,
        "keypoints nearby that agree on one geometry, of the best region in common",
        of_part=True,
    ),
    _aligned(
        "nmi",
        "NMI",
        "voxel",
        True,
        "normalised mutual information of the aligned pair: 1 unrelated to 2",
        decides=True,
        identity=2.0,
    ),
    _aligned(
        "half_ncc",
        "Half NCC",
        "voxel",
        True,
        "NCC of the best half, aligned by itself",
        decides=True,
        of_part=True,
        identity=1.0,
    ),
    _aligned(
        "region_ncc",
        "Region NCC",
        "voxel",
        True,
        "NCC of the fine structure of the best region, aligned by itself, as Fisher's z (2 is .964, 3 is .995)",
        decides=True,
        of_part=True,
    ),
    _aligned("aligned_ncc", "Aligned NCC", "voxel", True, "NCC of the aligned pair"),
    _aligned("ssim", "SSIM", "voxel", True, "structural similarity of the aligned pair, uniform 7x7x7 window"),
    _aligned("ms_ssim", "MS-SSIM", "voxel", True, "multi-scale structural similarity of the aligned pair"),
    _aligned("psnr", "PSNR", "voxel", True, "peak signal-to-noise ratio of the aligned pair, dB, at most 100"),
    _aligned("tile_rmse", "Worst tile", "voxel", False, "largest root mean squared difference of 4x4x4 tiles"),
    _aligned(
        "copied_share", "Copied share", "voxel", True, "share of the body's 4x4x4 tiles with an NCC of .9 or more"
    ),
    _aligned(
        "bend",
        "Bend",
        "voxel",
        False,
        "local displacement left after alignment, root mean square, mm",
        decides=True,
        steadfast=True,
    ),
    _aligned("lesion", "Lesion", "voxel", False, "local difference that stands out, as a share of the brightness"),
)
SEGMENTATION = (
    Measure(
        "dice",
        "Dice",
        "segmentation",
        True,
        "mean Dice over the labels that either volume has",
        decides=True,
        identity=1.0,
    ),
    Measure(
        "volume_difference",
        "Volume difference",
        "segmentation",
        False,
        "mean over labels of |Va - Vb| / ((Va + Vb) / 2): 0 equal, 2 one is missing",
    ),
    _aligned("surface_dice", "Surface Dice", "segmentation", True, "share of the labels' surfaces within a tolerance"),
    _aligned("hd95", "HD95", "segmentation", False, "95th percentile of the surface distance, mm, mean over labels"),
    _aligned("assd", "ASSD", "segmentation", False, "average symmetric surface distance, mm, mean over labels"),
    _aligned("cl_dice", "clDice", "segmentation", True, "centreline Dice, for vessels, mean over labels"),
    _aligned("centroid_distance", "Centroids", "segmentation", False, "distance of centroids, mm, mean over labels"),
    _aligned("lesion_f1", "Lesion F1", "segmentation", True, "lesions with a counterpart, F1, mean over labels"),
)


def feature_measure(name: str, title: str) -> Measure:
    """The measure of an encoder: its cosine."""
    return Measure(name, title, "feature", True, "cosine of embeddings", decides=True, identity=1.0)


def all_measures(encoders: Mapping[str, str] | None = None) -> list[Measure]:
    """Every measure, in the order levels and columns are shown.

    Parameters
    ----------
    encoders : name -> title of those a study defines, beside the ones that every study has.
    """
    known = standard_encoders() | dict(encoders or {})
    return [*VOXEL, *(feature_measure(*one) for one in known.items()), *SEGMENTATION]


def check_encoder_name(name: str) -> None:
    """Refuse a name that a table of matches has a column of already.

    Raises
    ------
    UsageError : it has.
    """
    if name in {measure.name for measure in (*VOXEL, *SEGMENTATION)}:
        raise UsageError(f"[encoders.{name}] has the name of another measure; call it something else")
    if name in COLUMNS or name.startswith(("rank_", "region_")):
        raise UsageError(f"[encoders.{name}] has the name of a column of the matches; call it something else")


def choose_measures(names: Sequence[str], encoders: Mapping[str, str] | None = None) -> list[Measure]:
    """The named measures; NCC is always among them because it finds mirrored pairs.

    They are in registry order, but for those of encoders, which stay in the order they were named: the first one
    ranks the feature level.

    Parameters
    ----------
    encoders : as of `all_measures`.

    Raises
    ------
    UsageError : a name is not known.
    """
    known = {measure.name: measure for measure in all_measures(encoders)}
    if unknown := [name for name in names if name not in known]:
        if unknown[0] in KINDS:
            raise UsageError(needs_weights(unknown[0]))
        raise UsageError(f"no measure '{unknown[0]}'; there are {', '.join(known)}")
    chosen = {name: measure for name, measure in known.items() if name in names or name == "ncc"}
    features = [known[name] for name in dict.fromkeys(names) if known[name].level == "feature"]
    return [
        *(measure for measure in chosen.values() if measure.level == "voxel"),
        *features,
        *(measure for measure in chosen.values() if measure.level == "segmentation"),
    ]


def stored_measures(names: Sequence[str], encoders: Mapping[str, str] | None = None) -> list[Measure]:
    """As `choose_measures`, of an earlier match: an encoder that is defined no more keeps its scores."""
    known = {measure.name for measure in all_measures(encoders)}
    gone = {name: KINDS[name].title if name in KINDS else name for name in names if name not in known}
    return choose_measures(names, gone | dict(encoders or {}))


def primaries(measures: Sequence[Measure]) -> dict[Level, Measure]:
    """The measure that ranks each level: its first searched one."""
    chosen: dict[Level, Measure] = {}
    for measure in measures:
        if measure.searched:
            chosen.setdefault(measure.level, measure)
    return chosen


def deciders(measures: Sequence[Measure]) -> list[Measure]:
    """The measures that p-values rest on: of each level those that decide, else the one that ranks it."""
    chosen: list[Measure] = []
    for level in LEVELS:
        of_level = [measure for measure in measures if measure.level == level]
        deciding = [measure for measure in of_level if measure.decides]
        chosen += deciding or [m for m in [primaries(of_level).get(level)] if m is not None]
    return chosen


def computed(
    measures: Sequence[Measure], *, aligned: bool, halves: bool, keypoints: bool, registered: bool
) -> list[Measure]:
    """Without those that no pair will have: they would decide in the place of those that every pair has.

    Parameters
    ----------
    measures : sequence of Measure
    aligned : bool
        Candidates are aligned pair by pair.
    halves, keypoints : bool
        Halves were posed; keypoints were looked for.
    registered : bool
        Every pair is registered coarsely.
    """
    without = {
        *(() if halves else ("half", "half_ncc")),
        *(() if keypoints else ("region", "region_ncc")),
        *(() if registered else ("registered",)),
    }
    return [measure for measure in measures if (aligned or measure.searched) and measure.name not in without]
