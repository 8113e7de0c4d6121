"""The 3D network of our own encoders: it first undoes the pose of a volume, then pools MONAI's ResNet to one vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STAGES = ("stage 1", "stage 2", "stage 3", "stage 4")
# The last stages are pooled in so many parts along z, y, x: volumes lie alike by then, so that places tell patients
# apart whose organs look alike.
PARTS = ((1, 1, 1), (1, 1, 1), (3, 3, 3), (2, 2, 2))
POSE_CHANNELS = (16, 32, 48)
POSE_ROUNDS = 2  # the second one corrects the first
AIR = 0.02  # of the 0..1 intensities
# A pose of about so much is a number of about 1 for the network: radians, share of the size, mm.
TURN, SIZE, SHIFT = 0.2, 0.1, 10.0


def volume_net(architecture: Mapping[str, Any]) -> Any:
    """The network of an `architecture`: `channels` (of the four stages), `blocks` (likewise), `features`, and the
    `shape` and `spacing` (mm) of what it sees.

    `forward` takes (volumes, 1, z, y, x), 0 to 1, and gives (volumes, features); `stages` gives the pooled stages of
    volumes whose pose was undone by `posed`. `centre_on` is called once, before it learns. The pose is a spatial
    transformer (Jaderberg et al. 2015) that learns from poses that are known; pooling is by generalised mean (GeM,
    Radenovic et al. 2018).
    """
    import torch
    from monai.networks.nets.resnet import ResNet
    from torch import nn
    from torch.nn.functional import grid_sample, pad

    channels, blocks = tuple(architecture["channels"]), tuple(architecture["blocks"])
    shape, spacing = tuple(architecture["shape"]), tuple(architecture["spacing"])

    class GeM(nn.Module):
        def __init__(self, parts: tuple[int, int, int]) -> None:
            super().__init__()
            self.power = nn.Parameter(torch.tensor(3.0))
            self.parts = parts

        def forward(self, x: Any) -> Any:
            p = self.power.clamp(1, 8)
            pooled = nn.functional.adaptive_avg_pool3d(x.clamp(min=1e-6) ** p, self.parts)
            return (pooled ** (1 / p)).flatten(1)

    class PoseNet(nn.Module):
        """(volumes, 2, z, y, x) -> (volumes, 3, 4), mm z, y, x about the middle: place once posed -> place now."""

        def __init__(self) -> None:
            super().__init__()
            layers: list[nn.Module] = []
            wide, cells = 2, 1
            for width in POSE_CHANNELS:
                layers += [
                    nn.Conv3d(wide, width, 3, 2, 1, bias=False), nn.GroupNorm(8, width), nn.ReLU(),
                    nn.Conv3d(width, width, 3, 1, 1, bias=False), nn.GroupNorm(8, width), nn.ReLU(),
                ]  # fmt: skip
                wide = width
            for side in shape:
                cells *= -(-side // 2 ** len(POSE_CHANNELS))
            self.maps = nn.Sequential(*layers)
            self.head = nn.Sequential(nn.Linear(wide * cells, 128), nn.LayerNorm(128), nn.ReLU(), nn.Linear(128, 7))
            nn.init.zeros_(self.head[-1].weight)
            nn.init.zeros_(self.head[-1].bias)

        def forward(self, x: Any) -> Any:
            numbers = self.head(self.maps(x).flatten(1))
            a, b, c, size = (numbers[:, :4] * numbers.new_tensor([TURN, TURN, TURN, SIZE])).T
            generator = torch.stack([size, -c, b, c, size, -a, -b, a, size], 1).view(-1, 3, 3)
            return torch.cat([torch.matrix_exp(generator), SHIFT * numbers[:, 4:, None]], 2)

    class VolumeNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pose = PoseNet()
            self.trunk = ResNet(
                "basic",
                list(blocks),
                list(channels),
                spatial_dims=3,
                n_input_channels=2,
                conv1_t_size=5,
                conv1_t_stride=2,
                no_max_pool=True,
                feed_forward=False,
                bias_downsample=False,
                norm=("group", {"num_groups": 8}),
            )
            self.pools = nn.ModuleList([GeM(parts) for parts in PARTS])
            wide = sum(width * z * y * x for width, (z, y, x) in zip(channels, PARTS, strict=True))
            # Pooled features are all positive: uncentred, every pair would start with a cosine near 1. Batches are too
            # small for their own statistics, so those of the first volumes are taken once and kept.
            self.register_buffer("centre", torch.zeros(wide))
            self.register_buffer("scale", torch.ones(wide))
            self.head = nn.Sequential(
                nn.Linear(wide, 256), nn.LayerNorm(256), nn.ReLU(), nn.Linear(256, int(architecture["features"]))
            )
            axes = [(torch.arange(side) - (side - 1) / 2) * mm for side, mm in zip(shape, spacing, strict=True)]
            self.register_buffer("places", torch.stack(torch.meshgrid(*axes, indexing="ij"), -1), persistent=False)
            corner = [(side - 1) / 2 * mm for side, mm in zip(shape, spacing, strict=True)]
            self.register_buffer("corner", torch.tensor(corner), persistent=False)

        def poses(self, x: Any) -> list[Any]:
            """What each round makes of the poses: (volumes, 3, 4) each, the last one the best."""
            found = [self.pose(seen_as(x))]
            while len(found) < POSE_ROUNDS:
                # Each round learns by itself: no gradient from the next one.
                before = found[-1].detach()
                more = self.pose(seen_as(self.placed(x, before)))
                turn, shift = before[:, :, :3], before[:, :, 3:]
                found.append(torch.cat([turn @ more[:, :, :3], turn @ more[:, :, 3:] + shift], 2))
            return found

        def placed(self, x: Any, pose: Any) -> Any:
            """Volumes as they are once a pose is undone."""
            at = torch.einsum("nij,zyxj->nzyxi", pose[:, :, :3], self.places) + pose[:, None, None, None, :, 3]
            return grid_sample(x, (at / self.corner).flip(-1), align_corners=True)

        def posed(self, x: Any) -> Any:
            with torch.no_grad():
                return self.placed(x, self.poses(x)[-1])

        def stages(self, posed: Any) -> list[Any]:
            x = self.trunk.act(self.trunk.bn1(self.trunk.conv1(seen_as(posed))))
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
            return self.of_stages(self.stages(self.posed(x)))

    def seen_as(x: Any) -> Any:
        """Two channels: mean 0 and SD 1 within tissue, and the size of the gradient, which hardly minds an inverted
        contrast."""
        places = (2, 3, 4)
        tissue = (x > AIR).to(x.dtype)
        count = tissue.sum(places, keepdim=True).clamp(min=1)
        centred = x - (x * tissue).sum(places, keepdim=True) / count
        spread = ((centred**2 * tissue).sum(places, keepdim=True) / count).sqrt()
        wide = pad(x, (1,) * 6, mode="replicate")
        inner = slice(1, -1)
        steps = (
            wide[:, :, 2:, inner, inner] - wide[:, :, :-2, inner, inner],
            wide[:, :, inner, 2:, inner] - wide[:, :, inner, :-2, inner],
            wide[:, :, inner, inner, 2:] - wide[:, :, inner, inner, :-2],
        )
        slope = (steps[0] ** 2 + steps[1] ** 2 + steps[2] ** 2 + 1e-6).sqrt()
        slope = slope / slope.mean(places, keepdim=True)
        return torch.cat([centred / spread.clamp(min=1e-3), slope.clamp(max=6) - 1], 1)

    return VolumeNet()
