"""DeepSSIM in 3D: cosines of embeddings learn the SSIM that the pair has when it lies aligned.

After DeepSSIM (arXiv 2509.16582) and DeepSSIM++ (arXiv 2609.03615), which are 2D. Theirs are: mean squared error
between cosine and SSIM, structure-preserving augmentation of each image by itself, pairs stratified by SSIM, AdamW,
gradients clipped at 1. Ours: volumes, a small 3D network, pairs made from posed volumes with `changes`, all pairs of a
batch, other augmentations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from napari_relict.encoders.inputs import standardised
from napari_relict.encoders.volume_net import volume_net
from napari_relict.measures.ssim import local_statistics, ssim
from napari_relict.training.augmentation import structure_preserving
from napari_relict.training.changes import changed
from napari_relict.training.loop import Schedule
from napari_relict.training.volumes import SeenVolumes, runs

KIND = "deepssim"
ARCHITECTURE: Mapping[str, Any] = {"channels": (16, 32, 64, 128), "blocks": (1, 1, 1, 1), "features": 256}
SCHEDULE = Schedule(epochs=60, patience=12, batch=8, rate=1e-3, decay=1e-3, clip=1.0, seed=0)
STRATA = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.01)  # of SSIM; each weighs the same, however many pairs it has
FINEST = 4.0  # mm a voxel


@dataclass(frozen=True)
class Batch:
    """`images` as the network sees them, float32 (n, 1, z, y, x), and the SSIM of each pair as it lay: (n, n)."""

    images: Any
    targets: Any


class DeepSSIM:
    """`Task` of the training loop."""

    def __init__(self, learned: SeenVolumes, checking: SeenVolumes, schedule: Schedule, device: str = "cpu") -> None:
        import torch

        torch.manual_seed(schedule.seed)
        self.net = volume_net(ARCHITECTURE)
        self._learned, self._schedule, self._device = learned, schedule, device
        self._augment = structure_preserving(learned.grid.spacing)
        self._checked = list(self._made(checking, (schedule.seed, 1)))
        self.net.centre_on(torch.cat([batch.images for batch in self._checked]))

    def groups(self, rate: float) -> list[dict[str, Any]]:
        return [{"params": list(self.net.parameters()), "lr": rate}]

    def batch_count(self) -> int:
        return len(runs(len(self._learned), self._schedule.batch))

    def batches(self, epoch: int) -> Iterator[Batch]:
        return self._made(self._learned, (self._schedule.seed, 2, epoch))

    def loss(self, batch: Batch) -> Any:
        import torch

        vectors = torch.nn.functional.normalize(self.net(batch.images.to(self._device)), dim=1)
        n = len(vectors)
        one, other = torch.triu_indices(n, n, 1)
        cosines, targets = (vectors @ vectors.T)[one, other], batch.targets.to(self._device)[one, other]
        return (weights_of(targets) * (cosines - targets) ** 2).sum()

    def checking_loss(self) -> float:
        import torch

        self.net.eval()
        with torch.no_grad():
            return float(np.mean([float(self.loss(batch)) for batch in self._checked]))

    def _made(self, volumes: SeenVolumes, seed: tuple[int, ...]) -> Iterator[Batch]:
        """Each volume once, beside a copy of it that was changed more or less."""
        rng = np.random.default_rng(seed)
        self._augment.set_random_state(seed=int(rng.integers(2**31)))
        order = rng.permutation(len(volumes))
        for start, end in runs(len(order), self._schedule.batch):
            originals = [volumes[place] for place in order[start:end]]
            strangers = originals[1:] + originals[:1]
            images = originals + [
                changed(image, stranger, volumes.grid.spacing, rng)
                for image, stranger in zip(originals, strangers, strict=True)
            ]
            yield self._batch(images)

    def _batch(self, images: list[np.ndarray]) -> Batch:
        import torch

        targets = torch.from_numpy(ssim_of_pairs(images))
        augmented = [standardised(np.asarray(self._augment(torch.from_numpy(image[None])))) for image in images]
        return Batch(torch.from_numpy(np.stack(augmented)), targets)


def ssim_of_pairs(images: list[np.ndarray]) -> np.ndarray:
    """float32 (n, n), uniform window."""
    statistics = [local_statistics(image) for image in images]
    found = np.eye(len(images), dtype=np.float32)
    for a, b in combinations(range(len(images)), 2):
        found[a, b] = found[b, a] = ssim(images[a], images[b], statistics=(statistics[a], statistics[b]))
    return found


def weights_of(targets: Any) -> Any:
    """A weight for each pair such that every stratum that occurs weighs the same, summing to 1."""
    import torch

    stratum = torch.bucketize(targets, torch.tensor(STRATA[1:-1], device=targets.device))
    counts = torch.bincount(stratum, minlength=len(STRATA) - 1)
    weights = 1.0 / counts[stratum]
    return weights / weights.sum()
