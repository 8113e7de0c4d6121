"""DeepSSIM trained here: embeddings whose cosine foretells the SSIM of a pair, however it lies; in 3D and on slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_relict.encoders.contract import Encoder, EncoderKind, Needs
from napari_relict.encoders.learned import LearnedSlices, LearnedVolumes
from napari_relict.encoders.slices import IMAGENET, SLICES
from napari_relict.encoders.trained import DIVISOR
from napari_relict.encoders.volume_net import STAGES

NEEDS = Needs(
    dimensions=3,
    channels=1,
    intensity="0..1; made to be compared inside the network",
    orientation="LPS",
    spacing=None,
    divisor=DIVISOR,
    layers=STAGES,
    pooling="generalised mean of cells of four stages, once the pose is undone",
    source="napari-relict train deepssim STUDY",
    sha256=None,
    licence="your own",
)
NEEDS_2D = replace(
    NEEDS,
    dimensions=2,
    channels=3,
    intensity=f"0..1; {IMAGENET}",
    pooling=f"as its head has it, over each of {SLICES} axial slices",
    source="napari-relict train deepssim_2d STUDY",
)


def _open(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    assert weights is not None  # the registry sees to it
    return LearnedVolumes(name, KIND.title, KIND.name, weights, NEEDS, device)


def _open_2d(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    assert weights is not None
    return LearnedSlices(name, KIND_2D.title, KIND_2D.name, weights, NEEDS_2D, device)


KIND = EncoderKind("deepssim", "DeepSSIM 3D", NEEDS, (), _open)
KIND_2D = EncoderKind("deepssim_2d", "DeepSSIM slices", NEEDS_2D, (), _open_2d)
