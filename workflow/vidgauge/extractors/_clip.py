"""The image tower of CLIP under the tensor names of OpenAI's archives.

Importing this module imports torch: only `build` functions do.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn
from torch.nn.functional import linear, scaled_dot_product_attention


class QuickGELU(nn.Module):
    """x sigmoid(1.702 x): what OpenAI's CLIP was trained with. The exact GELU gives other features."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


class Attention(nn.Module):
    """Self-attention with the tensors of torch's nn.MultiheadAttention. (B, N, width) -> the same."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        together = linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = together.unflatten(-1, (3, self.heads, -1)).permute(
            2, 0, 3, 1, 4
        )  # each (B, heads, N, width / heads)
        return self.out_proj(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A transformer block that normalises first. (B, N, width) -> the same."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = Attention(width, heads)
        self.ln_1 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            OrderedDict(c_fc=nn.Linear(width, 4 * width), gelu=QuickGELU(), c_proj=nn.Linear(4 * width, width))
        )
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Visual(nn.Module):
    """Normalised pixels (B, 3, size, size) -> image embeddings (B, out), not normalised.

    width: of a token. Source: Radford et al., Learning Transferable Visual Models From Natural Language Supervision,
    ICML 2021.
    """

    def __init__(self, *, size: int, patch: int, width: int, depth: int, heads: int, out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, stride=patch, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty(1 + (size // patch) ** 2, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = nn.ModuleDict({"resblocks": nn.Sequential(*(Block(width, heads) for _ in range(depth)))})
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        patches = self.conv1(x).flatten(2).transpose(1, 2)  # (B, N, width)
        tokens = torch.cat([self.class_embedding.to(patches.dtype).expand(len(x), 1, -1), patches], dim=1)
        tokens = self.transformer["resblocks"](self.ln_pre(tokens + self.positional_embedding))
        return self.ln_post(tokens[:, 0]) @ self.proj


class ImageTower(nn.Module):
    """`Visual` as the archives hold it: beside the text tower, under `visual`."""

    def __init__(self, *, size: int, patch: int, width: int, depth: int, heads: int, out: int) -> None:
        super().__init__()
        self.visual = Visual(size=size, patch=patch, width=width, depth=depth, heads=heads, out=out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.visual(x)
