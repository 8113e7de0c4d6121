"""Rules with one cut for every data set: DeepSSIM, DeepSSIM++, SSCD, and correlation with a cut of one's own.

A fixed cut has no error rate of its own: how often unrelated volumes exceed it depends on the data and on how many
training volumes there are to be near to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from napari_relict.calibration.rules.arrays import scores
from napari_relict.calibration.rules.outcome import Number, Outcome, mean, share
from napari_relict.errors import UsageError

DIFFERENT, SIMILAR, DUPLICATE = "different", "similar", "duplicate"


@dataclass(frozen=True)
class PublishedCuts:
    """The cuts of one network: up to `similar` different, up to `duplicate` similar, above it a duplicate.

    Attributes
    ----------
    title, source : str
        What it is called, and the paper.
    similar, duplicate : float
        The two cuts.
    """

    title: str
    source: str
    similar: float
    duplicate: float


DEEPSSIM: Mapping[str, PublishedCuts] = {
    "deepssim": PublishedCuts("DeepSSIM", "arXiv 2509.16582", 0.60, 0.85),
    "deepssim++": PublishedCuts("DeepSSIM++", "arXiv 2609.03615", 0.76, 0.92),
}
SSCD_CUT = 0.5
SSCD_SOURCE = "Pizzi et al. 2022, arXiv 2202.10261; Somepalli et al. 2023, arXiv 2212.03860"
CORRELATION_SOURCE = "Akbar et al. 2025, arXiv 2305.07644"


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassOutcome(Outcome):
    """What a rule of three classes says.

    Attributes
    ----------
    classes : numpy.ndarray
        Str (synthetic,), `different`, `similar` or `duplicate`; empty where there is no score.
    """

    classes: np.ndarray


def deepssim(similarities: np.ndarray, version: str = "deepssim") -> ClassOutcome:
    """Sort volumes into three classes by the published cuts; duplicates are called copies.

    Parameters
    ----------
    similarities : numpy.ndarray of shape (synthetic,)
        The largest predicted similarity with a training image.
    version : str, default: 'deepssim'
        `deepssim` (.60 and .85) or `deepssim++` (.76 and .92).

    Returns
    -------
    ClassOutcome
        Calls, classes and their shares.

    Raises
    ------
    UsageError
        No such version.
    DataError
        Not one number a volume.
    """
    if version not in DEEPSSIM:
        raise UsageError(f"no cuts of '{version}'; there are {', '.join(DEEPSSIM)}")
    values, cuts = scores(similarities, "similarities"), DEEPSSIM[version]
    order = [np.isnan(values), values <= cuts.similar, values <= cuts.duplicate]
    classes = np.select(order, ["", DIFFERENT, SIMILAR], DUPLICATE)
    scored = int(np.isfinite(values).sum())
    return ClassOutcome(
        rule=version,
        title=cuts.title,
        source=cuts.source,
        estimated_on="the images of its authors",
        calls=classes == DUPLICATE,
        values=values,
        numbers={name: share(int((classes == name).sum()), scored) for name in (DIFFERENT, SIMILAR, DUPLICATE)},
        classes=classes,
    )


def sscd(products: np.ndarray, cut: float = SSCD_CUT) -> Outcome:
    """Call a copy where the largest dot product of SSCD descriptors with a training image is above .5.

    Parameters
    ----------
    products : numpy.ndarray of shape (synthetic,)
        The largest dot products.
    cut : float, default: SSCD_CUT
        Above it a volume is called.

    Returns
    -------
    Outcome
        Calls and the mean.

    Raises
    ------
    DataError
        Not one number a volume.

    Notes
    -----
    Descriptor: Pizzi et al. (2022), CVPR; its use for generators: Somepalli et al. (2023), CVPR.
    """
    values = scores(products, "dot products")
    return Outcome(
        rule="sscd",
        title="SSCD",
        source=SSCD_SOURCE,
        estimated_on="the images of its authors",
        calls=values > cut,
        values=values,
        numbers={"mean": mean(values)},
    )


def correlation(largest: np.ndarray, cut: float | None = None) -> Outcome:
    """Call volumes by their largest Pearson correlation with any training volume, above a cut of yours.

    Parameters
    ----------
    largest : numpy.ndarray of shape (synthetic,)
        Over all training volumes.
    cut : float, optional
        None is taken from the paper; without one no volume is called.

    Returns
    -------
    Outcome
        Mean and largest; calls where a cut is given.

    Raises
    ------
    DataError
        Not one number a volume.
    UsageError
        A cut that no correlation can exceed.

    Notes
    -----
    Akbar et al. (2025), arXiv 2305.07644.
    """
    if cut is not None and not -1 <= cut < 1:
        raise UsageError(f"the cut of a correlation must be at least -1 and below 1, not {cut:g}")
    values = scores(largest, "correlations")
    return Outcome(
        rule="correlation",
        title="Largest correlation",
        source=CORRELATION_SOURCE,
        estimated_on="nothing: the cut is given" if cut is not None else "nothing: no cut is given",
        calls=None if cut is None else values > cut,
        values=values,
        numbers={"mean": mean(values), "largest": Number(float(np.nanmax(values)))},
        note=f"called above {cut:g}" if cut is not None else "no cut given: none is called",
    )
