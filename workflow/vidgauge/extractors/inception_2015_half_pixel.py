"""Inception of 2015 with the preprocessing of pytorch-fid: bilinear on half pixels, no antialias, 2 x / 255 - 1.

clean-fid calls it legacy_pytorch. The TensorFlow graph's own, which torch-fidelity and clean-fid's legacy_tensorflow
use, is that of `inception_2015`.
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
    """(B, H, W, 3) uint8 -> (B, 3, 299, 299) float32 0..255."""
    from torch.nn.functional import interpolate

    return interpolate(frames.permute(0, 3, 1, 2).float(), (SIZE, SIZE), mode="bilinear", align_corners=False)


EXTRACTOR = replace(
    inception_2015.EXTRACTOR,
    name="inception_2015_half_pixel",
    build=partial(inception_2015.build, resize=resized, middle=127.5),
    input=replace(inception_2015.EXTRACTOR.input, resize="bilinear, half-pixel, no antialias; aspect ignored"),
    source="Seitzer, pytorch-fid, 2020 (clean-fid, mode legacy_pytorch); network and weights of inception_2015",
    known_as="FID of pytorch-fid",
)
