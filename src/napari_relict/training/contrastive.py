"""Contrastive copy detection (Dar et al., arXiv 2402.01054): two views of a volume attract, other volumes repel.

Theirs are NT-Xent at temperature .07, 32 features, turns and flips as positives, Adam at 1e-4, batches of 10, 200
epochs, similarity by Pearson correlation. Ours are the network and, unless `published`, everything else: poses that the
network learns to undo, views that leave anatomy as it is, and beside each volume a second patient made of it, who is
the hardest to tell from it. Embeddings have their mean taken away, so cosine is Pearson correlation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_relict.encoders.trained import InputGrid
from napari_relict.encoders.volume_net import CHANNELS, volume_net
from napari_relict.training.augmentation import published_contrastive
from napari_relict.training.changes import another_patient
from napari_relict.training.loop import Schedule, TrainingTask
from napari_relict.training.poses import Posed, embedded, stacked
from napari_relict.training.views import View, Views
from napari_relict.training.volumes import SeenVolumes, runs

KIND = "contrastive"
SCHEDULE = Schedule(epochs=30, patience=30, batch=8, rate=2e-3, decay=1e-3, clip=1.0, seed=0)
PUBLISHED = Schedule(epochs=200, patience=200, batch=10, rate=1e-4, decay=0.0, clip=1e9, seed=0)
ROUNDS = 5  # views of each volume in an epoch of ours
TEMPERATURE = 0.07
BENT = 1.5  # mm, at most, of our positives
INVERTED = 0.5  # share of our views whose contrast is inverted
FINEST = 8.0  # mm a voxel


def architecture_of(grid: InputGrid, *, published: bool = False) -> dict[str, Any]:
    """Say what the network is built from.

    Parameters
    ----------
    grid : InputGrid
        What the network sees.
    published : bool, default: False
        As Dar et al. have it: 32 features.

    Returns
    -------
    dict of str to object
        For `volume_net`.
    """
    return {
        "channels": CHANNELS,
        "blocks": (1, 1, 1, 1),
        "features": 32 if published else 64,
        "shape": grid.shape,
        "spacing": grid.spacing,
    }


@dataclass(frozen=True)
class Pairs:
    """Two views of each volume of a batch.

    Attributes
    ----------
    one, other : Posed
        The two views.
    """

    one: Posed
    other: Posed


class Contrastive(TrainingTask):
    """Two views of a volume attract, other volumes repel.

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
    published : bool, default: False
        Positives and schedule of Dar et al.

    Notes
    -----
    NT-Xent as in Dar et al., arXiv 2402.01054.
    """

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
        self.architecture: Mapping[str, Any] = architecture_of(learned.grid, published=published)
        self.net = volume_net(self.architecture)
        self._learned, self._schedule, self._device = learned, schedule, device
        self._published = published_contrastive() if published else None
        self._views, self._rounds = Views(learned.grid), 1 if published else ROUNDS
        self._contrast = ContrastiveLoss(TEMPERATURE)
        self.checked = list(self._made(checking, (schedule.seed, 1), 1))
        self.net.centre_on(torch.cat([batch.one.images for batch in self.checked]))

    def batch_count(self) -> int:
        """Count the batches of an epoch.

        Returns
        -------
        int
            How many there are.
        """
        return self._rounds * len(runs(len(self._learned), self._schedule.batch))

    def batches(self, epoch: int) -> Iterator[Pairs]:
        """Draw two views of each volume, in a new order.

        Parameters
        ----------
        epoch : int
            Its number.

        Returns
        -------
        iterator of Pairs
            Batches.
        """
        return self._made(self._learned, (self._schedule.seed, 2, epoch), self._rounds)

    def loss(self, batch: Pairs) -> Any:
        """Compute the contrastive loss, and what undoing poses still owes.

        Parameters
        ----------
        batch : Pairs
            Of `batches`.

        Returns
        -------
        torch.Tensor
            A differentiable number.
        """
        (one, of_one), (other, of_other) = (embedded(self.net, v, self._device) for v in (batch.one, batch.other))
        contrast = self._contrast(one - one.mean(1, keepdim=True), other - other.mean(1, keepdim=True))
        return contrast if self._published else contrast + (of_one + of_other) / 2

    def _made(self, volumes: SeenVolumes, seed: tuple[int, ...], rounds: int) -> Iterator[Pairs]:
        rng = np.random.default_rng(seed)
        if self._published:
            self._published.set_random_state(seed=int(rng.integers(2**31)))
        for _ in range(rounds):
            order = rng.permutation(len(volumes))
            for start, end in runs(len(order), self._schedule.batch):
                yield Pairs(*self._pairs(volumes, order[start:end], rng))

    def _pairs(self, volumes: SeenVolumes, places: np.ndarray, rng: np.random.Generator) -> tuple[Posed, Posed]:
        views: list[tuple[View, View]] = []
        for place in places:
            if self._published:
                views.append((self._published_view(volumes[place]), self._published_view(volumes[place])))
                continue
            mirror, seed = -1 if rng.random() < 0.5 else 1, int(rng.integers(2**31))
            for another in (False, True):
                pair = []
                for _ in range(2):
                    image = volumes.inverted(place) if rng.random() < INVERTED else volumes[place]
                    image = image[..., ::mirror]
                    if another:  # the same other patient both times
                        image = another_patient(image, volumes.grid.spacing, np.random.default_rng(seed))
                    pair.append(self._views(image, rng, float(rng.uniform(0, BENT))))
                views.append((pair[0], pair[1]))
        return stacked([first for first, _ in views]), stacked([other for _, other in views])

    def _published_view(self, image: np.ndarray) -> View:
        import torch

        assert self._published is not None
        return View(np.asarray(self._published(torch.from_numpy(image[None])))[0], np.eye(3, 4, dtype=np.float32))
