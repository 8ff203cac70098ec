"""LPIPS on VGG16, of each frame against that of the video's own reference. Numbers on AlexNet do not compare."""

from __future__ import annotations

from vidgauge.specs import ArraySpec, Column, ExtractorSpec, InputSpec, Network, Setup, Takes

LEAST = 16  # a smaller side leaves the fourth pool no place
TAPS = (3, 8, 15, 22, 29)  # the last ReLU before each pool
COLUMNS = (
    Column("lpips", "lower", "0 and more, seldom above 1", f"frames below {LEAST} pixels"),
    Column("lpips_cmq", "lower", "as lpips: the mean of its map, as in common_metrics", f"frames below {LEAST} pixels"),
)


def build(setup: Setup) -> Network:
    """The network as a function of clips and partners, from torchvision's state dict and the lpips package's heads."""
    from vidgauge.extractors._lpips import LPIPSNetwork
    from vidgauge.extractors._vgg import VGG16

    return LPIPSNetwork(EXTRACTOR, setup, lambda: VGG16().features, taps=TAPS, heads="lpips_vgg_heads", least=LEAST)


EXTRACTOR = ExtractorSpec(
    name="lpips_vgg",
    build=build,
    input=InputSpec(
        "frame", None, "none: frames are compared in their own size", "-1..1, then LPIPS's own shift and scale"
    ),
    arrays={"scores": ArraySpec(len(COLUMNS), "frame", "distance from the reference's frame", columns=COLUMNS)},
    version=1,
    source="Zhang et al. 2018; the lpips package 0.1.4, version 0.1 of the heads, net vgg",
    known_as="LPIPS",
    weights={"lpips_vgg_trunk": Takes()},
    also=("lpips_vgg_heads",),
    batch=2,
    gpu_batch=32,
    pair=True,
    libraries=("torch",),
)
