"""ResNet3D-18 with AIGVE's preprocessing as the torchvision that AIGVE pins does it: resized without antialias."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from vidgauge.extractors import r3d_18

EXTRACTOR = replace(
    r3d_18.EXTRACTOR,
    name="r3d_18_no_antialias",
    build=partial(r3d_18.build, antialias=False),
    input=replace(r3d_18.EXTRACTOR.input, resize="bilinear, half-pixel, no antialias; aspect ignored"),
    known_as='the network of AIGVE\'s "FVD" on the torchvision 0.16 that it pins',
)
