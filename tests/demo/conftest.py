"""A small head-like anatomy made from scratch, so that no test here needs the network."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from napari_relict.demo.sample import Grid, Sample


@pytest.fixture(scope="session")
def anatomy() -> Sample:
    """A lopsided ball of "brain" in a brighter shell: 40 x 44 x 36 voxels of 4 mm around the world's zero."""
    like = Grid((40, 44, 36), 4.0).empty()
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (36, 44, 40)), indexing="ij")
    radius = np.sqrt((x / 0.75) ** 2 + (y / 0.8) ** 2 + (z / 0.8) ** 2)
    texture = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=radius.shape), 1.5)
    values = np.where(radius < 0.8, 550 + 900 * texture, np.where(radius < 1, 900, 0.0))
    values[(np.abs(x - 0.15) < 0.1) & (np.abs(y) < 0.3) & (np.abs(z) < 0.2)] = 120
    image = sitk.GetImageFromArray(np.clip(values, 0, 1200).astype(np.int16))
    labels = sitk.GetImageFromArray(np.where(radius < 0.8, np.where(x > 0, 3, 5), 0).astype(np.uint8))
    image.CopyInformation(like)
    labels.CopyInformation(like)
    return Sample(image, labels)
