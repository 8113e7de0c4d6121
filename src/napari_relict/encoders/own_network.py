"""What TorchScript and ONNX encoders share: a network of unknown make, described by its user in study.toml."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Needs, Spacing
from napari_relict.encoders.inputs import OPTIONS as INPUT_OPTIONS
from napari_relict.encoders.inputs import Input, numbers, padded, resized, whole
from napari_relict.encoders.network import NetworkEncoder, Vectors
from napari_relict.encoders.slices import SIDE, SLICES, axial_slices
from napari_relict.errors import DataError, UsageError

OPTIONS = ("dimensions", "channels", "divisor", "shape", "slices", "side", "layers", "centred", *INPUT_OPTIONS)
NEEDS = Needs(
    dimensions=3,
    channels=1,
    intensity="0..1 as prepared, unless you say otherwise",
    layers=("output",),
    pooling="mean over all places of an output that has any",
    source="your file; it runs code of whoever made it",
    licence="your own",
)

Outputs = Callable[[np.ndarray], Sequence[np.ndarray]]


class OwnNetwork(NetworkEncoder):
    """Encoder: a function that takes a batch (n, channels, [z,] y, x) and gives one or several outputs.

    n is 1 for a volume and the number of slices in 2D. An output is (n, features) or a feature map, which is
    averaged over its places. The last output is the vector; all of them are its layers.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    title : str
        As people read it.
    weights : str
        SHA-256 of the file; part of the cache key.
    outputs : Outputs
        The network: (n, channels, [z,] y, x) -> its outputs.
    options : mapping of str to object
        Of study.toml; see `OPTIONS`.

    Raises
    ------
    UsageError
        An option of the wrong type.
    """

    def __init__(self, name: str, title: str, weights: str, outputs: Outputs, options: Mapping[str, Any]) -> None:
        dimensions = whole(name, options, "dimensions", 3)
        if dimensions not in (2, 3):
            raise UsageError(f"[encoders.{name}]: dimensions must be 2 or 3")
        self._outputs = outputs
        self._given = replace(Input().asked(name, options), divisor=whole(name, options, "divisor", 1))
        self._channels = whole(name, options, "channels", 1 if dimensions == 3 else 3)
        self._slices = whole(name, options, "slices", SLICES)
        self._side = whole(name, options, "side", SIDE)
        self._shape = tuple(map(int, numbers(name, options, "shape", 3))) if "shape" in options else None
        layers = options.get("layers", ["output"])
        if not isinstance(layers, list | tuple) or not layers or not all(isinstance(layer, str) for layer in layers):
            raise UsageError(f"[encoders.{name}]: layers must be a list of names, one for each output")
        if not isinstance(options.get("centred", True), bool):
            raise UsageError(f"[encoders.{name}]: centred must be true or false")
        self.centred = options.get("centred", True)
        needs = replace(
            self._given.told(NEEDS),
            dimensions=2 if dimensions == 2 else 3,
            channels=self._channels,
            layers=tuple(layers),
        )
        how = f"{dimensions}:{self._channels}:{self._slices}x{self._side}:{self._shape}:{self._given.key()}"
        super().__init__(name, title, f"{weights}:{how}", needs)

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
            The vector, and one for each of `needs.layers`.

        Raises
        ------
        DataError
            The network fails, or gives other outputs than were described.
        """
        batch = self._batch(self._given(image, spacing))
        try:
            outputs = [np.asarray(output, np.float32) for output in self._outputs(batch)]
        except Exception as error:  # whatever a network of unknown make raises
            said = str(error).strip().splitlines()[-1][:200] if str(error).strip() else type(error).__name__
            shape = "x".join(map(str, batch.shape))
            wrong = f"the network fails on an input of {shape} ({said})"
            raise DataError(f"[encoders.{self.name}]", wrong, "correct dimensions, channels or shape") from error
        if len(outputs) != len(self.needs.layers) or any(
            output.ndim < 2 or len(output) != len(batch) for output in outputs
        ):
            shapes = ", ".join("x".join(map(str, output.shape)) for output in outputs)
            wrong = f"the network gives {len(outputs)} outputs ({shapes}) where {len(self.needs.layers)} are described"
            raise DataError(f"[encoders.{self.name}]", wrong, "name each under layers, as batch x features")
        vectors = [(output.reshape(*output.shape[:2], -1).mean(2)).ravel() for output in outputs]
        return vectors[-1], dict(zip(self.needs.layers, vectors, strict=True))

    def _batch(self, image: np.ndarray) -> np.ndarray:
        """float32 (1, channels, z, y, x), or (slices, channels, y, x)."""
        if self.needs.dimensions == 2:
            slices = axial_slices(image, self._slices, self._side).numpy()
            return np.repeat(np.asarray(slices, np.float32), self._channels, axis=1)
        if self._shape is not None:
            image = padded(resized(image, self._shape), self.needs.divisor)
        return np.repeat(image[None, None], self._channels, axis=1)


def listed(outputs: Any) -> list[Any]:
    """List the outputs of a network that gives one, several, or several with names.

    Parameters
    ----------
    outputs : torch.Tensor, list, tuple or dict
        What it gave.

    Returns
    -------
    list of object
        In their order.
    """
    if isinstance(outputs, dict):
        return list(outputs.values())
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]
