"""What a generator is: networks trained stage by stage, and volumes drawn from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Widths:
    """How large the networks of a generator are.

    Attributes
    ----------
    autoencoder : channels of each level of the autoencoder of a latent diffusion model.
    denoiser : likewise of the network that is trained to take noise away; all multiples of 8.
    direct : of the networks of a VAE and of a GAN, from the volume inwards; each level halves the sides.
    latent : length of the vector that a VAE or a GAN makes a volume of.
    """

    autoencoder: tuple[int, ...]
    denoiser: tuple[int, ...]
    direct: tuple[int, ...]
    latent: int


class Feed(Protocol):
    """Volumes to learn from: float32 tensors (n, 1, z, y, x) on the CPU, the same each time they are asked for.

    Their mean is taken away, and what is left has a standard deviation of 1 over all voxels.
    """

    def batch(self, step: int) -> Any:
        """Those of one step."""

    def rounds(self, count: int) -> Iterator[Any]:
        """All of them, `count` times over, in batches; augmented anew each time."""


@dataclass(frozen=True)
class Stage:
    """One part of a training; of the last part, the length is varied.

    Attributes
    ----------
    begin : called before its first step, and again when a stopped training goes on.
    step : one step of the optimisers, by its number.
    """

    name: str
    steps: int
    begin: Callable[[Feed], None]
    step: Callable[[int], None]


class Generator(Protocol):
    """Networks that learn from volumes and make new ones. What is random comes from torch's generator as it stands."""

    stages: tuple[Stage, ...]

    def parts(self) -> Mapping[str, Any]:
        """Networks and optimisers by name: all that has a state."""

    def sample(self, count: int) -> np.ndarray:
        """float32 (count, z, y, x), standardised as what was learnt from is."""
