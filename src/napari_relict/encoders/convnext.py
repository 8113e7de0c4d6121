"""ConvNeXt (Liu et al., CVPR 2022) with torchvision's parameter names, so that a user's ImageNet file of it loads.

Written out for the reason that MobileNetV2 is: torchvision's wheels only load beside the torch build they were
compiled for.
"""

from __future__ import annotations

from typing import Any

# size -> channels and blocks of the four stages
SIZES = {
    "tiny": ((96, 192, 384, 768), (3, 3, 9, 3)),
    "small": ((96, 192, 384, 768), (3, 3, 27, 3)),
    "base": ((128, 256, 512, 1024), (3, 3, 27, 3)),
}
# Stage k ends after this entry of `features`: stem, then stage and down-sampling in turn.
STAGE_ENDS = (1, 3, 5, 7)
FIRST_SCALE = 1e-6


def convnext_features(channels: tuple[int, ...], blocks: tuple[int, ...]) -> Any:
    """Build stem, four stages and what lies between.

    Parameters
    ----------
    channels, blocks : tuple of int
        Of the four stages.

    Returns
    -------
    torch.nn.Module
        (n, 3, y, x) -> (n, channels[-1], y / 32, x / 32).

    Notes
    -----
    Liu et al. (2022), CVPR.
    """
    import torch
    from torch import nn

    class Permute(nn.Module):
        def __init__(self, *order: int) -> None:
            super().__init__()
            self.order = order

        def forward(self, x: Any) -> Any:
            return x.permute(*self.order)

    class LayerNorm2d(nn.LayerNorm):
        def forward(self, x: Any) -> Any:
            x = nn.functional.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
            return x.permute(0, 3, 1, 2)

    class Block(nn.Module):
        def __init__(self, wide: int) -> None:
            super().__init__()
            self.block = nn.Sequential(
                nn.Conv2d(wide, wide, 7, padding=3, groups=wide),
                Permute(0, 2, 3, 1),
                nn.LayerNorm(wide, eps=1e-6),
                nn.Linear(wide, 4 * wide),
                nn.GELU(),
                nn.Linear(4 * wide, wide),
                Permute(0, 3, 1, 2),
            )
            self.layer_scale = nn.Parameter(torch.full((wide, 1, 1), FIRST_SCALE))

        def forward(self, x: Any) -> Any:
            return x + self.layer_scale * self.block(x)

    layers: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, channels[0], 4, 4), LayerNorm2d(channels[0], eps=1e-6))]
    for stage, (wide, count) in enumerate(zip(channels, blocks, strict=True)):
        layers.append(nn.Sequential(*(Block(wide) for _ in range(count))))
        if stage + 1 < len(channels):
            layers.append(nn.Sequential(LayerNorm2d(wide, eps=1e-6), nn.Conv2d(wide, channels[stage + 1], 2, 2)))
    return nn.Sequential(*layers)
