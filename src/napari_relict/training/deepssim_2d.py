"""DeepSSIM as published (arXiv 2509.16582): axial slices, cosines that learn the SSIM of pairs of them.

Published are the target (SSIM with a 7 x 7 uniform window, K1 .01, K2 .03, the range of values of the first image),
the head of ConvNeXt-B (1024, 512, 256), augmentation, AdamW at 1e-3 with decay 1e-3, batches of 32, 40 epochs,
gradients clipped at 1; of DeepSSIM++ (arXiv 2609.03615) the pooling of four stages, the frozen first stage, rates that
fall by .3 a stage, 65 epochs and pairs stratified by SSIM. How pairs are drawn otherwise is ours: a slice, one nearby
or at the same height of another volume. Backbones start from an ImageNet file where one is given; MobileNetV2's comes
with a package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from skimage.metrics import structural_similarity

from napari_relict.encoders.slice_net import STAGES, slice_net
from napari_relict.encoders.slices import chosen_slices
from napari_relict.encoders.weights import load_into, load_state_dict
from napari_relict.training.augmentation import published_deepssim
from napari_relict.training.deepssim import loss_of_pairs
from napari_relict.training.loop import Schedule, TrainingTask
from napari_relict.training.volumes import SeenVolumes

KIND = "deepssim_2d"
SCHEDULE = Schedule(epochs=40, patience=10, batch=32, rate=1e-3, decay=1e-3, clip=1.0, seed=0)
FINEST = 2.0  # mm a pixel; slices are those of the study's grid
SLICES_EACH = 4  # of a volume in an epoch
NEARBY = 8  # slices a companion from the same volume is away, at most
STAGE_DECAY = 0.3


def architecture_of(backbone: str) -> Mapping[str, Any]:
    """Say what the network is built from.

    ConvNeXt-B has DeepSSIM's head, the smaller backbones that of DeepSSIM++.

    Parameters
    ----------
    backbone : str
        One of `BACKBONES`.

    Returns
    -------
    mapping of str to object
        For `slice_net`.
    """
    return {"backbone": backbone, "head": "mlp" if backbone == "convnext_base" else "gem", "features": 256}


@dataclass(frozen=True)
class Slices:
    """Slices of a batch and what their cosines should be.

    Attributes
    ----------
    images : torch.Tensor of float32, shape (n, y, x)
        Augmented slices, 0 to 1.
    targets : torch.Tensor of shape (n, n)
        The SSIM of each pair as it lay.
    """

    images: Any
    targets: Any


class DeepSSIMSlices(TrainingTask):
    """Cosines of embeddings of axial slices learn the SSIM of pairs of them.

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
    backbone : str, default: 'mobilenet_v2'
        One of `BACKBONES`.
    weights : pathlib.Path, optional
        ImageNet file of the backbone; it starts from nothing without one.

    Raises
    ------
    DataError
        The weights are those of another network.

    Notes
    -----
    arXiv 2509.16582; of DeepSSIM++ (arXiv 2609.03615) what the module says.
    """

    def __init__(
        self,
        learned: SeenVolumes,
        checking: SeenVolumes,
        schedule: Schedule,
        device: str = "cpu",
        *,
        backbone: str = "mobilenet_v2",
        weights: Path | None = None,
    ) -> None:
        import torch

        torch.manual_seed(schedule.seed)
        self.architecture = architecture_of(backbone)
        self.net = slice_net(self.architecture)
        if weights is not None:
            expected = f"torchvision's {backbone}"
            state = load_state_dict(weights, expected)
            features = {
                key.removeprefix("features."): tensor for key, tensor in state.items() if key.startswith("features.")
            }
            load_into(self.net.features, features, weights, expected)
        self._ends = STAGES[backbone][0]
        self._learned, self._schedule, self._device = learned, schedule, device
        self._augment = published_deepssim()
        self.checked = list(self._made(checking, (schedule.seed, 1)))

    def groups(self, rate: float) -> list[dict[str, Any]]:
        """List the parameter groups of the optimiser.

        The first stage rests (DeepSSIM++); each earlier stage learns at .3 of the rate of the one after it.

        Parameters
        ----------
        rate : float
            Of the head.

        Returns
        -------
        list of dict of str to object
            As torch's optimisers take them.
        """
        groups = [{"params": [*self.net.head.parameters(), self.net.powers], "lr": rate}]
        for place, layer in enumerate(self.net.features):
            stage = next((number for number, end in enumerate(self._ends) if place <= end), None)
            for parameter in layer.parameters():
                parameter.requires_grad_(bool(stage))
            if stage:
                groups.append(
                    {"params": list(layer.parameters()), "lr": rate * STAGE_DECAY ** (len(self._ends) - stage)}
                )
        return groups

    def batch_count(self) -> int:
        """Count the batches of an epoch.

        Returns
        -------
        int
            How many there are.
        """
        return -(-len(self._learned) * SLICES_EACH * 2 // self._schedule.batch)

    def batches(self, epoch: int) -> Iterator[Slices]:
        """Draw slices, each beside one nearby or at the same height of another volume.

        Parameters
        ----------
        epoch : int
            Its number.

        Returns
        -------
        iterator of Slices
            Batches.
        """
        return self._made(self._learned, (self._schedule.seed, 2, epoch))

    def loss(self, batch: Slices) -> Any:
        """Compute the loss of all pairs.

        Parameters
        ----------
        batch : Slices
            Of `batches`.

        Returns
        -------
        torch.Tensor
            A differentiable number.
        """
        return loss_of_pairs(self.net(batch.images.to(self._device)), batch.targets.to(self._device))

    def _made(self, volumes: SeenVolumes, seed: tuple[int, ...]) -> Iterator[Slices]:
        rng = np.random.default_rng(seed)
        self._augment.set_random_state(seed=int(rng.integers(2**31)))
        slices: list[np.ndarray] = []
        size = self._schedule.batch
        order = rng.permutation(len(volumes))
        for place, follower in zip(order, np.roll(order, -1), strict=True):
            volume, stranger = volumes[int(place)], volumes[int(follower)]
            heights = chosen_slices(len(volume), len(volume))
            for height in rng.choice(heights, SLICES_EACH):
                nearby = int(np.clip(height + rng.integers(-NEARBY, NEARBY + 1), 0, len(volume) - 1))
                slices += [volume[height], stranger[height] if rng.random() < 0.3 else volume[nearby]]
            while len(slices) >= size:
                yield self._batch(slices[:size])
                slices = slices[size:]
        if len(slices) > 1:
            yield self._batch(slices)

    def _batch(self, slices: list[np.ndarray]) -> Slices:
        import torch

        targets = torch.from_numpy(ssim_of_slices(slices))
        augmented = [
            np.asarray(self._augment(torch.from_numpy(np.ascontiguousarray(pixels[None]))))[0] for pixels in slices
        ]
        return Slices(torch.from_numpy(np.stack(augmented)), targets)


def ssim_of_slices(slices: list[np.ndarray]) -> np.ndarray:
    """Compute the SSIM of all pairs, as published: row i by the range of values of slice i.

    Parameters
    ----------
    slices : list of numpy.ndarray of shape (y, x)
        Slices, 0 to 1.

    Returns
    -------
    numpy.ndarray of float32, shape (n, n)
        The upper triangle is what is learned.
    """
    matrix = np.eye(len(slices), dtype=np.float32)
    for a, pixels in enumerate(slices):
        span = max(float(pixels.max() - pixels.min()), 1e-3)
        for b in range(a + 1, len(slices)):
            matrix[a, b] = structural_similarity(pixels, slices[b], data_range=span)
    return matrix
