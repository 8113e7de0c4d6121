"""Slice-wise EfficientNet-Lite0 with ImageNet weights.

The network is written out here, with the parameter names of the published checkpoint; it is EfficientNet-B0 (Tan and
Le, ICML 2019) without squeeze and excitation, with ReLU6. Strided convolutions pad as TensorFlow's "same" does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_relict.encoders.contract import Encoder, EncoderKind
from napari_relict.encoders.slice_networks import SLICE_NEEDS, SliceNetwork
from napari_relict.encoders.weights import load_into, load_state_dict, sha256
from napari_relict.files.package_files import EFFICIENTNET_LITE0, fetch

EXPECTED = "EfficientNet-Lite0"
# expansion, channels, blocks, stride, kernel of each stage
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
EPSILON = 1e-3  # of its batch normalisation
NEEDS = replace(SLICE_NEEDS, sha256=EFFICIENTNET_LITE0.sha256)


def open_efficientnet(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    """Open EfficientNet-Lite0 with the fetched weights, or with those of a file.

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
    Tan & Le (2019), ICML.
    """
    path = weights or fetch(EFFICIENTNET_LITE0)
    state = load_state_dict(path, EXPECTED)
    net = network()
    load_into(net, {key: tensor for key, tensor in state.items() if not key.startswith("_fc.")}, path, EXPECTED)
    return SliceNetwork(name, KIND.title, sha256(path), NEEDS, net, lambda whole, batch: whole(batch), device)


def network() -> Any:
    """Build the convolutional part.

    Returns
    -------
    torch.nn.Module
        Up to 1280 channels at 1/32 of the side.
    """
    from torch import nn
    from torch.nn import functional as F

    def conv(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Module:
        padding = 0 if stride > 1 else kernel // 2
        return nn.Conv2d(before, after, kernel, stride, padding, groups=groups, bias=False)

    def same(x: Any, kernel: int, stride: int) -> Any:
        """Zeros as TensorFlow adds them: the odd one below and to the right."""
        if stride == 1:
            return x
        rows, columns = (max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[2:])
        return F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))

    def norm(channels: int) -> nn.Module:
        return nn.BatchNorm2d(channels, EPSILON)

    class Block(nn.Module):
        def __init__(self, before: int, after: int, expansion: int, stride: int, kernel: int) -> None:
            super().__init__()
            wide = before * expansion
            if expansion > 1:
                self._expand_conv, self._bn0 = conv(before, wide, 1), norm(wide)
            self._depthwise_conv, self._bn1 = conv(wide, wide, kernel, stride, groups=wide), norm(wide)
            self._project_conv, self._bn2 = conv(wide, after, 1), norm(after)
            self.expanded, self.kernel, self.stride = expansion > 1, kernel, stride
            self.residual = stride == 1 and before == after

        def forward(self, x: Any) -> Any:
            wide = F.relu6(self._bn0(self._expand_conv(x))) if self.expanded else x
            wide = F.relu6(self._bn1(self._depthwise_conv(same(wide, self.kernel, self.stride))))
            narrow = self._bn2(self._project_conv(wide))
            return x + narrow if self.residual else narrow

    class Lite(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self._conv_stem, self._bn0 = conv(3, 32, 3, 2), norm(32)
            blocks, channels = [], 32
            for expansion, after, repeats, stride, kernel in STAGES:
                for repeat in range(repeats):
                    blocks.append(Block(channels, after, expansion, stride if repeat == 0 else 1, kernel))
                    channels = after
            self._blocks = nn.ModuleList(blocks)
            self._conv_head, self._bn1 = conv(channels, 1280, 1), norm(1280)

        def forward(self, x: Any) -> Any:
            x = F.relu6(self._bn0(self._conv_stem(same(x, 3, 2))))
            for block in self._blocks:
                x = block(x)
            return F.relu6(self._bn1(self._conv_head(x)))

    return Lite()


KIND = EncoderKind(
    "efficientnet_lite0", "EfficientNet-Lite0 slices", NEEDS, (), open_efficientnet, fetched=(EFFICIENTNET_LITE0,)
)
