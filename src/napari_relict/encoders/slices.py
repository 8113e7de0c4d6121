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


def chosen_slices(depth: int, count: int) -> np.ndarray:
    """Choose axial slices at equal fractions of the depth, the outermost tenths left out.

    Parameters
    ----------
    depth : int
        Slices there are.
    count : int
        Slices that are wanted.

    Returns
    -------
    numpy.ndarray of int, shape (count,)
        Their places.
    """
    return np.rint(np.linspace(0.1, 0.9, count) * (depth - 1)).astype(int)


def axial_slices(image: np.ndarray, count: int = SLICES, side: int = SIDE, smoothing: float = SMOOTHING) -> Any:
    """Take slices at equal fractions of the grid, the outermost tenth left out.

    So each lies at the same height in every volume.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        A prepared volume, 0 to 1.
    count : int, default: SLICES
        How many.
    side : int, default: SIDE
        Pixels along a side of them.
    smoothing : float, default: SMOOTHING
        Standard deviation of a Gaussian, in voxels.

    Returns
    -------
    torch.Tensor of float32, shape (count, 1, side, side)
        The slices.
    """
    import torch

    smooth = ndimage.gaussian_filter(image, smoothing)
    batch = torch.from_numpy(np.ascontiguousarray(smooth[chosen_slices(len(image), count)]))[:, None]
    return torch.nn.functional.interpolate(batch, (side, side), mode="bilinear", antialias=True)


def colours(slices: Any, device: Any, mean: tuple[float, ...] = MEAN, std: tuple[float, ...] = STD) -> Any:
    """Turn grey slices into the colour channels that a network was trained on.

    Parameters
    ----------
    slices : torch.Tensor of shape (n, 1, y, x)
        Grey slices, 0 to 1.
    device : torch.device
        Where they go.
    mean : tuple of float, default: MEAN
        Of the images it was trained on, one a channel.
    std : tuple of float, default: STD
        Of the images it was trained on, one a channel.

    Returns
    -------
    torch.Tensor of shape (n, len(mean), y, x)
        The channels.
    """
    import torch

    shape = (1, len(mean), 1, 1)
    batch = slices.to(device)
    return (batch - torch.tensor(mean, device=device).view(shape)) / torch.tensor(std, device=device).view(shape)
