"""Every metric by name. A new one: write its function, add its line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_relict.quality import appearance, diversity, frechet, kernels, manifold, novelty
from napari_relict.quality.feature_sets import Sets, Space, SpaceKind

Family = Literal["fidelity", "diversity", "appearance", "novelty"]
Better = Literal["lower", "higher", "as real"]
Needs = Literal["training", "holdout", "nothing"]
FAMILIES: Mapping[Family, str] = {
    "fidelity": "do synthetic volumes look like real ones?",
    "diversity": "are they as varied?",
    "appearance": "do their slices look as sharp, noisy and contrasted?",
    "novelty": "do they keep to the training volumes?",
}


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes
    ----------
    name, title : str
        Of the tables, and as people read it.
    family : Family
        The question it answers; see `FAMILIES`.
    better : Better
        Which values are called good; `as real` where both ways are bad.
    source : str
        The paper.
    compute : callable
        The metric of one `Sets`.
    works_on : SpaceKind, default: 'vectors'
        The kind of space it takes.
    dimensions : tuple of int, default: (2, 3)
        Whether it is computed on volumes (3), slices (2) or both.
    needs : Needs, default: 'training'
        Besides the synthetic volumes.
    estimated_on : str, default: 'distances to training volumes'
        What it is estimated on, in words.
    bounds : tuple of 2 float, default: (-np.inf, np.inf)
        Values it can have; an interval ends there.
    space : str, default: ''
        The one space it is of; empty where it takes all spaces of its kind.
    """

    name: str
    title: str
    family: Family
    better: Better
    source: str
    compute: Callable[[Sets], float]
    works_on: SpaceKind = "vectors"
    dimensions: tuple[int, ...] = (2, 3)
    needs: Needs = "training"
    estimated_on: str = "distances to training volumes"
    bounds: tuple[float, float] = (-np.inf, np.inf)
    space: str = ""

    def takes(self, space: Space) -> bool:
        """Say whether it can be computed in a space.

        Parameters
        ----------
        space : Space
            The space.

        Returns
        -------
        bool
            True where it can.
        """
        fits = space.kind == self.works_on and space.dimensions in self.dimensions
        return fits and self.space in ("", space.name)


SHARE = (0.0, 1.0)
_ALL = (
    Metric(
        "frechet", "Frechet distance", "fidelity", "lower", "Heusel et al. 2017",
        lambda s: frechet.frechet(s.training, s.made),
        estimated_on="means and covariances of training and synthetic features", bounds=(0, np.inf),
    ),
    Metric(
        "kid", "KID", "fidelity", "lower", "Binkowski et al. 2018",
        lambda s: kernels.kid(s.training, s.made, s.features),
        estimated_on="cubic kernel of all pairs of features",
    ),
    Metric(
        "mmd", "MMD", "fidelity", "lower", "Gretton et al. 2012", lambda s: kernels.mmd_gaussian(s.training, s.made),
        estimated_on="Gaussian kernel of all pairs of features, as wide as the median training pair is apart",
    ),
    Metric(
        "mmd_voxels", "MMD of voxels", "fidelity", "lower", "Gretton et al. 2012, as in MONAI",
        lambda s: kernels.mmd_linear(s.training, s.made), works_on="voxels", dimensions=(3,),
        estimated_on="mean training and mean synthetic volume, at half the grid's resolution",
    ),
    Metric(
        "precision", "Precision", "fidelity", "higher", "Kynkaanniemi et al. 2019",
        lambda s: manifold.precision(s.training, s.made),
        estimated_on=f"balls to the {manifold.NEIGHBOURS}th nearest about training features", bounds=SHARE,
    ),
    Metric(
        "density", "Density", "fidelity", "higher", "Naeem et al. 2020",
        lambda s: manifold.density(s.training, s.made),
        estimated_on=f"balls to the {manifold.NEIGHBOURS}th nearest about training features", bounds=(0, np.inf),
    ),
    Metric(
        "recall", "Recall", "diversity", "higher", "Kynkaanniemi et al. 2019",
        lambda s: manifold.recall(s.training, s.made),
        estimated_on=f"balls to the {manifold.NEIGHBOURS}th nearest about synthetic features", bounds=SHARE,
    ),
    Metric(
        "coverage", "Coverage", "diversity", "higher", "Naeem et al. 2020",
        lambda s: manifold.coverage(s.training, s.made),
        estimated_on=f"balls to the {manifold.NEIGHBOURS}th nearest about training features", bounds=SHARE,
    ),
    Metric(
        "vendi", "Vendi score", "diversity", "higher", "Friedman & Dieng 2023", lambda s: diversity.vendi(s.made),
        needs="nothing", estimated_on="cosines among synthetic features", bounds=(1, np.inf),
    ),
    Metric(
        "ms_ssim", "MS-SSIM of pairs", "diversity", "lower", "Wang et al. 2003",
        lambda s: diversity.mean_of_pairs(s.made, s.made_owners), works_on="pairs", dimensions=(3,), needs="nothing",
        estimated_on="pairs of synthetic volumes", bounds=SHARE,
    ),
    *(
        Metric(
            name, title, "appearance", "as real", source, lambda s: appearance.mean_look(s.made),
            works_on="looks", dimensions=(2,), needs="nothing", estimated_on="axial slices of each volume", space=name,
        )
        for name, title, source in (
            ("sharpness", "Sharpness", "variance of the Laplacian, Pech-Pacheco et al. 2000"),
            ("blur", "Blur effect", "Crete et al. 2007"),
            ("noise", "Noise", "Immerkaer 1996"),
            ("entropy", "Entropy", "Shannon 1948"),
            ("efc", "Entropy focus criterion", "Atkinson et al. 1997, as in MRIQC"),
            ("cnr", "Contrast to noise", "dark and bright tissue by Otsu 1979"),
            ("snr", "Signal to noise", "mean of tissue over noise"),
        )
    ),
    Metric(
        "auth_pct", "AuthPct", "novelty", "higher", "Alaa et al. 2022",
        lambda s: novelty.authentic_share(s.training, s.training_owners, s.made),
        estimated_on="distances among training volumes of different patients", bounds=SHARE,
    ),
    Metric(
        "c_t", "C_T", "novelty", "higher", "Meehan et al. 2020",
        lambda s: novelty.copying_statistic(s.training, s.holdout, s.made, s.seed), dimensions=(3,), needs="holdout",
        estimated_on=f"{novelty.CELLS} cells of training features, holdout volumes",
    ),
    Metric(
        "dcr_share", "DCR share", "novelty", "lower", "common practice",
        lambda s: novelty.nearer_share(s.training, s.holdout, s.made, s.seed), needs="holdout",
        estimated_on="as many training as holdout volumes", bounds=SHARE,
    ),
    Metric(
        "frechet_gap", "Frechet gap", "novelty", "lower", "ours",
        lambda s: novelty.frechet_gap(s.training, s.holdout, s.made, s.seed), needs="holdout",
        estimated_on="as many training as holdout volumes",
    ),
    Metric(
        "likelihood_gap", "Likelihood gap", "novelty", "lower", "after Jiralerspong et al. 2023",
        lambda s: novelty.likelihood_gap(s.training, s.holdout, s.made, s.seed), dimensions=(3,), needs="holdout",
        estimated_on=f"Gaussians about synthetic volumes, first {novelty.COMPONENTS} components",
    ),
)  # fmt: skip
METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}
assert set(appearance.NAMES) <= set(METRICS)
