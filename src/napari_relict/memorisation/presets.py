"""How large a study of memorisation is: grids, networks, lengths, numbers of volumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from napari_relict.memorisation.generators import Widths

NetworkSize = Literal["small", "medium", "large"]


@dataclass(frozen=True)
class Preset:
    """How large a study of memorisation is.

    Attributes
    ----------
    longest : int
        Voxels of the grid's longest side; the others follow, each filled up to a multiple of `divisor`.
    blocks : int
        See `LatentDiffusion`.
    widths : mapping of NetworkSize to Widths
        By size of the networks.
    autoencoder_steps : int
        Of the autoencoder.
    steps : int
        Of the diffusion model.
    direct_steps : mapping of str to int
        Of a VAE or a GAN.
    batch : int
        Volumes a step.
    lengths : tuple of float, default: (0.125, 0.25, 0.5, 1.0)
        Shares of the latter two after which volumes are sampled, rising to 1.
    shares : tuple of 3 float, default: (0.2, 0.5, 1.0)
        Of the training patients; the middle one is the base's.
    encoded : int, default: 16
        Times each augmented volume is encoded for the diffusion model.
    synthetic : int, default: 48
        Volumes sampled.
    sampling_steps : int, default: 30
        Of DDIM.
    repeats : int, default: 1
        Trainings of each setting, each with another seed and, where not all are used, other patients.
    """

    longest: int
    blocks: int
    widths: Mapping[NetworkSize, Widths]
    autoencoder_steps: int
    steps: int
    direct_steps: Mapping[str, int]
    batch: int
    lengths: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0)
    shares: tuple[float, float, float] = (0.2, 0.5, 1.0)
    encoded: int = 16
    synthetic: int = 48
    sampling_steps: int = 30
    repeats: int = 1
    augmented_longer: ClassVar[int] = 4

    @property
    def divisor(self) -> int:
        """What sides are filled up to a multiple of: networks halve them, and start from blocks of voxels."""
        return 16 if self.blocks == 1 else 8


PRESETS: Mapping[str, Preset] = {
    "cpu": Preset(
        longest=24,
        blocks=4,
        widths={
            "small": Widths((32,), (8, 16), (8, 16, 32), 32),
            "medium": Widths((32,), (16, 32), (8, 16, 32), 64),
            "large": Widths((32,), (24, 48), (8, 16, 32), 128),
        },
        autoencoder_steps=400,
        steps=2400,
        direct_steps={"vae": 2400, "gan": 400},
        batch=8,
        lengths=(0.25, 0.5, 1.0),
        synthetic=120,
        repeats=4,
    ),
    "gpu": Preset(
        longest=128,
        blocks=1,
        widths={
            "small": Widths((32, 64, 64), (64, 128, 128), (16, 32, 64, 128), 256),
            "medium": Widths((32, 64, 128), (128, 256, 256), (32, 64, 128, 256), 512),
            "large": Widths((64, 128, 128), (256, 512, 768), (64, 128, 256, 512), 1024),
        },
        autoencoder_steps=40_000,
        steps=100_000,
        direct_steps={"vae": 100_000, "gan": 100_000},
        batch=4,
        shares=(0.1, 0.5, 1.0),
        synthetic=500,
        sampling_steps=100,
        repeats=3,
    ),
}
