"""What may happen to a volume without its being another one: MONAI's random transforms, seeded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def published_deepssim() -> Any:
    """As DeepSSIM (arXiv 2509.16582) has it: flips, turns by up to 0.17 rad, gamma .5 to 1.5, each one time in three.

    For slices (1, y, x), values 0 to 1.
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
    """As Dar et al. (arXiv 2402.01054) have it: turns by up to 5 degrees, a flip along one axis, each every other time.

    For volumes (1, z, y, x), values 0 to 1.
    """
    from monai.transforms import Compose, RandAffine, RandAxisFlip

    degrees = float(np.deg2rad(5))
    return Compose([RandAffine(prob=0.5, rotate_range=(degrees,) * 3, padding_mode="zeros"), RandAxisFlip(prob=0.5)])


def structure_preserving(spacing: Sequence[float]) -> Any:
    """Ours: everything a copy may have gone through that leaves its anatomy as it is.

    Another position (turned by up to 18 degrees about any axis, shifted by up to 14 mm, larger or smaller by up to a
    tenth, mirrored), another scanner (bias field, gamma, inverted contrast, noise), another resolution (smoothed,
    coarser), another field of view (up to a quarter cut off below or above). For volumes (1, z, y, x), values 0 to 1.

    Parameters
    ----------
    spacing : mm z, y, x.
    """
    from monai.transforms import (
        Compose,
        RandAdjustContrast,
        RandAffine,
        RandBiasField,
        RandFlip,
        RandGaussianNoise,
        RandGaussianSmooth,
        RandLambda,
        RandomizableTransform,
        RandSimulateLowResolution,
    )

    class RandCut(RandomizableTransform):  # type: ignore[misc]
        """Black up to a quarter of the slices, below or above."""

        def __call__(self, image: Any) -> Any:
            self.randomize(None)
            if not self._do_transform:
                return image
            depth = round(float(self.R.uniform(0, 0.25)) * image.shape[1])
            below = bool(self.R.random() < 0.5)
            image = image.clone()
            image[:, slice(0, depth) if below else slice(image.shape[1] - depth, None)] = 0
            return image

    degrees = float(np.deg2rad(18))
    shift = tuple(14 / mm for mm in spacing)
    return Compose(
        [
            RandAffine(
                prob=0.9,
                rotate_range=(degrees,) * 3,
                translate_range=shift,
                scale_range=(0.1,) * 3,
                padding_mode="zeros",
            ),
            RandFlip(prob=0.4, spatial_axis=2),
            RandCut(prob=0.3),
            RandBiasField(prob=0.3, coeff_range=(0.0, 0.1)),
            RandLambda(func=inverted, prob=0.15),
            RandAdjustContrast(prob=0.5, gamma=(0.6, 1.6)),
            RandSimulateLowResolution(prob=0.15, zoom_range=(0.5, 1.0)),
            RandGaussianSmooth(prob=0.3, sigma_x=(0.25, 0.8), sigma_y=(0.25, 0.8), sigma_z=(0.25, 0.8)),
            RandGaussianNoise(prob=0.5, std=0.03),
        ]
    )


def inverted(image: Any) -> Any:
    """Dark tissue bright and bright tissue dark; air stays black."""
    return image.where(image < 0.08, (1.1 - image).clamp(0, 1))
