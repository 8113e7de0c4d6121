"""Encoders that send a whole volume through a 3D torch network and pool what some of its layers put out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Needs, Spacing
from napari_relict.encoders.inputs import Input
from napari_relict.encoders.network import NetworkEncoder, Vectors, vector_of

FeatureMaps = Callable[[Any, Any], Sequence[Any]]


class VolumeNetwork(NetworkEncoder):
    """Encoder: each of `needs.layers` is the mean of a feature map over all places; the vector is that of the last.

    Parameters
    ----------
    net : torch module in which the weights lie already.
    maps : (net, batch) -> feature maps (1, channels, z, y, x), one for each of `needs.layers`.
    channels : of the network's input; the volume is repeated over them.
    turn : what brings the array into the orientation the network was trained in; keeps it when None.
    """

    def __init__(
        self,
        name: str,
        title: str,
        weights: str,
        needs: Needs,
        net: Any,
        maps: FeatureMaps,
        given: Input,
        device: str,
        *,
        channels: int = 1,
        turn: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        import torch

        super().__init__(name, title, f"{weights}:{given.key()}", given.told(needs))
        self._device = torch.device(device)
        self._net, self._maps, self._given = net.eval().to(self._device), maps, given
        self._channels, self._turn = channels, turn

    def run(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        import torch

        volume = self._given(image, spacing)
        if self._turn is not None:
            volume = np.ascontiguousarray(self._turn(volume))
        batch = torch.from_numpy(volume)[None, None].to(self._device)
        with torch.inference_mode():
            maps = self._maps(self._net, batch.expand(1, self._channels, *batch.shape[2:]))
            vectors = [vector_of(one.mean((2, 3, 4))) for one in maps]
        return vectors[-1], dict(zip(self.needs.layers, vectors, strict=True))
