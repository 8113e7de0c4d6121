"""MONAI's autoencoder and a diffusion model on what it makes of volumes (Rombach et al. 2022; Pinaya et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_relict.memorisation.generators.contract import Feed, Stage, Widths

LATENT_CHANNELS = 4
TIMESTEPS = 1000
KL = 1e-6
AVERAGING = 0.99  # of the denoiser's weights, from step to step
GROUPS = 8
AT_ONCE = 64  # latents drawn at once


class LatentDiffusion:
    """An `AutoencoderKL`, then a `DiffusionModelUNet` trained with `DDPMScheduler` and sampled with `DDIMScheduler`.

    The autoencoder learns with squared error and a small KL alone: adversarial and perceptual terms would add
    networks of their own to what is varied.

    Parameters
    ----------
    shape : tuple of 3 int
        Z, y, x, multiples of 8.
    widths : Widths
        `autoencoder` and `denoiser` count.
    blocks : int
        Volumes go in as blocks of so many voxels a side, one channel a voxel; 1 leaves them as they are.
    autoencoder_steps, steps : int
        Of the two stages.
    encoded : int
        Times the volumes are encoded for the second stage, augmented anew each time.
    batch : int
        Latents a step of the second stage.
    sampling_steps : int
        Of DDIM.
    device : str
        "cpu" or "cuda".

    Notes
    -----
    Rombach et al. (2022); Pinaya et al. (2022).
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        widths: Widths,
        *,
        blocks: int,
        autoencoder_steps: int,
        steps: int,
        encoded: int,
        batch: int,
        sampling_steps: int,
        device: str,
    ) -> None:
        import torch
        from monai.inferers import LatentDiffusionInferer
        from monai.networks.nets import AutoencoderKL, DiffusionModelUNet
        from monai.networks.schedulers import DDIMScheduler, DDPMScheduler
        from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

        levels = len(widths.autoencoder)
        self._blocks, self._encoded, self._batch, self._device = blocks, encoded, batch, device
        self.autoencoder = AutoencoderKL(
            spatial_dims=3,
            in_channels=blocks**3,
            out_channels=blocks**3,
            channels=widths.autoencoder,
            num_res_blocks=1,
            attention_levels=(False,) * levels,
            latent_channels=LATENT_CHANNELS,
            norm_num_groups=GROUPS,
            with_encoder_nonlocal_attn=False,
            with_decoder_nonlocal_attn=False,
        ).to(device)
        depth = len(widths.denoiser)
        self.denoiser = DiffusionModelUNet(
            spatial_dims=3,
            in_channels=LATENT_CHANNELS,
            out_channels=LATENT_CHANNELS,
            channels=widths.denoiser,
            num_res_blocks=1,
            attention_levels=(*(False,) * (depth - 1), True),
            num_head_channels=widths.denoiser[-1] // 2,
            norm_num_groups=GROUPS,
        ).to(device)
        # Volumes are drawn from the running mean of the weights: the last step's alone makes them come and go.
        self._averaged = AveragedModel(self.denoiser, multi_avg_fn=get_ema_multi_avg_fn(AVERAGING))
        self._optimisers = {
            "autoencoder": torch.optim.Adam(self.autoencoder.parameters(), lr=2e-3, fused=True),
            "denoiser": torch.optim.Adam(self.denoiser.parameters(), lr=2e-3, fused=True),
        }
        noise = {"schedule": "scaled_linear_beta", "beta_start": 0.0015, "beta_end": 0.0195, "clip_sample": False}
        self._training = DDPMScheduler(num_train_timesteps=TIMESTEPS, **noise)
        self._sampling = DDIMScheduler(num_train_timesteps=TIMESTEPS, **noise)
        self._sampling.set_timesteps(sampling_steps)
        self._inferer = LatentDiffusionInferer(self._training)
        self._latent_shape = tuple(side // (blocks * 2 ** (levels - 1)) for side in shape)
        self._feed: Feed | None = None
        self._latents: Any = None
        self.stages: tuple[Stage, ...] = (
            Stage("autoencoder", autoencoder_steps, self._take, self._learn_to_encode),
            Stage("diffusion", steps, self._encode, self._learn_to_denoise),
        )

    def parts(self) -> Mapping[str, Any]:
        """List networks and optimisers.

        Returns
        -------
        mapping of str to object
            By name.
        """
        return {
            "net autoencoder": self.autoencoder,
            "net denoiser": self.denoiser,
            "mean of denoisers": self._averaged,
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

        made = []
        denoiser = self._averaged.module.eval()
        with torch.no_grad():
            for start in range(0, count, AT_ONCE):
                shape = (min(AT_ONCE, count - start), LATENT_CHANNELS, *self._latent_shape)
                noise = torch.randn(shape).to(self._device)
                volumes = self._inferer.sample(noise, self.autoencoder, denoiser, self._sampling, verbose=False)
                made.append(self._whole(volumes))
        return np.concatenate(made)

    def reconstructed(self, volumes: np.ndarray) -> np.ndarray:
        """See volumes through the autoencoder: what the diffusion model could draw at best.

        Parameters
        ----------
        volumes : numpy.ndarray of shape (n, z, y, x)
            Standardised.

        Returns
        -------
        numpy.ndarray of float32, shape (n, z, y, x)

        """
        import torch

        self.autoencoder.eval()
        with torch.no_grad():
            tensor = torch.from_numpy(volumes[:, None]).to(self._device)
            latents = self.autoencoder.encode(self._in_blocks(tensor))[0]
            return self._whole(self.autoencoder.decode(latents))

    # Stages --------------------------------------------------------------------------------------------------

    def _take(self, feed: Feed) -> None:
        self._feed = feed

    def _learn_to_encode(self, step: int) -> None:
        assert self._feed is not None
        volumes = self._in_blocks(self._feed.batch(step).to(self._device))
        self.autoencoder.train()
        made, mean, sigma = self.autoencoder(volumes)
        kl = 0.5 * (mean**2 + sigma**2 - (sigma**2).clamp(1e-8).log() - 1).flatten(1).sum(1).mean()
        self._update("autoencoder", ((made - volumes) ** 2).mean() + KL * kl)

    def _encode(self, feed: Feed) -> None:
        """Encode once what the second stage learns from."""
        import torch

        self.autoencoder.eval()
        with torch.no_grad():
            rounds = (self._in_blocks(batch.to(self._device)) for batch in feed.rounds(self._encoded))
            self._latents = torch.cat([self.autoencoder.encode(volumes)[0] for volumes in rounds])
        self._inferer.scale_factor = 1 / float(self._latents.std())

    def _learn_to_denoise(self, step: int) -> None:
        import torch
        from torch.nn.functional import mse_loss

        chosen = self._latents[torch.randint(len(self._latents), (self._batch,)).to(self._device)]
        latents = chosen * self._inferer.scale_factor
        noise = torch.randn(latents.shape).to(self._device)
        times = torch.randint(TIMESTEPS, (len(latents),)).to(self._device)
        self.denoiser.train()
        noisy = self._training.add_noise(latents, noise, times)
        self._update("denoiser", mse_loss(self.denoiser(noisy, timesteps=times), noise))
        self._averaged.update_parameters(self.denoiser)

    def _update(self, name: str, loss: Any) -> None:
        optimiser = self._optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    def _in_blocks(self, volumes: Any) -> Any:
        from einops import rearrange

        side = self._blocks
        return rearrange(volumes, "n 1 (z a) (y b) (x c) -> n (a b c) z y x", a=side, b=side, c=side)

    def _whole(self, blocks: Any) -> np.ndarray:
        from einops import rearrange

        side = self._blocks
        volumes = rearrange(blocks, "n (a b c) z y x -> n (z a) (y b) (x c)", a=side, b=side, c=side)
        return np.asarray(volumes.cpu().numpy(), np.float32)
