"""Contrastive copy detection (Dar et al., arXiv 2402.01054): two views of a volume attract, other volumes repel.

Theirs are NT-Xent at temperature .07, 32 features, turns and flips as positives, Adam at 1e-4, batches of 10, 200
epochs, similarity by Pearson correlation. Ours are the network and, unless `published`, wider positives: everything
that leaves anatomy as it is, and small deformations. Embeddings have their mean taken away, so cosine is Pearson
correlation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_relict.encoders.inputs import standardised
from napari_relict.encoders.volume_net import volume_net
from napari_relict.training.augmentation import published_contrastive, structure_preserving
from napari_relict.training.changes import warped
from napari_relict.training.loop import Schedule
from napari_relict.training.volumes import SeenVolumes, runs

KIND = "contrastive"
ARCHITECTURE: Mapping[str, Any] = {"channels": (16, 32, 64, 128), "blocks": (1, 1, 1, 1), "features": 32}
SCHEDULE = Schedule(epochs=100, patience=20, batch=10, rate=5e-4, decay=0.0, clip=1.0, seed=0)
PUBLISHED = Schedule(epochs=200, patience=200, batch=10, rate=1e-4, decay=0.0, clip=1e9, seed=0)
TEMPERATURE = 0.07
BENT = 1.5  # mm, at most, of our positives
FINEST = 4.0  # mm a voxel


@dataclass(frozen=True)
class Views:
    """Two views of each volume of a batch: float32 (n, 1, z, y, x)."""

    one: Any
    other: Any


class Contrastive:
    """`Task` of the training loop."""

    def __init__(
        self,
        learned: SeenVolumes,
        checking: SeenVolumes,
        schedule: Schedule,
        device: str = "cpu",
        *,
        published: bool = False,
    ) -> None:
        import torch
        from monai.losses import ContrastiveLoss

        torch.manual_seed(schedule.seed)
        self.net = volume_net(ARCHITECTURE)
        self._learned, self._schedule, self._device = learned, schedule, device
        self._augment = published_contrastive() if published else structure_preserving(learned.grid.spacing)
        self._bent = 0.0 if published else BENT
        self._contrast = ContrastiveLoss(TEMPERATURE)
        self._checked = list(self._made(checking, (schedule.seed, 1)))
        self.net.centre_on(torch.cat([batch.one for batch in self._checked]))

    def groups(self, rate: float) -> list[dict[str, Any]]:
        return [{"params": list(self.net.parameters()), "lr": rate}]

    def batch_count(self) -> int:
        return len(runs(len(self._learned), self._schedule.batch))

    def batches(self, epoch: int) -> Iterator[Views]:
        return self._made(self._learned, (self._schedule.seed, 2, epoch))

    def loss(self, batch: Views) -> Any:
        one, other = (self.net(view.to(self._device)) for view in (batch.one, batch.other))
        return self._contrast(one - one.mean(1, keepdim=True), other - other.mean(1, keepdim=True))

    def checking_loss(self) -> float:
        import torch

        self.net.eval()
        with torch.no_grad():
            return float(np.mean([float(self.loss(batch)) for batch in self._checked]))

    def _made(self, volumes: SeenVolumes, seed: tuple[int, ...]) -> Iterator[Views]:
        import torch

        rng = np.random.default_rng(seed)
        self._augment.set_random_state(seed=int(rng.integers(2**31)))
        order = rng.permutation(len(volumes))
        for start, end in runs(len(order), self._schedule.batch):
            images = [volumes[place] for place in order[start:end]]
            one, other = (
                torch.from_numpy(np.stack([self._view(image, volumes, rng) for image in images])) for _ in range(2)
            )
            yield Views(one, other)

    def _view(self, image: np.ndarray, volumes: SeenVolumes, rng: np.random.Generator) -> np.ndarray:
        import torch

        if self._bent:
            image = warped(image, float(rng.uniform(0, self._bent)), volumes.grid.spacing, rng)
        return standardised(np.asarray(self._augment(torch.from_numpy(image[None]))))
