"""The 3D network of our own encoders: MONAI's ResNet, pooled after each stage, down to one vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STAGES = ("stage 1", "stage 2", "stage 3", "stage 4")
# A last stage pooled in so many parts along z, y, x keeps where things are: strangers' organs are alike, their places
# less.
PARTS = (2, 2, 2)


def volume_net(architecture: Mapping[str, Any]) -> Any:
    """The network of an `architecture`: `channels` (of the four stages), `blocks` (likewise) and `features`.

    Its `forward` takes (volumes, 1, z, y, x), sides multiples of 16, and gives (volumes, features); `stages` gives the
    pooled stages, (volumes, channels) each. `centre_on` is called once, before it learns. Pooling is by generalised
    mean (GeM, Radenovic et al. 2018).
    """
    import torch
    from monai.networks.nets.resnet import ResNet
    from torch import nn

    channels, blocks = tuple(architecture["channels"]), tuple(architecture["blocks"])

    class GeM(nn.Module):
        def __init__(self, parts: tuple[int, int, int]) -> None:
            super().__init__()
            self.power = nn.Parameter(torch.tensor(3.0))
            self.parts = parts

        def forward(self, x: Any) -> Any:
            p = self.power.clamp(1, 8)
            pooled = nn.functional.adaptive_avg_pool3d(x.clamp(min=1e-6) ** p, self.parts)
            return (pooled ** (1 / p)).flatten(1)

    class VolumeNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = ResNet(
                "basic",
                list(blocks),
                list(channels),
                spatial_dims=3,
                n_input_channels=1,
                conv1_t_size=5,
                conv1_t_stride=2,
                no_max_pool=True,
                feed_forward=False,
                bias_downsample=False,
                norm=("group", {"num_groups": 8}),
            )
            self.pools = nn.ModuleList([GeM((1, 1, 1)) for _ in channels[:-1]] + [GeM(PARTS)])
            wide = sum(channels[:-1]) + channels[-1] * PARTS[0] * PARTS[1] * PARTS[2]
            # Pooled features are all positive: uncentred, every pair would start with a cosine near 1. Batches are too
            # small for their own statistics, so those of the first volumes are taken once and kept.
            self.register_buffer("centre", torch.zeros(wide))
            self.register_buffer("scale", torch.ones(wide))
            self.head = nn.Linear(wide, int(architecture["features"]))

        def stages(self, x: Any) -> list[Any]:
            x = self.trunk.act(self.trunk.bn1(self.trunk.conv1(x)))
            pooled = []
            for layer, pool in zip(
                (self.trunk.layer1, self.trunk.layer2, self.trunk.layer3, self.trunk.layer4), self.pools, strict=True
            ):
                x = layer(x)
                pooled.append(pool(x))
            return pooled

        def of_stages(self, stages: list[Any]) -> Any:
            return self.head((torch.cat(stages, 1) - self.centre) / self.scale)

        def centre_on(self, x: Any) -> None:
            """Take centre and scale of the pooled features from these volumes."""
            with torch.no_grad():
                pooled = torch.cat(self.stages(x), 1)
            self.centre.copy_(pooled.mean(0))
            self.scale.copy_(pooled.std(0).clamp(min=1e-3))

        def forward(self, x: Any) -> Any:
            return self.of_stages(self.stages(x))

    return VolumeNet()
