"""Image encoders of SAM's layout (Kirillov et al., arXiv 2304.02643), MRI-CORE's among them, with a local file.

The network is written out here: a plain vision transformer whose blocks attend within windows, a few of them to the
whole image, with relative positions. Everything about its size is read off the file. Only the blocks are run: their
tokens, averaged, are the features; the neck that follows them serves segmentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Encoder, EncoderKind, Needs, Spacing
from napari_relict.encoders.inputs import whole
from napari_relict.encoders.network import NetworkEncoder, Vectors, vector_of
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
    divisor=16,
    layers=("block3", "block7", "block11"),
    pooling=f"mean over the tokens of each of {SLICES} axial slices, kept in order",
    source="your file: a checkpoint of SAM ViT-B or of MRI-CORE",
    licence="unstated",
)


class SamViT(NetworkEncoder):
    """Encoder: axial slices through the blocks of a SAM image encoder.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    weights : pathlib.Path
        A checkpoint of SAM's layout.
    slices : int
        Axial slices that are looked at.
    side : int or None
        Pixels along a side of them; those of the file when None.
    device : str
        "cpu" or "cuda".

    Raises
    ------
    DataError
        The file is missing, damaged or of another layout.
    """

    def __init__(self, name: str, weights: Path, slices: int, side: int | None, device: str) -> None:
        import torch

        digest = sha256(weights)
        state = load_state_dict(weights, EXPECTED)
        if any(key.startswith(PREFIX) for key in state):
            state = {key: tensor for key, tensor in state.items() if not key.startswith(OTHERS)}
            state = {key.removeprefix(PREFIX): tensor for key, tensor in state.items()}
        net = _network(state, weights)
        blocks = len(net.blocks)
        last = [blocks * part // 3 - 1 for part in (1, 2, 3)] if blocks >= 3 else [blocks - 1]
        needs = replace(
            NEEDS,
            layers=tuple(f"block{n}" for n in last),
            divisor=net.patch,
            pooling=f"mean over the tokens of each of {slices} axial slices, kept in order",
        )
        load_into(net, {key: tensor for key, tensor in state.items() if not key.startswith("neck.")}, weights, EXPECTED)
        self._slices, self._side = slices, side or net.pos_embed.shape[1] * net.patch
        self._side -= self._side % net.patch
        super().__init__(name, KIND.title, f"{digest}:{slices}x{self._side}", needs)
        self._device, self._blocks = torch.device(device), last
        self._net = net.eval().to(self._device)

    def run(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        """Run the slices through the blocks.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            A prepared volume, 0 to 1.
        spacing : Spacing
            mm along z, y, x.

        Returns
        -------
        Vectors
            The tokens' mean after the last block, and after each third of the blocks.
        """
        import torch

        slices = axial_slices(image, self._slices, self._side, smoothing=0)
        by_block: list[list[Any]] = [[] for _ in self._blocks]
        with torch.inference_mode():
            for start in range(0, len(slices), AT_ONCE):
                tokens = self._net(colours(slices[start : start + AT_ONCE], self._device), self._blocks)
                for means, of_block in zip(by_block, tokens, strict=True):
                    means.append(of_block.mean((1, 2)))
            vectors = [vector_of(torch.cat(means)) for means in by_block]
        return vectors[-1], dict(zip(self.needs.layers, vectors, strict=True))


def _network(state: Mapping[str, Any], path: Path) -> Any:
    """Build a network of the size that the parameters have."""
    patches, places = state.get("patch_embed.proj.weight"), state.get("pos_embed")
    relative = [
        tensor
        for key, tensor in sorted(state.items(), key=lambda item: _block_of(item[0]))
        if re.fullmatch(r"blocks\.\d+\.attn\.rel_pos_h", key)
    ]
    if patches is None or places is None or patches.ndim != 4 or places.ndim != 4 or not relative:
        raise wrong_file(path, EXPECTED, "it has no patch_embed, pos_embed or relative positions")
    width, mlp = patches.shape[0], state.get("blocks.0.mlp.lin1.weight")
    head = relative[0].shape[1]
    if mlp is None or width % head:
        raise wrong_file(path, EXPECTED, "its blocks are of another kind")
    return sam_blocks(
        width=width,
        heads=width // head,
        hidden=mlp.shape[0],
        patch=patches.shape[-1],
        side=places.shape[1],
        spans=[(tensor.shape[0] + 1) // 2 for tensor in relative],
    )


def _block_of(key: str) -> int:
    match = re.match(r"blocks\.(\d+)\.", key)
    return int(match[1]) if match else -1


def sam_blocks(*, width: int, heads: int, hidden: int, patch: int, side: int, spans: Sequence[int]) -> Any:
    """Build the blocks of SAM's image encoder, with the parameter names of its checkpoints.

    Windowed attention in most blocks, attention to the whole image in a few, relative positions added to both.

    Parameters
    ----------
    width, heads, hidden : int
        Int Features of a token, heads of attention, and features inside the perceptrons.
    patch : int
        Int Pixels along a side that become one token.
    side : int
        Int Tokens along a side of the image it was trained on; positions are interpolated to others.
    spans : sequence of int
        Sequence of int Of each block, tokens along a side that its relative positions span: `side` where it attends to
        the whole image, fewer where it attends within windows.

    Returns
    -------
    torch.nn.Module
        (n, 3, y, x) and numbers of blocks -> their tokens, each (n, y / patch, x / patch, width).

    Notes
    -----
    Kirillov et al. (arXiv 2304.02643), on the plain detection backbones of Li et al. (arXiv 2203.16527).
    """
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Attention(nn.Module):
        def __init__(self, span: int) -> None:
            super().__init__()
            self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.rel_pos_h = nn.Parameter(torch.zeros(2 * span - 1, width // heads))
            self.rel_pos_w = nn.Parameter(torch.zeros(2 * span - 1, width // heads))

        def forward(self, tokens: Any) -> Any:
            n, rows, columns, _ = tokens.shape
            qkv = self.qkv(tokens).reshape(n, rows * columns, 3, heads, -1).permute(2, 0, 3, 1, 4)
            query, key, value = qkv.unbind(0)  # each (n, heads, tokens, features)
            grid = query.reshape(n, heads, rows, columns, -1)
            down = torch.einsum("nhrcf,rkf->nhrck", grid, table(self.rel_pos_h, rows))
            across = torch.einsum("nhrcf,ckf->nhrck", grid, table(self.rel_pos_w, columns))
            bias = (down[..., :, None] + across[..., None, :]).reshape(n, heads, rows * columns, rows * columns)
            attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
            return self.proj(attended.transpose(1, 2).reshape(n, rows, columns, width))

    def table(relative: Any, count: int) -> Any:
        """(count, count, features): what is learned of the way from one token to another along an axis."""
        if relative.shape[0] != 2 * count - 1:
            relative = F.interpolate(relative.T[None], 2 * count - 1, mode="linear")[0].T
        steps = torch.arange(count, device=relative.device)
        return relative[steps[:, None] - steps[None, :] + count - 1]

    class Mlp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lin1, self.lin2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

        def forward(self, tokens: Any) -> Any:
            return self.lin2(F.gelu(self.lin1(tokens)))

    class Block(nn.Module):
        def __init__(self, span: int) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
            self.attn, self.mlp = Attention(span), Mlp()
            self.window = span if span < side else 0

        def forward(self, tokens: Any) -> Any:
            normed = self.norm1(tokens)
            attended = self.windowed(normed) if self.window else self.attn(normed)
            tokens = tokens + attended
            return tokens + self.mlp(self.norm2(tokens))

        def windowed(self, tokens: Any) -> Any:
            n, rows, columns, _ = tokens.shape
            of = self.window
            whole = F.pad(tokens, (0, 0, 0, -columns % of, 0, -rows % of))
            down, across = whole.shape[1] // of, whole.shape[2] // of
            tiles = whole.reshape(n, down, of, across, of, width).transpose(2, 3).reshape(-1, of, of, width)
            attended = self.attn(tiles).reshape(n, down, across, of, of, width).transpose(2, 3)
            return attended.reshape(n, down * of, across * of, width)[:, :rows, :columns]

    class Patches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.proj = nn.Conv2d(3, width, patch, patch)

    class Blocks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patch = patch
            self.patch_embed = Patches()
            self.pos_embed = nn.Parameter(torch.zeros(1, side, side, width))
            self.blocks = nn.ModuleList(Block(span) for span in spans)

        def forward(self, images: Any, asked: Sequence[int]) -> list[Any]:
            tokens = self.patch_embed.proj(images).permute(0, 2, 3, 1)
            places = self.pos_embed
            if places.shape[1:3] != tokens.shape[1:3]:
                grid = places.permute(0, 3, 1, 2)
                grid = F.interpolate(grid, tokens.shape[1:3], mode="bicubic", align_corners=False)
                places = grid.permute(0, 2, 3, 1)
            tokens, outputs = tokens + places, []
            for number, block in enumerate(self.blocks):
                tokens = block(tokens)
                if number in asked:
                    outputs.append(tokens)
            return outputs

    return Blocks()


def _open(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    assert weights is not None
    side = whole(name, options, "side", 1) if "side" in options else None
    return SamViT(name, weights, whole(name, options, "slices", SLICES), side, device)


KIND = EncoderKind("sam_vit", "SAM image encoder (MRI-CORE)", NEEDS, ("slices", "side"), _open)
