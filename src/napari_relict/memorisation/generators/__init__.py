"""Generators of volumes by name. A new one: write its file, add its line here."""

from __future__ import annotations

from collections.abc import Mapping

from napari_relict.memorisation.generators.contract import Feed, Generator, Stage, Widths

KINDS: Mapping[str, str] = {"ldm": "latent diffusion", "vae": "VAE", "gan": "GAN"}

__all__ = ["KINDS", "Feed", "Generator", "Stage", "Widths"]
