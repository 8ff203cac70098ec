"""I3D with the preprocessing of common_metrics_on_video_quality: the sides keep their ratio, the middle is cut out.

https://github.com/JunyaoHu/common_metrics_on_video_quality, of both its variants, styleganv and videogpt: clips are
resized in floats, which nothing rounds before they enter the network.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from vidgauge.extractors import i3d_kinetics400

if TYPE_CHECKING:
    import torch

SIDE = i3d_kinetics400.SIZE[0]


def preprocessed(clips: torch.Tensor) -> torch.Tensor:
    """(B, T, H, W, 3) uint8 -> (B, 3, T, 224, 224) float32 -1..1.

    The shorter side becomes 224, the other one is rounded up; of an odd margin the smaller half is cut off in front.
    """
    from torch.nn.functional import interpolate

    x = clips.flatten(0, 1).permute(0, 3, 1, 2).float()  # (B T, 3, H, W) 0..255
    h, w = resized_to(*x.shape[2:])
    x = interpolate(x, (h, w), mode="bilinear", align_corners=False)
    top, left = (h - SIDE) // 2, (w - SIDE) // 2
    x = 2 * x[..., top : top + SIDE, left : left + SIDE] / 255 - 1
    return x.unflatten(0, clips.shape[:2]).transpose(1, 2)


def resized_to(h: int, w: int) -> tuple[int, int]:
    """Height and width before the crop.

    >>> resized_to(90, 120), resized_to(64, 64), resized_to(500, 300)
    ((224, 299), (224, 224), (374, 224))
    """
    scale = SIDE / min(h, w)  # a float there too: what rounds to just above a whole number is a pixel more
    return (SIDE, ceil(w * scale)) if h < w else (ceil(h * scale), SIDE)


EXTRACTOR = replace(
    i3d_kinetics400.EXTRACTOR,
    name="i3d_kinetics400_center",
    build=partial(i3d_kinetics400.build, prepare=preprocessed),
    input=replace(
        i3d_kinetics400.EXTRACTOR.input,
        resize="bilinear without antialias, the shorter side to 224, then the centre; not rounded",
    ),
    source=(
        "Carreira and Zisserman, CVPR 2017; network and weights of i3d_kinetics400, preprocessing of "
        "common_metrics_on_video_quality"
    ),
    known_as="FVD of common_metrics_on_video_quality (styleganv, videogpt)",
)
