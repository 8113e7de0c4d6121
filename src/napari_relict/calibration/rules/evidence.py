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
    training, holdout, synthetic : sequence of numpy.ndarray, optional
        Features, one (volumes, features) array a layer. Distances and correlations are of all layers side by side.
    layers : mapping of str to sequence of numpy.ndarray, optional
        Features of the named layers of one encoder, by cohort, each like `training`; for the rules that are published
        for several layers. None where there is no encoder of several layers: they take the above.
    scores, null : numpy.ndarray, optional, optional
        And (holdout, measures), with the nearest training volume; larger is closer.
    gaps, null_gaps : numpy.ndarray, optional, optional
        The same shapes, how alone the nearest patient stands; None where that is not known.
    left_out : numpy.ndarray of bool, shape (holdout,), optional, optional
        Patients of the null who are training patients; None: none is.
    steadfast : sequence of bool, default: ()
        (measures,) see `napari_relict.calibration.against_null`.
    tail : bool, default: True
        Whether a fitted tail speaks beyond the null.
    null_source : str, optional
        What the null is made of, in words.
    largest_correlation : numpy.ndarray of shape (synthetic,), optional, optional
        Pearson correlation of voxels, largest over all training volumes.
    deepssim, deepssim_plus, sscd : numpy.ndarray of shape (synthetic,), optional, optional
        The largest score of that network with a training image.
    cuts : mapping of str to float, optional
        By rule, for rules to which no cut is published.
    alpha : float, default: 0.05
        False discovery rate of rules that keep one.
    seed : int, default: 0
        Of everything that is drawn.
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
        """Take the features of a cohort, one array a layer of one encoder, or else one an encoder.

        Parameters
        ----------
        cohort : str
            Training, holdout or synthetic.

        Returns
        -------
        sequence of numpy.ndarray of shape (volumes, features)
            Each.
        """
        features: Sequence[np.ndarray] = self.layers[cohort] if self.layers is not None else getattr(self, cohort)
        return features

    def side_by_side(self, cohort: str) -> np.ndarray:
        """Take the features of a cohort, all layers in one array.

        Parameters
        ----------
        cohort : str
            Training, holdout or synthetic.

        Returns
        -------
        numpy.ndarray of shape (volumes, features)
            All layers.
        """
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
