"""A volume as a stack of axial slices, for networks that see two dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

SLICES = 20
SIDE = 128
SMOOTHING = 1.0  # voxels; both sides of every comparison: ImageNet features are easily upset by noise
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = "less ImageNet's mean, by its SD"


def axial_slices(image: np.ndarray, count: int = SLICES, side: int = SIDE, smoothing: float = SMOOTHING) -> Any:
    """torch float32 (count, 1, side, side): slices at equal fractions of the grid, the outermost tenth left out.

    So each lies at the same height in every volume.
    """
    import torch

    smooth = ndimage.gaussian_filter(image, smoothing)
    places = np.rint(np.linspace(0.1, 0.9, count) * (image.shape[0] - 1)).astype(int)
    batch = torch.from_numpy(np.ascontiguousarray(smooth[places]))[:, None]
    return torch.nn.functional.interpolate(batch, (side, side), mode="bilinear", antialias=True)


def colours(slices: Any, device: Any, mean: tuple[float, ...] = MEAN, std: tuple[float, ...] = STD) -> Any:
    """Grey slices (n, 1, y, x) as the colour channels (n, len(mean), y, x) a network was trained on."""
    import torch

    shape = (1, len(mean), 1, 1)
    batch = slices.to(device)
    return (batch - torch.tensor(mean, device=device).view(shape)) / torch.tensor(std, device=device).view(shape)
