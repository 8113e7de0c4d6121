"""Encoders that send axial slices through a 2D torch network and keep what it makes of each, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Needs, Spacing
from napari_relict.encoders.network import NetworkEncoder, Vectors, vector_of
from napari_relict.encoders.slices import IMAGENET, MEAN, SIDE, SLICES, SMOOTHING, STD, axial_slices, colours

SLICE_NEEDS = Needs(
    dimensions=2,
    channels=3,
    intensity=f"0..1, smoothed by {SMOOTHING:g} voxel; {IMAGENET}",
    layers=("features",),
    pooling=f"mean over each of {SLICES} axial slices, kept in order",
    source="fetched by pinned hash from a Python package",
    licence="permissive",
)


class SliceNetwork(NetworkEncoder):
    """Encoder: `forward` of each slice, globally pooled where it is a feature map, concatenated.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    title : str
        As people read it.
    weights : str
        SHA-256 of the weights; part of the cache key.
    needs : Needs
        What it takes, in words and numbers.
    net : torch.nn.Module
        In which the weights lie already.
    forward : callable
        (net, batch) -> (slices, features) or (slices, features, y, x).
    device : str
        "cpu" or "cuda".
    slices : int, default: SLICES
        Axial slices that are looked at, and pixels along a side of them.
    side : int, default: SIDE
        Axial slices that are looked at, and pixels along a side of them.
    mean : tuple of float, default: MEAN
        Of the images it was trained on, 0 to 1, one a channel.
    std : tuple of float, default: STD
        Of the images it was trained on, 0 to 1, one a channel.
    """

    def __init__(
        self,
        name: str,
        title: str,
        weights: str,
        needs: Needs,
        net: Any,
        forward: Callable[[Any, Any], Any],
        device: str,
        *,
        slices: int = SLICES,
        side: int = SIDE,
        mean: tuple[float, ...] = MEAN,
        std: tuple[float, ...] = STD,
    ) -> None:
        import torch

        pooling = f"mean over each of {slices} axial slices, kept in order"
        key = f"{weights}:{slices}x{side}:{SMOOTHING}" + ("" if (mean, std) == (MEAN, STD) else f":{mean}:{std}")
        super().__init__(name, title, key, replace(needs, pooling=pooling, channels=len(mean)))
        self._device = torch.device(device)
        self._net, self._forward = net.eval().to(self._device, memory_format=torch.channels_last), forward
        self._slices, self._side, self._mean, self._std = slices, side, mean, std

    def run(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        """Run the slices through the network.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            A prepared volume, 0 to 1.
        spacing : Spacing
            mm along z, y, x.

        Returns
        -------
        Vectors
            The vector, which is the one layer too.
        """
        import torch

        with torch.inference_mode():
            batch = colours(axial_slices(image, self._slices, self._side), self._device, self._mean, self._std)
            features = self._forward(self._net, batch.contiguous(memory_format=torch.channels_last))
            vector = vector_of(features.flatten(2).mean(2) if features.ndim > 2 else features)
        return vector, {self.needs.layers[0]: vector}
