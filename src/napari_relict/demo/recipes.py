"""How the volumes of a demo are made: heads in MR, bodies in CT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from napari_relict.demo.anatomies import CT_AIR, load_body, load_cropped_body, load_heads
from napari_relict.demo.deformation import Scale
from napari_relict.demo.operators import PLANTINGS
from napari_relict.demo.plan import Copy, Scan
from napari_relict.demo.sample import Grid, Sample, rounded
from napari_relict.demo.simulate import Variety, scan_ct, scan_mr
from napari_relict.jobs.progress import Progress, silent
from napari_relict.segmenters.tissue import tissue_labels

HEAD_VARIETY = Variety(
    grid=Grid((96, 112, 96), 2.0, (0.0, -6.0, -14.0)),
    half=(124.0, 140.0, 124.0),
    shape=(Scale(60, 12.0), Scale(28, 5.4), Scale(14, 2.5)),
    stretch=0.06,
    tilt=6.0,
    shift=5.0,
    gamma=0.15,
    shading=0.12,
    noise=0.022,
    oblique=0.1,
)
CT_VARIETY = Variety(
    grid=Grid((122, 101, 112), 3.0),
    half=(204.0, 180.0, 192.0),
    shape=(Scale(96, 22.0), Scale(48, 9.0), Scale(24, 4.0)),
    stretch=0.06,
    tilt=4.0,
    shift=8.0,
    noise=12.0,
    oblique=0.1,
)

NATURAL_CROP = "cropped scan"
"""The kind of the CT copy that nobody made: thirty slices of the real scan, found in the same package."""


@dataclass(frozen=True)
class Recipe:
    """How one demo's volumes are made.

    Attributes
    ----------
    anatomies : int
        How many real anatomies there are.
    air : float
        Intensity outside the field of view.
    simulate : callable
        The sample of a planned scan.
    copy : callable
        The sample of a planned copy, from the training sample it copies.
    segment : callable
        The segmentation to publish beside a sample, uint8 on its grid.
    """

    anatomies: int
    air: float
    simulate: Callable[[Scan], Sample]
    copy: Callable[[Copy, Sample], Sample]
    segment: Callable[[Sample], sitk.Image]


def head_recipe(progress: Progress = silent) -> Recipe:
    """Say how heads are made: tissue is found anew in every volume, so segmentations err like a segmenter's.

    Parameters
    ----------
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    Recipe
        The recipe.

    Raises
    ------
    DataError
        A package cannot be fetched.
    """
    heads = load_heads(progress)

    def simulate(scan: Scan) -> Sample:
        patient, visit = np.random.default_rng(scan.patient_seed), np.random.default_rng(scan.scan_seed)
        return scan_mr(heads[scan.anatomy], HEAD_VARIETY, patient, visit)

    return Recipe(len(heads), 0.0, simulate, _plant, lambda sample: tissue_labels(sample.image, sample.labels))


def ct_recipe(progress: Progress = silent) -> Recipe:
    """Say how bodies are made: the 61 organ labels are carried along.

    The first training volume is the real scan itself.

    Parameters
    ----------
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    Recipe
        The recipe.

    Raises
    ------
    DataError
        A package cannot be fetched.
    """
    body = load_body(progress)
    cropped = load_cropped_body()

    def simulate(scan: Scan) -> Sample:
        if scan.cohort == "training" and scan.name.endswith("-001"):
            return rounded(body)
        patient, visit = np.random.default_rng(scan.patient_seed), np.random.default_rng(scan.scan_seed)
        return scan_ct(body, CT_VARIETY, patient, visit)

    def copy(planned: Copy, training: Sample) -> Sample:
        return rounded(cropped) if planned.kind == NATURAL_CROP else _plant(planned, training)

    return Recipe(1, CT_AIR, simulate, copy, lambda sample: sample.labels)


def _plant(planned: Copy, training: Sample) -> Sample:
    return PLANTINGS[planned.kind].make(training, np.random.default_rng(planned.seed))
