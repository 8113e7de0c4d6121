"""A small generative adversarial network of MONAI's parts (Goodfellow et al. 2014; least squares: Mao et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_relict.memorisation.generators.contract import Feed, Stage, Widths


class Adversarial:
    """MONAI's `Generator` against its `Discriminator`, one step of each in turn.

    Parameters
    ----------
    shape : tuple of 3 int
        Z, y, x, multiples of 2 to the number of levels.
    widths : Widths
        `direct` and `latent` count.
    steps : int
        Of the last stage.
    device : str
        "cpu" or "cuda".

    Notes
    -----
    Goodfellow et al. (2014); least squares: Mao et al. (2017).
    """

    def __init__(self, shape: tuple[int, int, int], widths: Widths, *, steps: int, device: str) -> None:
        import torch
        from monai.networks.nets import Discriminator
        from monai.networks.nets import Generator as Maker

        levels = len(widths.direct)
        self._device, self._latent = device, widths.latent
        inner = tuple(side // 2**levels for side in shape)
        self._maker = Maker(
            latent_shape=(widths.latent,),
            start_shape=(widths.direct[-1], *inner),
            channels=(*widths.direct[-2::-1], widths.direct[0], 1),
            strides=(*(2,) * levels, 1),
            num_res_units=1,
        ).to(device)
        self._critic = Discriminator(
            in_shape=(1, *shape), channels=widths.direct, strides=(2,) * levels, num_res_units=1, last_act=None
        ).to(device)
        self._optimisers = {
            "maker": torch.optim.Adam(self._maker.parameters(), lr=5e-4, betas=(0.5, 0.999)),
            "critic": torch.optim.Adam(self._critic.parameters(), lr=5e-4, betas=(0.5, 0.999)),
        }
        self._feed: Feed | None = None
        self.stages: tuple[Stage, ...] = (Stage("GAN", steps, self._take, self._learn),)

    def parts(self) -> Mapping[str, Any]:
        """List networks and optimisers.

        Returns
        -------
        mapping of str to object
            By name.
        """
        return {
            "net maker": self._maker,
            "net critic": self._critic,
            **{f"optimiser {name}": optimiser for name, optimiser in self._optimisers.items()},
        }

    def sample(self, count: int) -> np.ndarray:
        """Draw new volumes.

        Parameters
        ----------
        count : int
            How many.

        Returns
        -------
        numpy.ndarray of float32, shape (count, z, y, x)
            Standardised.
        """
        import torch

        self._maker.eval()
        with torch.no_grad():
            made = self._make(count)
        return np.asarray(made[:, 0].cpu().numpy(), np.float32)

    def _make(self, count: int) -> Any:
        import torch

        return self._maker(torch.randn(count, self._latent).to(self._device))

    def _take(self, feed: Feed) -> None:
        self._feed = feed

    def _learn(self, step: int) -> None:
        assert self._feed is not None
        volumes = self._feed.batch(step).to(self._device)
        self._maker.train()
        self._critic.train()
        made = self._make(len(volumes))
        real, false = self._critic(volumes), self._critic(made.detach())
        self._update("critic", ((real - 1) ** 2).mean() + (false**2).mean())
        self._update("maker", ((self._critic(made) - 1) ** 2).mean())

    def _update(self, name: str, loss: Any) -> None:
        for optimiser in self._optimisers.values():
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimisers[name].step()
