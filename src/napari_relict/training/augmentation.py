"""Augmentation as papers have it: MONAI's random transforms, seeded. That of our own networks is in `views.py`."""

from __future__ import annotations

from typing import Any

import numpy as np


def published_deepssim() -> Any:
    """Augment slices as DeepSSIM has it: flips, turns by up to 0.17 rad, gamma .5 to 1.5, each one time in three.

    Returns
    -------
    monai.transforms.Compose
        For slices (1, y, x), 0 to 1.

    Notes
    -----
    arXiv 2509.16582.
    """
    from monai.transforms import Compose, RandAdjustContrast, RandAffine, RandFlip

    return Compose(
        [
            RandFlip(prob=0.33, spatial_axis=0),
            RandFlip(prob=0.33, spatial_axis=1),
            RandAffine(prob=0.33, rotate_range=0.17, padding_mode="zeros"),
            RandAdjustContrast(prob=0.33, gamma=(0.5, 1.5)),
        ]
    )


def published_contrastive() -> Any:
    """Augment volumes as Dar et al. have it: turns by up to 5 degrees, a flip along one axis, each every other time.

    Returns
    -------
    monai.transforms.Compose
        For volumes (1, z, y, x), 0 to 1.

    Notes
    -----
    Dar et al., arXiv 2402.01054.
    """
    from monai.transforms import Compose, RandAffine, RandAxisFlip

    degrees = float(np.deg2rad(5))
    return Compose([RandAffine(prob=0.5, rotate_range=(degrees,) * 3, padding_mode="zeros"), RandAxisFlip(prob=0.5)])
