"""Slice-wise MobileNetV2 (Sandler et al., CVPR 2018) with ImageNet weights.

The network is written out here, with torchvision's names, because torchvision's wheels only load beside the one
torch build they were compiled for. Slice position is kept: each slice's vector has its own place in the result.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from napari_relict.encoders.weights import load_state_dict, sha256, wrong_file
from napari_relict.fetching import MOBILENET_V2, fetch

SLICES = 20
SIDE = 128
SMOOTHING = 1.0  # voxels; both sides of every comparison: ImageNet features are easily upset by noise
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
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class MobileNetV2Slices:
    """Encoder: `SLICES` axial slices through MobileNetV2, globally pooled, concatenated in order."""

    name = "mobilenet_v2"
    title = "MobileNetV2 slices"

    def __init__(self, device: str = "cpu", weights: Path | None = None) -> None:
        import torch

        path = weights or fetch(MOBILENET_V2)
        self.weights = f"{sha256(path)}:{SLICES}x{SIDE}:{SMOOTHING}"
        self._device = torch.device(device)
        features = mobilenet_features()
        state = load_state_dict(path, "torchvision's MobileNetV2")
        wanted = {key: value for key, value in state.items() if key.startswith("features.")}
        net = torch.nn.Module()
        net.add_module("features", features)
        try:
            net.load_state_dict(wanted, strict=True)
        except RuntimeError as error:
            raise wrong_file(path, "torchvision's MobileNetV2") from error
        self._net = features.eval().to(self._device, memory_format=torch.channels_last)

    def encode(self, image: np.ndarray) -> np.ndarray:
        import torch

        smooth = ndimage.gaussian_filter(image, SMOOTHING)
        depth = image.shape[0]
        # Slices at equal fractions of the grid, the outermost tenth left out: the same height in every volume.
        places = np.rint(np.linspace(0.1, 0.9, SLICES) * (depth - 1)).astype(int)
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(smooth[places]))[:, None].to(self._device)
            batch = torch.nn.functional.interpolate(batch, (SIDE, SIDE), mode="bilinear", antialias=True)
            mean = torch.tensor(MEAN, device=self._device).view(1, 3, 1, 1)
            std = torch.tensor(STD, device=self._device).view(1, 3, 1, 1)
            batch = ((batch - mean) / std).contiguous(memory_format=torch.channels_last)
            vectors = self._net(batch).mean((2, 3))
        return np.asarray(vectors.flatten().cpu().numpy(), np.float32)


def mobilenet_features() -> Any:
    """The convolutional part, up to 1280 channels at 1/32 of the side; torchvision's parameter names."""
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
