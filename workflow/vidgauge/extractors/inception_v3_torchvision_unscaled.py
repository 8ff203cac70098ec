"""torchvision's Inception v3 with the input of AIGVE's "IS": pixels 0..255 where the code means 0..1.

ImageNet's mean and deviation, which are those of pixels 0..1, are taken out of pixels 0..255: the first layer gets
values from -2 to 1130, and the classes are hardly told apart. Here to repeat AIGVE's numbers, for nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from vidgauge.extractors import inception_v3_torchvision

if TYPE_CHECKING:
    import torch


def imagenet_unscaled(x: torch.Tensor) -> torch.Tensor:
    """(B, 3, H, W) 0..255 -> the same, about -2..1130."""
    from vidgauge.extractors._pixels import IMAGENET

    mean, deviation = (x.new_tensor(values)[:, None, None] for values in IMAGENET)
    return x.sub(mean).div(deviation)


PARENT = inception_v3_torchvision.EXTRACTOR
UNSCALED = "of pixels that were not divided by 255, a defect of AIGVE's inception score"

EXTRACTOR = replace(
    PARENT,
    name="inception_v3_torchvision_unscaled",
    build=partial(inception_v3_torchvision.build, scale=imagenet_unscaled),
    input=replace(PARENT.input, range="0..255 with ImageNet's mean and deviation of 0..1 taken out: about -2..1130"),
    arrays={
        name: replace(PARENT.arrays[name], meaning=f"{PARENT.arrays[name].meaning}, {UNSCALED}")
        for name in ("logits", "features")
    },
    source="Szegedy et al., CVPR 2016; torchvision inception_v3, used as in AIGVE (is_score_metric)",
    known_as='the network of AIGVE\'s "IS"',
    note=(
        "AIGVE's inception score gives the network pixels 0..255 where it expects 0..1; this repeats that defect, and "
        "no number on it compares with an inception score"
    ),
)
