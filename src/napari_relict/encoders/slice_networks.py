"""Encoders that send axial slices through a 2D torch network and keep what it makes of each, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Needs, Spacing
from napari_relict.encoders.network import NetworkEncoder, Vectors, vector_of
from napari_relict.encoders.slices import MEAN, SIDE, SLICES, SMOOTHING, STD, axial_slices, colours


class SliceNetwork(NetworkEncoder):
    """Encoder: `forward` of each slice, globally pooled where it is a feature map, concatenated.

    Parameters
    ----------
    net : torch module in which the weights lie already.
    forward : (net, batch) -> (slices, features) or (slices, features, y, x).
    mean, std : of the images it was trained on, 0 to 1, one a channel.
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
        import torch

        with torch.inference_mode():
            batch = colours(axial_slices(image, self._slices, self._side), self._device, self._mean, self._std)
            found = self._forward(self._net, batch.contiguous(memory_format=torch.channels_last))
            vector = vector_of(found.flatten(2).mean(2) if found.ndim > 2 else found)
        return vector, {self.needs.layers[0]: vector}
