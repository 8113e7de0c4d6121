"""Contrastive copy detection trained here (after Dar et al.): similarity is the Pearson correlation of embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_relict.encoders import deepssim
from napari_relict.encoders.contract import Encoder, EncoderKind
from napari_relict.encoders.learned import LearnedVolumes

NEEDS = replace(deepssim.NEEDS, source="napari-relict train contrastive STUDY")


def _open(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    assert weights is not None  # the registry sees to it
    return LearnedVolumes(name, KIND.title, KIND.name, weights, NEEDS, device, pearson=True)


KIND = EncoderKind("contrastive", "Contrastive", NEEDS, (), _open)
