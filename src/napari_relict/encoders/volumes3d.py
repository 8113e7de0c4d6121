"""Encoders that send a whole volume through a 3D torch network and pool what some of its layers put out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Needs, Spacing
from napari_relict.encoders.inputs import Input
from napari_relict.encoders.network import NetworkEncoder, Vectors, outputs_of, vector_of

FeatureMaps = Callable[[Any, Any], Sequence[Any]]


class VolumeNetwork(NetworkEncoder):
    """Encoder: each of `needs.layers` is the mean of a feature map over all places; the vector is that of the last.

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
    maps : FeatureMaps
        (net, batch) -> feature maps (1, channels, z, y, x), one for each of `needs.layers`.
    given : Input
        How a volume is prepared for the network.
    device : str
        "cpu" or "cuda".
    channels : int, default: 1
        Of the network's input; the volume is repeated over them.
    turn : callable, optional
        What brings the array into the orientation the network was trained in; keeps it when None.
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
        """Run the volume through the network.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            A prepared volume, 0 to 1.
        spacing : Spacing
            mm along z, y, x.

        Returns
        -------
        Vectors
            The vector, and one a layer.
        """
        import torch

        volume = self._given(image, spacing)
        if self._turn is not None:
            volume = np.ascontiguousarray(self._turn(volume))
        batch = torch.from_numpy(volume)[None, None].to(self._device)
        with torch.inference_mode():
            maps = self._maps(self._net, batch.expand(1, self._channels, *batch.shape[2:]))
            vectors = [vector_of(feature_map.mean((2, 3, 4))) for feature_map in maps]
        return vectors[-1], dict(zip(self.needs.layers, vectors, strict=True))


def maps_of(layers: Sequence[str]) -> FeatureMaps:
    """Take the feature maps of named submodules.

    Parameters
    ----------
    layers : sequence of str
        Sequence of str Names of submodules.

    Returns
    -------
    callable
        (net, batch) -> their outputs, in that order.
    """

    def maps(net: Any, batch: Any) -> Sequence[Any]:
        with outputs_of(net, layers) as outputs:
            net(batch)
        return [outputs[layer] for layer in layers]

    return maps
