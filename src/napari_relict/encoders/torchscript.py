"""TorchScript networks of the user.

A TorchScript file is a program: it runs code of whoever made it. So it is opened only from the path that the user
gives, never from anywhere else.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Encoder, EncoderKind
from napari_relict.encoders.own_network import NEEDS, OPTIONS, OwnNetwork, listed
from napari_relict.encoders.weights import sha256, wrong_file


def open_torchscript(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    """Open a network that was saved by `torch.jit.save`.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    weights : pathlib.Path or None
        The file of weights; None where they are fetched.
    options : mapping of str to object
        Of `[encoders.NAME]` in study.toml.
    device : str
        "cpu" or "cuda".

    Returns
    -------
    Encoder
        The encoder.

    Raises
    ------
    DataError
        It is no TorchScript archive, or a damaged one.
    """
    import torch

    assert weights is not None
    digest = sha256(weights)
    try:
        # From memory: torch opens a path with the system's own encoding.
        net = torch.jit.load(io.BytesIO(weights.read_bytes()), map_location="cpu")
    except (RuntimeError, ValueError, EOFError, OSError) as error:
        why = "it is no TorchScript archive, or a damaged one"
        raise wrong_file(weights, "a TorchScript network (torch.jit.save)", why) from error
    place = torch.device(device)
    net = net.eval().to(place)

    def outputs(batch: np.ndarray) -> Sequence[np.ndarray]:
        with torch.inference_mode():
            return [output.float().cpu().numpy() for output in listed(net(torch.from_numpy(batch).to(place)))]

    return OwnNetwork(name, KIND.title, digest, outputs, options)


KIND = EncoderKind("torchscript", "TorchScript file", NEEDS, OPTIONS, open_torchscript)
