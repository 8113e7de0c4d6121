"""MONAI's variational autoencoder (Kingma & Welling 2014)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_relict.memorisation.generators.contract import Feed, Stage, Widths

NOISE = 2.0  # of a voxel about what the decoder says, in those of all voxels; with less, draws resemble nobody


class Variational:
    """A `VarAutoEncoder`: squared error of voxels and the KL of its latent vector.

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
    Kingma & Welling (2014).
    """

    def __init__(self, shape: tuple[int, int, int], widths: Widths, *, steps: int, device: str) -> None:
        import torch
        from monai.networks.nets import VarAutoEncoder

        self._device, self._latent = device, widths.latent
        self._net = VarAutoEncoder(
            spatial_dims=3,
            in_shape=(1, *shape),
            out_channels=1,
            latent_size=widths.latent,
            channels=widths.direct,
            strides=(2,) * len(widths.direct),
            use_sigmoid=False,
        ).to(device)
        self._optimiser = torch.optim.Adam(self._net.parameters(), lr=1e-3)
        self._feed: Feed | None = None
        self.stages: tuple[Stage, ...] = (Stage("VAE", steps, self._take, self._learn),)

    def parts(self) -> Mapping[str, Any]:
        """List network and optimiser.

        Returns
        -------
        mapping of str to object
            By name.
        """
        return {"net": self._net, "optimiser": self._optimiser}

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

        self._net.eval()
        with torch.no_grad():
            made = self._net.decode_forward(torch.randn(count, self._latent).to(self._device), False)
        return np.asarray(made[:, 0].cpu().numpy(), np.float32)

    def _take(self, feed: Feed) -> None:
        self._feed = feed

    def _learn(self, step: int) -> None:
        assert self._feed is not None
        volumes = self._feed.batch(step).to(self._device)
        self._net.train()
        made, mean, log_variance, _ = self._net(volumes)
        apart = ((made - volumes) ** 2).flatten(1).sum(1) / (2 * NOISE**2)
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
        loss = (apart + kl).mean() / volumes[0].numel()
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
