"""Image encoders of SAM's layout (Kirillov et al., arXiv 2304.02643), MRI-CORE's among them, with a local file.

The network is written out here: a plain vision transformer whose blocks attend within windows, a few of them to the
whole image, with relative positions. Everything about its size is read off the file. Only the blocks are run: their
tokens, averaged, are the features; the neck that follows them serves segmentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Encoder, EncoderKind, Needs, Spacing
from napari_relict.encoders.inputs import whole
from napari_relict.encoders.network import NetworkEncoder, Vectors, vector_of
from napari_relict.encoders.sam_blocks import SamBlocks
from napari_relict.encoders.slices import IMAGENET, SLICES, axial_slices, colours
from napari_relict.encoders.weights import load_into, load_state_dict, sha256, wrong_file

EXPECTED = "an image encoder of SAM's layout"
PREFIX = "image_encoder."
OTHERS = ("prompt_encoder.", "mask_decoder.", "pixel_mean", "pixel_std")
AT_ONCE = 2  # slices
NEEDS = Needs(
    dimensions=2,
    channels=3,
    intensity=f"0..1; {IMAGENET}",
    orientation="LPS",
    spacing=None,
    divisor=16,
    layers=("block3", "block7", "block11"),
    pooling=f"mean over the tokens of each of {SLICES} axial slices, kept in order",
    source="your file: a checkpoint of SAM ViT-B or of MRI-CORE",
    sha256=None,
    licence="unstated",
)


class SamViT(NetworkEncoder):
    """Encoder: axial slices through the blocks of a SAM image encoder."""

    def __init__(self, name: str, weights: Path, slices: int, side: int | None, device: str) -> None:
        import torch

        digest = sha256(weights)
        state = load_state_dict(weights, EXPECTED)
        if any(key.startswith(PREFIX) for key in state):
            state = {key: one for key, one in state.items() if not key.startswith(OTHERS)}
            state = {key.removeprefix(PREFIX): one for key, one in state.items()}
        net = _network(state, weights)
        blocks = len(net.blocks)
        last = [blocks * part // 3 - 1 for part in (1, 2, 3)] if blocks >= 3 else [blocks - 1]
        needs = replace(
            NEEDS,
            layers=tuple(f"block{n}" for n in last),
            divisor=net.patch,
            pooling=f"mean over the tokens of each of {slices} axial slices, kept in order",
        )
        load_into(net, {key: one for key, one in state.items() if not key.startswith("neck.")}, weights, EXPECTED)
        self._slices, self._side = slices, side or net.pos_embed.shape[1] * net.patch
        self._side -= self._side % net.patch
        super().__init__(name, KIND.title, f"{digest}:{slices}x{self._side}", needs)
        self._device, self._blocks = torch.device(device), last
        self._net = net.eval().to(self._device)

    def run(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        import torch

        slices = axial_slices(image, self._slices, self._side, smoothing=0)
        found: list[list[Any]] = [[] for _ in self._blocks]
        with torch.inference_mode():
            for start in range(0, len(slices), AT_ONCE):
                tokens = self._net(colours(slices[start : start + AT_ONCE], self._device), self._blocks)
                for one, of_block in zip(found, tokens, strict=True):
                    one.append(of_block.mean((1, 2)))
            vectors = [vector_of(torch.cat(one)) for one in found]
        return vectors[-1], dict(zip(self.needs.layers, vectors, strict=True))


def _network(state: Mapping[str, Any], path: Path) -> Any:
    """A network of the size that the parameters have."""
    patches, places = state.get("patch_embed.proj.weight"), state.get("pos_embed")
    relative = [
        one
        for key, one in sorted(state.items(), key=lambda item: _block_of(item[0]))
        if re.fullmatch(r"blocks\.\d+\.attn\.rel_pos_h", key)
    ]
    if patches is None or places is None or patches.ndim != 4 or places.ndim != 4 or not relative:
        raise wrong_file(path, EXPECTED, "it has no patch_embed, pos_embed or relative positions")
    width, mlp = patches.shape[0], state.get("blocks.0.mlp.lin1.weight")
    head = relative[0].shape[1]
    if mlp is None or width % head:
        raise wrong_file(path, EXPECTED, "its blocks are of another kind")
    return SamBlocks.of(
        width=width,
        heads=width // head,
        hidden=mlp.shape[0],
        patch=patches.shape[-1],
        side=places.shape[1],
        spans=[(one.shape[0] + 1) // 2 for one in relative],
    )


def _block_of(key: str) -> int:
    match = re.match(r"blocks\.(\d+)\.", key)
    return int(match[1]) if match else -1


def _open(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    assert weights is not None
    side = whole(name, options, "side", 1) if "side" in options else None
    return SamViT(name, weights, whole(name, options, "slices", SLICES), side, device)


KIND = EncoderKind("sam_vit", "SAM image encoder (MRI-CORE)", NEEDS, ("slices", "side"), _open)
