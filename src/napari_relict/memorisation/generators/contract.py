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
    autoencoder : tuple of int
        Channels of each level of the autoencoder of a latent diffusion model.
    denoiser : tuple of int
        Likewise of the network that is trained to take noise away; all multiples of 8.
    direct : tuple of int
        Of the networks of a VAE and of a GAN, from the volume inwards; each level halves the sides.
    latent : int
        Length of the vector that a VAE or a GAN makes a volume of.
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
        """Draw the volumes of one step.

        Parameters
        ----------
        step : int
            Its number, from 0.

        Returns
        -------
        torch.Tensor of float32, shape (n, 1, z, y, x)
            On the CPU.
        """

    def rounds(self, count: int) -> Iterator[Any]:
        """Give all volumes, several times over, in batches; augmented anew each time.

        Parameters
        ----------
        count : int
            How many times.

        Returns
        -------
        iterator of torch.Tensor
            Each float32 (n, 1, z, y, x).
        """


@dataclass(frozen=True)
class Stage:
    """One part of a training; of the last part, the length is varied.

    Attributes
    ----------
    name : str
        As people read it.
    steps : int
        How many it takes.
    begin : callable
        Called before its first step, and again when a stopped training goes on.
    step : callable
        One step of the optimisers, by its number.
    """

    name: str
    steps: int
    begin: Callable[[Feed], None]
    step: Callable[[int], None]


class Generator(Protocol):
    """Networks that learn from volumes and make new ones.

    What is random comes from torch's generator as it stands.

    Attributes
    ----------
    stages : tuple of Stage
        Parts of its training, in order.
    """

    stages: tuple[Stage, ...]

    def parts(self) -> Mapping[str, Any]:
        """List networks and optimisers: all that has a state.

        Returns
        -------
        mapping of str to object
            By name.
        """

    def sample(self, count: int) -> np.ndarray:
        """Draw new volumes.

        Parameters
        ----------
        count : int
            How many.

        Returns
        -------
        numpy.ndarray of float32, shape (count, z, y, x)
            Standardised as what was learnt from is.
        """
