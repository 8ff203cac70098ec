"""The bilinear resize of TensorFlow 1, which the networks of FID and of precision and recall were published with.

Importing this module imports torch: only `build` functions do.
"""

from __future__ import annotations

import torch


def tf1_bilinear(frames: torch.Tensor, size: int) -> torch.Tensor:
    """(B, H, W, C) float32 -> (B, size, size, C), the bits of TensorFlow 1's `resize_bilinear` on a CPU.

    Output pixel i looks at input position i * H / size (not at pixel centres), between its two neighbours, without a
    filter against aliasing. Frames of that size already come back as they are.
    """
    return _along(_along(frames, 2, size), 1, size)  # TensorFlow's order: columns first, which decides the last bits


def _along(x: torch.Tensor, dim: int, size: int) -> torch.Tensor:
    length = x.shape[dim]
    if length == size:
        return x
    scale = torch.tensor(length / size, dtype=torch.float32, device=x.device)  # as TensorFlow: rounded, then multiplied
    position = torch.arange(size, dtype=torch.float32, device=x.device) * scale
    below = position.long()
    above = (below + 1).clamp_max(length - 1)
    share = (position - below).view(-1, *[1] * (x.ndim - dim - 1))
    low = x.index_select(dim, below)
    return x.index_select(dim, above).sub_(low).mul_(share).add_(low)
