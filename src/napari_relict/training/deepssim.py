"""DeepSSIM in 3D: cosines of embeddings learn the SSIM that the pair has when it lies aligned.

After DeepSSIM (arXiv 2509.16582) and DeepSSIM++ (arXiv 2609.03615), which are 2D. Theirs are: mean squared error
between cosine and SSIM, structure-preserving augmentation of each image by itself, pairs stratified by SSIM, AdamW,
gradients clipped at 1. Ours: volumes, a small 3D network that learns to undo poses first, pairs made from posed volumes
with `changes`, all pairs of a batch, other augmentations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from napari_relict.encoders.trained import InputGrid
from napari_relict.encoders.volume_net import CHANNELS, volume_net
from napari_relict.measures.ssim import local_statistics, ssim
from napari_relict.training.changes import changed
from napari_relict.training.loop import Schedule, TrainingTask
from napari_relict.training.poses import Posed, embedded, stacked
from napari_relict.training.views import Views
from napari_relict.training.volumes import SeenVolumes, runs

KIND = "deepssim"
SCHEDULE = Schedule(epochs=30, patience=30, batch=8, rate=2e-3, decay=1e-3, clip=1.0, seed=0)
ROUNDS = 5  # views of each volume in an epoch
STRATA = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97, 0.995, 1.01)  # of SSIM; each weighs the same, however many pairs it has
FINEST = 8.0  # mm a voxel
INVERTED = 0.5  # share of second views whose contrast is inverted


def architecture_of(grid: InputGrid) -> dict[str, Any]:
    """Say what the network is built from.

    Parameters
    ----------
    grid : InputGrid
        What the network sees.

    Returns
    -------
    dict of str to object
        For `volume_net`.
    """
    return {
        "channels": CHANNELS,
        "blocks": (1, 1, 1, 1),
        "features": 256,
        "shape": grid.shape,
        "spacing": grid.spacing,
    }


@dataclass(frozen=True)
class Batch:
    """Views of a batch and what their cosines should be.

    Attributes
    ----------
    views : Posed
        As the network sees them.
    targets : torch.Tensor of shape (n, n)
        The SSIM of each pair as it lay.
    """

    views: Posed
    targets: Any


class DeepSSIM(TrainingTask):
    """Cosines of embeddings learn the SSIM that the pair has when it lies aligned.

    Parameters
    ----------
    learned : SeenVolumes
        Volumes to learn from.
    checking : SeenVolumes
        Volumes that only check it.
    schedule : Schedule
        How long and how fast.
    device : str, default: 'cpu'
        "cpu" or "cuda".

    Notes
    -----
    After DeepSSIM (arXiv 2509.16582) and DeepSSIM++ (arXiv 2609.03615).
    """

    def __init__(self, learned: SeenVolumes, checking: SeenVolumes, schedule: Schedule, device: str = "cpu") -> None:
        import torch

        torch.manual_seed(schedule.seed)
        self.architecture: Mapping[str, Any] = architecture_of(learned.grid)
        self.net = volume_net(self.architecture)
        self._learned, self._schedule, self._device = learned, schedule, device
        self._views = Views(learned.grid)
        self.checked = list(self._made(checking, (schedule.seed, 1), 1))
        self.net.centre_on(torch.cat([batch.views.images for batch in self.checked]))

    def batch_count(self) -> int:
        """Count the batches of an epoch.

        Returns
        -------
        int
            How many there are.
        """
        return ROUNDS * len(runs(len(self._learned), self._schedule.batch))

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Draw each volume twice, beside two copies of it that were changed more or less.

        Parameters
        ----------
        epoch : int
            Its number.

        Returns
        -------
        iterator of Batch
            Batches.
        """
        return self._made(self._learned, (self._schedule.seed, 2, epoch), ROUNDS)

    def loss(self, batch: Batch) -> Any:
        """Compute the loss of all pairs, and what undoing poses still owes.

        Parameters
        ----------
        batch : Batch
            Of `batches`.

        Returns
        -------
        torch.Tensor
            A differentiable number.
        """
        vectors, of_poses = embedded(self.net, batch.views, self._device)
        return loss_of_pairs(vectors, batch.targets.to(self._device)) + of_poses

    def _made(self, volumes: SeenVolumes, seed: tuple[int, ...], rounds: int) -> Iterator[Batch]:
        """Each volume twice, beside two copies of it that were changed more or less."""
        rng = np.random.default_rng(seed)
        for _ in range(rounds):
            order = rng.permutation(len(volumes))
            for start, end in runs(len(order), self._schedule.batch):
                yield self._batch(volumes, order[start:end], rng)

    def _batch(self, volumes: SeenVolumes, places: np.ndarray, rng: np.random.Generator) -> Batch:
        import torch

        mirrors = [-1 if rng.random() < 0.5 else 1 for _ in places]
        originals = [
            np.ascontiguousarray(volumes[place][..., ::mirror]) for place, mirror in zip(places, mirrors, strict=True)
        ]
        strangers = originals[1:] + originals[:1]
        copies = [
            changed(image, stranger, volumes.grid.spacing, rng)
            for image, stranger in [*zip(originals, strangers, strict=True)] * 2
        ]
        images = [*originals, *copies]
        targets = ssim_of_pairs(images)
        again = [*range(len(images)), *range(len(originals))]  # a second view of each original
        views = [self._views(images[place], rng) for place in again[: len(images)]]
        for place, mirror, image in zip(places, mirrors, originals, strict=True):
            turned = volumes.inverted(place)[..., ::mirror] if rng.random() < INVERTED else image
            views.append(self._views(turned, rng))
        return Batch(stacked(views), torch.from_numpy(targets[np.ix_(again, again)]))


def loss_of_pairs(vectors: Any, targets: Any) -> Any:
    """Compute the weighted squared error of the cosines of all pairs.

    Parameters
    ----------
    vectors : torch.Tensor of shape (n, features)
        Embeddings.
    targets : torch.Tensor of shape (n, n)
        SSIM of each pair.

    Returns
    -------
    torch.Tensor
        A differentiable number.
    """
    import torch

    vectors = torch.nn.functional.normalize(vectors, dim=1)
    one, other = torch.triu_indices(len(vectors), len(vectors), 1)
    cosines, wanted = (vectors @ vectors.T)[one, other], targets[one, other]
    return (weights_of(wanted) * (cosines - wanted) ** 2).sum()


def ssim_of_pairs(images: list[np.ndarray]) -> np.ndarray:
    """Compute the SSIM of all pairs, with a uniform window.

    Parameters
    ----------
    images : list of numpy.ndarray of shape (z, y, x)
        Volumes, 0 to 1.

    Returns
    -------
    numpy.ndarray of float32, shape (n, n)

    """
    statistics = [local_statistics(image) for image in images]
    matrix = np.eye(len(images), dtype=np.float32)
    for a, b in combinations(range(len(images)), 2):
        matrix[a, b] = matrix[b, a] = ssim(images[a], images[b], statistics=(statistics[a], statistics[b]))
    return matrix


def weights_of(targets: Any) -> Any:
    """Weigh each pair such that every stratum of SSIM that occurs weighs the same.

    Parameters
    ----------
    targets : torch.Tensor of shape (pairs,)
        SSIM.

    Returns
    -------
    torch.Tensor of shape (pairs,)
        Weights, summing to 1.
    """
    import torch

    stratum = torch.bucketize(targets, torch.tensor(STRATA[1:-1], device=targets.device))
    counts = torch.bincount(stratum, minlength=len(STRATA) - 1)
    weights = 1.0 / counts[stratum]
    return weights / weights.sum()
