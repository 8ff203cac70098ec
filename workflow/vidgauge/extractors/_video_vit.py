"""The vision transformer of VideoMAE V2: tubes of pixels as tokens, fixed positions, the mean of all tokens.

Tensor names are those of the published checkpoints. Importing this module imports torch: only `build` functions do.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import interpolate, linear, scaled_dot_product_attention

EPS = 1e-6  # of every LayerNorm


class VisionTransformer(nn.Module):
    """Pixels (B, 3, T, size, size) float -> (features (B, width), logits (B, classes)), float32.

    width: of a token. mlp_ratio: width of an MLP's hidden layer / width. frames: those that the network was trained
    on; for other counts the positions are interpolated. tubelet: frames in a token, of which T is a multiple.
    Source: Wang et al., VideoMAE V2, CVPR 2023; cd-fvd's variant of it for the positions of other frame counts.
    """

    def __init__(
        self,
        *,
        width: int,
        depth: int,
        heads: int,
        mlp_ratio: float,
        classes: int,
        size: int = 224,
        patch: int = 14,
        frames: int = 16,
        tubelet: int = 2,
    ) -> None:
        super().__init__()
        self.tubelet = tubelet
        self.grid = (frames // tubelet, size // patch, size // patch)
        self.patch_embed = PatchEmbed(width, (tubelet, patch, patch))
        self.blocks = nn.ModuleList(Block(width, heads, int(width * mlp_ratio)) for _ in range(depth))
        self.fc_norm = nn.LayerNorm(width, eps=EPS)
        self.head = nn.Linear(width, classes)
        self.positions: torch.Tensor  # a buffer to move with the module, which no checkpoint holds
        self.register_buffer("positions", sincos(self.grid[0] * self.grid[1] * self.grid[2], width), persistent=False)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.patch_embed(x) + self.positions_for(x.shape[2] // self.tubelet)  # (B, tokens, width)
        for block in self.blocks:
            x = block(x)
        with torch.autocast(x.device.type, enabled=False):
            features = self.fc_norm(x.float().mean(1))
            return features, self.head(features)

    def positions_for(self, steps: int) -> torch.Tensor:
        """(1, steps * rows * columns, width): what is added to the tokens of a clip that is `steps` tokens long."""
        t, h, w = self.grid
        if steps == t:
            return self.positions
        table = self.positions.transpose(1, 2).reshape(1, -1, t, h, w)
        # The reference asks for a factor that is a little too large and that is used as it is, so that the samples
        # lie a little closer together than those of interpolation to a size.
        factor = (steps + 0.1) / t
        table = interpolate(table, scale_factor=(factor, 1.0, 1.0), mode="trilinear", align_corners=False)
        return table.flatten(2).transpose(1, 2)


class PatchEmbed(nn.Module):
    """Pixels (B, 3, T, H, W) -> tokens (B, T / tubelet * H / patch * W / patch, width), time first."""

    def __init__(self, width: int, tube: tuple[int, int, int]) -> None:
        super().__init__()
        self.proj = nn.Conv3d(3, width, kernel_size=tube, stride=tube)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.proj(x).flatten(2).transpose(1, 2)


class Block(nn.Module):
    """Attention, then an MLP, each on normalised tokens and added to them: (B, N, width) -> the same."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=EPS)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=EPS)
        self.mlp = Mlp(width, hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Attention(nn.Module):
    """Every token looks at every other of its clip: (B, N, width) -> the same. Keys have no bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_bias = nn.Parameter(torch.zeros(width))
        self.v_bias = nn.Parameter(torch.zeros(width))
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bias = torch.cat((self.q_bias, torch.zeros_like(self.q_bias), self.v_bias))
        qkv = linear(x, self.qkv.weight, bias).unflatten(2, (3, self.heads, -1))  # (B, N, 3, heads, width / heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        return self.proj(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Two layers with GELU between: (..., width) -> the same."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(self.act(self.fc1(x)))


def sincos(count: int, width: int) -> torch.Tensor:
    """(1, count, width) float32: sines at even places and cosines at odd ones, of position / 10000^(2 pair / width).

    On the CPU wherever modules are being made: these values are computed, and no checkpoint fills them in.
    """
    place = torch.arange(width, dtype=torch.float64, device="cpu")
    position = torch.arange(count, dtype=torch.float64, device="cpu")
    angle = position[:, None] / 10000 ** (2 * (place // 2) / width)
    return torch.where(place % 2 == 0, angle.sin(), angle.cos()).float()[None]
