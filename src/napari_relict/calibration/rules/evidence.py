"""What rules can be given: everything known of a set of synthetic volumes, whatever of it there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from napari_relict.calibration.rules.arrays import correlations, layers, nearest, nearest_other
from napari_relict.calibration.rules.ratios import NEIGHBOURS

# What a rule may need, and how a person calls it.
WORDS: Mapping[str, str] = {
    "training": "training features",
    "holdout": "holdout features",
    "synthetic": "synthetic features",
    "scores": "scores with the nearest training volume",
    "null": "the same scores of holdout volumes",
    "largest_correlation": "correlations of voxels",
    "deepssim": "scores of the DeepSSIM network",
    "deepssim_plus": "scores of the DeepSSIM++ network",
    "sscd": "scores of the SSCD network",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """Arrays that rules work on; None for what there is not.

    Attributes
    ----------
    training, holdout, synthetic : features, one (volumes, features) array a layer. Distances and correlations are of
        all layers side by side.
    layers : features of the named layers of one encoder, by cohort, each like `training`; for the rules that are
        published for several layers. None where there is no encoder of several layers: they take the above.
    scores, null : (synthetic, measures) and (holdout, measures), with the nearest training volume; larger is closer.
    gaps, null_gaps : the same shapes, how alone the nearest patient stands; None where that is not known.
    left_out : (holdout,) bool, patients of the null who are training patients; None: none is.
    steadfast : (measures,), see `napari_relict.calibration.against_null`. tail : whether a fitted tail speaks beyond
        the null.
    null_source : what the null is made of, in words.
    largest_correlation : (synthetic,), Pearson correlation of voxels, largest over all training volumes.
    deepssim, deepssim_plus, sscd : (synthetic,), the largest score of that network with a training image.
    cuts : by rule, for rules to which no cut is published.
    alpha : false discovery rate of rules that keep one.
    """

    training: Sequence[np.ndarray] | None = None
    holdout: Sequence[np.ndarray] | None = None
    synthetic: Sequence[np.ndarray] | None = None
    layers: Mapping[str, Sequence[np.ndarray]] | None = None
    scores: np.ndarray | None = None
    null: np.ndarray | None = None
    gaps: np.ndarray | None = None
    null_gaps: np.ndarray | None = None
    left_out: np.ndarray | None = None
    steadfast: Sequence[bool] = ()
    tail: bool = True
    null_source: str | None = None
    largest_correlation: np.ndarray | None = None
    deepssim: np.ndarray | None = None
    deepssim_plus: np.ndarray | None = None
    sscd: np.ndarray | None = None
    cuts: Mapping[str, float] = field(default_factory=dict)
    alpha: float = 0.05
    seed: int = 0

    def by_layer(self, cohort: str) -> Sequence[np.ndarray]:
        """Features of a cohort, one array a layer of one encoder, or else one an encoder."""
        found: Sequence[np.ndarray] = self.layers[cohort] if self.layers is not None else getattr(self, cohort)
        return found

    def side_by_side(self, cohort: str) -> np.ndarray:
        """Features of a cohort, all layers in one array: (volumes, features)."""
        wanted, training = getattr(self, cohort), self.training or []
        return np.hstack(layers(wanted, training, f"{cohort} features"))

    @cached_property
    def nearest_training(self) -> tuple[np.ndarray, np.ndarray]:
        """Distances of synthetic volumes to the 50 nearest training volumes, and which: (synthetic, 50)."""
        return nearest(self.side_by_side("synthetic"), self.side_by_side("training"), NEIGHBOURS)

    @cached_property
    def training_nearest_other(self) -> np.ndarray:
        """Distance of each training volume to the nearest other one: (training,)."""
        return nearest_other(self.side_by_side("training"))

    @cached_property
    def correlation_matrices(self) -> tuple[np.ndarray, np.ndarray]:
        """Correlations of features, (synthetic, training) and (holdout, training)."""
        training = self.side_by_side("training")
        return (
            correlations(self.side_by_side("synthetic"), training),
            correlations(self.side_by_side("holdout"), training),
        )
