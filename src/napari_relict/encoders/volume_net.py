"""The 3D network of our own encoders: it first undoes the pose of a volume, then pools MONAI's ResNet to one vector."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

STAGES = ("stage 1", "stage 2", "stage 3", "stage 4")
CHANNELS = (8, 32, 64, 64)
# Each stage is pooled to cells of so many voxels a side: volumes lie alike by then, so that places tell patients apart
# whose organs look alike.
CELLS = (4, 4, 8, 16)
POSE_CHANNELS = (16, 32, 48)
POSE_ROUNDS = 2  # the second one corrects the first
AIR = 0.02  # of the 0..1 intensities
INPUTS = 3
LOCAL = 5  # voxels a side
# A pose of about so much is a number of about 1 for the network: radians, share of the size, mm.
TURN, SIZE, SHIFT = 0.2, 0.1, 10.0


def volume_net(architecture: Mapping[str, Any]) -> Any:
    """Build the network of an `architecture`.

    `forward` takes (volumes, 1, z, y, x), 0 to 1, and gives (volumes, features); `stages` gives the pooled stages of
    what `posed` gave. `centre_on` is called once, before it learns. The pose is learnt from poses that are known;
    pooling is by generalised mean.

    Parameters
    ----------
    architecture : mapping of str to object
        `channels` (of the four stages), `blocks` (likewise), `features`, and the `shape` and `spacing` (mm) of what it
        sees.

    Returns
    -------
    torch.nn.Module
        The network, untrained.

    Notes
    -----
    Spatial transformer (Jaderberg et al. 2015); generalised mean pooling (GeM, Radenovic et al. 2018).
    """
    import torch
    from monai.networks.nets.resnet import ResNet
    from torch import nn
    from torch.nn.functional import avg_pool3d, grid_sample

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
        """What `seen_as` gives -> (volumes, 3, 4), mm z, y, x about the middle: place once posed -> place now."""

        def __init__(self) -> None:
            super().__init__()
            layers: list[nn.Module] = []
            wide, cells = INPUTS, 1
            for width in POSE_CHANNELS:
                layers += [nn.Conv3d(wide, width, 3, 2, 1, bias=False), nn.GroupNorm(8, width), nn.ReLU()]
                if len(layers) > 3:
                    layers += [nn.Conv3d(width, width, 3, 1, 1, bias=False), nn.GroupNorm(8, width), nn.ReLU()]
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
                n_input_channels=INPUTS,
                conv1_t_size=5,
                conv1_t_stride=2,
                no_max_pool=True,
                feed_forward=False,
                bias_downsample=False,
                norm=("group", {"num_groups": 8}),
            )
            parts = [tuple(math.ceil(side / cell) for side in shape) for cell in CELLS]
            self.pools = nn.ModuleList([GeM((z, y, x)) for z, y, x in parts])
            self.wide = [width * math.prod(cells) for width, cells in zip(channels, parts, strict=True)]
            # Pooled features are all positive: uncentred, every pair would start with a cosine near 1. Batches are too
            # small for their own statistics, so those of the first volumes are taken once and kept.
            self.register_buffer("centre", torch.zeros(sum(self.wide)))
            self.register_buffer("scale", torch.ones(sum(self.wide)))
            # One linear layer: where it starts, cosines are those of the features, which tell copies from others.
            self.head = nn.Linear(sum(self.wide), int(architecture["features"]))
            axes = [(torch.arange(side) - (side - 1) / 2) * mm for side, mm in zip(shape, spacing, strict=True)]
            self.register_buffer("places", torch.stack(torch.meshgrid(*axes, indexing="ij"), -1), persistent=False)
            corner = [(side - 1) / 2 * mm for side, mm in zip(shape, spacing, strict=True)]
            self.register_buffer("corner", torch.tensor(corner), persistent=False)

        def poses(self, seen: Any) -> list[Any]:
            """Poses of what `seen_as` gave, as each round has them: (volumes, 3, 4) each, the last one the best."""
            rounds = [self.pose(seen)]
            while len(rounds) < POSE_ROUNDS:
                # Each round learns by itself: no gradient from the next one.
                before = rounds[-1].detach()
                more = self.pose(self.placed(seen, before))
                turn, shift = before[:, :, :3], before[:, :, 3:]
                rounds.append(torch.cat([turn @ more[:, :, :3], turn @ more[:, :, 3:] + shift], 2))
            return rounds

        def placed(self, seen: Any, pose: Any) -> Any:
            """Volumes as they are once a pose is undone."""
            at = torch.einsum("nij,zyxj->nzyxi", pose[:, :, :3], self.places) + pose[:, None, None, None, :, 3]
            return grid_sample(seen, (at / self.corner).flip(-1), padding_mode="border", align_corners=True)

        def posed(self, x: Any) -> Any:
            """Volumes (n, 1, z, y, x) as `stages` wants them."""
            with torch.no_grad():
                seen = self.seen_as(x)
                return self.placed(seen, self.poses(seen)[-1])

        def stages(self, posed: Any) -> list[Any]:
            x = self.trunk.act(self.trunk.bn1(self.trunk.conv1(posed)))
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
                stages = self.stages(self.posed(x))
            self.centre.copy_(torch.cat(stages, 1).mean(0))
            spread = [stage.std(0).square().mean().sqrt().clamp(min=1e-3).expand(stage.shape[1]) for stage in stages]
            self.scale.copy_(torch.cat(spread))

        def forward(self, x: Any) -> Any:
            return self.of_stages(self.stages(self.posed(x)))

        def groups(self, rate: float) -> list[dict[str, Any]]:
            """Poses learn at `rate`; the rest, which starts from something useful, at a quarter of it."""
            pose = {"params": list(self.pose.parameters()), "lr": rate}
            rest = [parameter for name, parameter in self.named_parameters() if not name.startswith("pose.")]
            return [pose, {"params": rest, "lr": rate / 4}]

        @staticmethod
        def seen_as(x: Any) -> Any:
            """Turn brightness into three channels, two of which hardly mind an inverted contrast.

            Mean 0 and SD 1 within tissue; the size of the gradient; how far from what is around it.
            """
            places = (2, 3, 4)
            tissue = (x > AIR).to(x.dtype)
            count = tissue.sum(places, keepdim=True).clamp(min=1)
            centred = x - (x * tissue).sum(places, keepdim=True) / count
            spread = ((centred**2 * tissue).sum(places, keepdim=True) / count).sqrt().clamp(min=1e-3)
            steps = [torch.roll(x, -1, axis) - torch.roll(x, 1, axis) for axis in places]
            slope = (steps[0] ** 2 + steps[1] ** 2 + steps[2] ** 2 + 1e-6).sqrt()
            slope = (slope / slope.mean(places, keepdim=True)).clamp(max=6)
            apart = x - around(x)
            apart = apart.abs() / (around(apart**2).sqrt() + AIR)
            return torch.cat([centred / spread, slope - 1, apart - 0.5], 1)

    def around(x: Any) -> Any:
        """Means of cubes, axis by axis: fewer products than all at once."""
        for axis in range(3):
            size, padding = [1, 1, 1], [0, 0, 0]
            size[axis], padding[axis] = LOCAL, LOCAL // 2
            x = avg_pool3d(x, size, 1, padding)
        return x

    return VolumeNet()
