"""The blocks of SAM's image encoder in torch, with the parameter names of its checkpoints.

After Kirillov et al. (arXiv 2304.02643) and the plain detection backbones it is built on (Li et al., arXiv
2203.16527): windowed attention in most blocks, attention to the whole image in a few, relative positions added to both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class SamBlocks:
    """Makes the network; torch is imported when one is made."""

    @staticmethod
    def of(*, width: int, heads: int, hidden: int, patch: int, side: int, spans: Sequence[int]) -> Any:
        """A torch module: (n, 3, y, x) and numbers of blocks -> their tokens, each (n, y / patch, x / patch, width).

        Parameters
        ----------
        side : tokens along a side of the image it was trained on; positions are interpolated to others.
        spans : of each block, tokens along a side that its relative positions span: `side` where it attends to the
            whole image, fewer where it attends within windows.
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
                found = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
                return self.proj(found.transpose(1, 2).reshape(n, rows, columns, width))

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
                found = self.windowed(normed) if self.window else self.attn(normed)
                tokens = tokens + found
                return tokens + self.mlp(self.norm2(tokens))

            def windowed(self, tokens: Any) -> Any:
                n, rows, columns, _ = tokens.shape
                of = self.window
                whole = F.pad(tokens, (0, 0, 0, -columns % of, 0, -rows % of))
                down, across = whole.shape[1] // of, whole.shape[2] // of
                tiles = whole.reshape(n, down, of, across, of, width).transpose(2, 3).reshape(-1, of, of, width)
                found = self.attn(tiles).reshape(n, down, across, of, of, width).transpose(2, 3)
                return found.reshape(n, down * of, across * of, width)[:, :rows, :columns]

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
                tokens, found = tokens + places, []
                for number, block in enumerate(self.blocks):
                    tokens = block(tokens)
                    if number in asked:
                        found.append(tokens)
                return found

        return Blocks()
