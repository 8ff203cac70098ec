"""From clips to the normalised pixels that image transformers were trained on.

Importing this module imports torch: only `build` functions do.
"""

from __future__ import annotations

import torch
from torch.nn.functional import interpolate

Statistics = tuple[tuple[float, float, float], tuple[float, float, float]]  # mean and deviation of red, green, blue
IMAGENET: Statistics = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP: Statistics = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


def normalised(frames: torch.Tensor, size: int, statistics: Statistics, *, mode: str, antialias: bool) -> torch.Tensor:
    """Frames (..., H, W, 3) uint8 -> (..., 3, size, size) float32: resized, then 0..1, then normalised.

    mode: bilinear or bicubic, both with half-pixel centres. The aspect ratio is ignored, frames of that size stay as
    they are. Antialiased, the filters are Pillow's (bicubic: a = -0.5), but the result is clamped to 0..255 without
    being rounded to whole numbers. Channels are last in memory, as they came.
    """
    x = frames.flatten(0, -4).permute(0, 3, 1, 2).float()  # (N, 3, H, W)
    if x.shape[-2:] != (size, size):
        x = interpolate(x, size=(size, size), mode=mode, antialias=antialias, align_corners=False).clamp(0, 255)
    mean, deviation = (x.new_tensor(values)[:, None, None] for values in statistics)
    return x.div(255).sub(mean).div(deviation).unflatten(0, frames.shape[:-3])
