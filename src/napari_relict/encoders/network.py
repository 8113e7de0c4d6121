"""What encoders that are torch networks share: one pass over a volume gives its vector and those of its layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Needs, Spacing

Vectors = tuple[np.ndarray, dict[str, np.ndarray]]


class NetworkEncoder(ABC):
    """An `Encoder` of which only `run` has to be written.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    title : str
        As people read it.
    weights : str
        SHA-256 of the weights and of what is done to a volume before them; part of the cache key.
    needs : Needs
        What it takes, in words and numbers.
    """

    centred = True
    trained_on: frozenset[str] = frozenset()

    def __init__(self, name: str, title: str, weights: str, needs: Needs) -> None:
        self.name, self.title, self.weights, self.needs = name, title, weights, needs
        self._last: tuple[np.ndarray, Spacing, Vectors] | None = None

    @abstractmethod
    def run(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        """Run the network.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            A prepared volume, 0 to 1.
        spacing : Spacing
            mm along z, y, x.

        Returns
        -------
        Vectors
            The vector, and one for each of `needs.layers`; all float32 (features,).
        """

    def encode(self, image: np.ndarray, spacing: Spacing) -> np.ndarray:
        """Turn a prepared volume into a vector.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            A prepared volume, 0 to 1.
        spacing : Spacing
            mm along z, y, x.

        Returns
        -------
        numpy.ndarray of float32, shape (features,)

        """
        return self._run_once(image, spacing)[0]

    def encode_layers(self, image: np.ndarray, spacing: Spacing) -> dict[str, np.ndarray]:
        """Turn a prepared volume into one vector a layer.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            A prepared volume, 0 to 1.
        spacing : Spacing
            mm along z, y, x.

        Returns
        -------
        dict of str to numpy.ndarray
            By layer, each float32 (features,).
        """
        return self._run_once(image, spacing)[1]

    def _run_once(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        """Whoever asks for the vector mostly asks for the layers next: they come of the same pass."""
        last = self._last
        if last is None or last[1] != spacing or not np.array_equal(last[0], image):
            last = (np.array(image), spacing, self.run(image, spacing))
            self._last = last
        return last[2]


@contextmanager
def outputs_of(net: Any, layers: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Keep what named submodules of a torch module put out while the block runs.

    Parameters
    ----------
    net : torch.nn.Module
        The network.
    layers : sequence of str
        Names of submodules.

    Yields
    ------
    dict of str to object
        Their outputs by name, filled by a pass.
    """
    outputs: dict[str, Any] = {}

    def keep(name: str) -> Any:
        return lambda _module, _inputs, output: outputs.__setitem__(name, output)

    hooks = [net.get_submodule(name).register_forward_hook(keep(name)) for name in layers]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def vector_of(output: Any) -> np.ndarray:
    """Flatten a torch tensor, in the order of its axes.

    Parameters
    ----------
    output : torch.Tensor
        Of any shape and on any device.

    Returns
    -------
    numpy.ndarray of float32, shape (values,)

    """
    return np.asarray(output.detach().float().flatten().cpu().numpy(), np.float32)
