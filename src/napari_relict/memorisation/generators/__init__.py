"""Generators of volumes by name. A new one: write its file, add its line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from napari_relict.memorisation.generators.contract import Feed, Generator, Stage, Widths


@dataclass(frozen=True)
class Kind:
    """What people call a generator."""

    title: str


KINDS: Mapping[str, Kind] = {
    "ldm": Kind("latent diffusion"),
    "vae": Kind("VAE"),
    "gan": Kind("GAN"),
}

__all__ = ["KINDS", "Feed", "Generator", "Kind", "Stage", "Widths"]
