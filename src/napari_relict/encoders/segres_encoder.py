"""SegResNet's encoder through MONAI, as CT-FM has it (Pai et al., arXiv 2501.09001), with weights from a local file.

Two layouts are read: the encoder alone, and a whole SegResNetDS (the encoder under `encoder.`). Width, depth and
kind of normalisation are those of the file. What CT-FM is fed (axes, 1 mm, HU from -1024 to 2048) is read off its
authors' script for extracting features.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_relict.encoders.contract import Encoder, EncoderKind, Needs
from napari_relict.encoders.inputs import OPTIONS, Input
from napari_relict.encoders.volumes3d import VolumeNetwork
from napari_relict.encoders.weights import load_into, load_state_dict, sha256, wrong_file

EXPECTED = "a SegResEncoder"
LEVELS = 5
GIVEN = Input("hu", (-1024.0, 2048.0), spacing=(1.0, 1.0, 1.0), divisor=2 ** (LEVELS - 1))
NEEDS = Needs(
    dimensions=3,
    channels=1,
    intensity="HU, -1024 to 2048 become 0 to 1",
    spacing=GIVEN.spacing,
    divisor=GIVEN.divisor,
    layers=tuple(f"level{n}" for n in range(1, LEVELS + 1)),
    pooling="mean over all places",
    source="your file: CT-FM's feature extractor (project-lighter), or another SegResNetDS of MONAI",
    licence="permissive",
)


def open_segres(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    """Open the encoder of a SegResNet checkpoint.

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

    Notes
    -----
    Pai et al., arXiv 2501.09001.
    """
    from monai.networks.nets.segresnet_ds import SegResEncoder

    assert weights is not None
    digest = sha256(weights)
    state = load_state_dict(weights, EXPECTED)
    if any(key.startswith("encoder.") for key in state):
        state = {key.removeprefix("encoder."): tensor for key, tensor in state.items() if key.startswith("encoder.")}
    first = state.get("conv_init.weight")
    numbered = {match.groups() for key in state if (match := re.match(r"layers\.(\d+)\.blocks\.(\d+)\.", key))}
    blocks = Counter(int(level) for level, _ in numbered)
    if first is None or first.ndim != 5 or sorted(blocks) != list(range(len(blocks))):
        raise wrong_file(weights, EXPECTED, "it has no conv_init.weight of a 3D network, or no levels of blocks")
    net = SegResEncoder(
        spatial_dims=3,
        in_channels=first.shape[1],
        init_filters=first.shape[0],
        norm="batch" if any(key.endswith("running_mean") for key in state) else "instance",
        blocks_down=tuple(blocks[level] for level in sorted(blocks)),
    )
    load_into(net, state, weights, EXPECTED)
    given = replace(GIVEN, divisor=2 ** (len(blocks) - 1)).asked(name, options)
    needs = replace(NEEDS, layers=tuple(f"level{n}" for n in range(1, len(blocks) + 1)))
    return VolumeNetwork(
        name, KIND.title, digest, needs, net, lambda encoder, batch: encoder(batch), given, device,
        channels=first.shape[1],
    )  # fmt: skip


KIND = EncoderKind("segres_encoder", "SegResEncoder (CT-FM)", NEEDS, OPTIONS, open_segres)
