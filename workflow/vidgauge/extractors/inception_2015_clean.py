"""Inception of 2015 with the resize of clean-fid: bicubic and antialiased, on each channel as a float image.

Parmar et al., On Aliased Resizing and Surprising Subtleties in GAN Evaluation, CVPR 2022.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from vidgauge.extractors import inception_2015
from vidgauge.extractors.inception_2015 import SIZE

if TYPE_CHECKING:
    import torch


def resized(frames: torch.Tensor) -> torch.Tensor:
    """(B, H, W, 3) uint8 -> (B, 3, 299, 299) float32 0..255: Pillow's filter, clipped, not rounded."""
    from torch.nn.functional import interpolate

    x = frames.permute(0, 3, 1, 2).double()  # as Pillow's sums; in float32, positions move by up to 5e-3 grey levels
    x = interpolate(x, (SIZE, SIZE), mode="bicubic", align_corners=False, antialias=True)
    return x.clamp(0, 255).float()


EXTRACTOR = replace(
    inception_2015.EXTRACTOR,
    name="inception_2015_clean",
    build=partial(inception_2015.build, resize=resized),
    input=replace(inception_2015.EXTRACTOR.input, resize="bicubic with antialias as in Pillow, not rounded"),
    source="Parmar et al., CVPR 2022 (clean-fid, mode clean); network and weights of inception_2015",
    known_as="clean-FID, clean-KID",
)
