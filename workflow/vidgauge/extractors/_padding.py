"""The padding of convolutions in TensorFlow, where networks come from. Importing this module imports torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows


def same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """What TensorFlow's "SAME" padding adds before and behind: outputs are ceil(size / stride), the odd one is behind.

    >>> same(224, 7, 2), same(23, 7, 2), same(14, 2, 2)
    ((2, 3), (3, 3), (0, 0))
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def padded(x: torch.Tensor, kernel: Sequence[int], stride: Sequence[int]) -> torch.Tensor:
    """(B, C, T, H, W) or (B, C, H, W) with zeros around it as TensorFlow's "SAME" has them."""
    sides = [same(*of) for of in zip(x.shape[2:], kernel, stride, strict=True)]
    return F.pad(x, [pad for before_behind in reversed(sides) for pad in before_behind])
