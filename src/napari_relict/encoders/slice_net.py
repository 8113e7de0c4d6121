"""The 2D network of DeepSSIM: an ImageNet backbone on axial slices, down to one vector a slice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_relict.encoders.convnext import SIZES, STAGE_ENDS, convnext_features
from napari_relict.encoders.mobilenet_v2 import mobilenet_features
from napari_relict.encoders.slices import MEAN, STD

# backbone -> entries of `features` after which a stage ends, and their channels
STAGES: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "mobilenet_v2": ((3, 6, 13, 17), (24, 32, 96, 320)),
    **{f"convnext_{size}": (STAGE_ENDS, channels) for size, (channels, _) in SIZES.items()},
}
BACKBONES = tuple(STAGES)


def slice_net(architecture: Mapping[str, Any]) -> Any:
    """Build the network of an `architecture`: `backbone`, `head` and `features`.

    `forward` takes grey slices (n, y, x), 0 to 1, and gives (n, features), through `maps`, the four stages. The head is
    `mlp` (the last stage averaged, then 512 and `features`, as DeepSSIM has it) or `gem` (all four stages pooled by
    generalised mean, then `features`, as DeepSSIM++ has it).

    Parameters
    ----------
    architecture : mapping of str to object
        Its `backbone` is one of `BACKBONES`, its `head` `mlp` or `gem`.

    Returns
    -------
    torch.nn.Module
        Grey slices (n, y, x), 0 to 1 -> (n, features).
    """
    import torch
    from torch import nn

    backbone, wide = architecture["backbone"], int(architecture["features"])
    ends, channels = STAGES[backbone]
    if backbone == "mobilenet_v2":
        features = mobilenet_features()
    else:
        features = convnext_features(*SIZES[backbone.removeprefix("convnext_")])

    class SliceNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = features
            self.powers = nn.Parameter(torch.full((len(ends),), 3.0))
            self.gem = architecture["head"] == "gem"
            self.head = (
                nn.Linear(sum(channels), wide)
                if self.gem
                else nn.Sequential(nn.Linear(channels[-1], 512), nn.GELU(), nn.Linear(512, wide))
            )
            self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
            self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

        def maps(self, slices: Any) -> list[Any]:
            x = (slices[:, None] - self.mean) / self.std
            stages = []
            for place, layer in enumerate(self.features):
                x = layer(x)
                if place in ends:
                    stages.append(x)
                if place == ends[-1]:
                    break
            return stages

        def of_maps(self, maps: list[Any]) -> Any:
            if not self.gem:
                return self.head(maps[-1].mean((2, 3)))
            powers = self.powers.clamp(1, 8)
            pooled = [
                (stage.clamp(min=1e-6) ** p).mean((2, 3)) ** (1 / p) for stage, p in zip(maps, powers, strict=True)
            ]
            return self.head(torch.cat(pooled, 1))

        def forward(self, slices: Any) -> Any:
            return self.of_maps(self.maps(slices))

    return SliceNet()
