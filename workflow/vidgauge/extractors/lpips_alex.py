"""LPIPS on AlexNet, of each frame against that of the video's own reference: the form of most papers' numbers."""

from __future__ import annotations

from vidgauge.specs import ArraySpec, Column, ExtractorSpec, InputSpec, Network, Setup, Takes

LEAST = 31  # a smaller side leaves the second pool no place
TAPS = (1, 4, 7, 9, 11)  # the ReLU of each convolution
COLUMNS = (
    Column("lpips", "lower", "0 and more, seldom above 1", f"frames below {LEAST} pixels"),
    Column("lpips_cmq", "lower", "as lpips: the mean of its map, as in common_metrics", f"frames below {LEAST} pixels"),
)


def build(setup: Setup) -> Network:
    """The network as a function of clips and partners, from torchvision's state dict and the lpips package's heads."""
    from vidgauge.extractors._alexnet import alexnet_features
    from vidgauge.extractors._lpips import LPIPSNetwork

    return LPIPSNetwork(EXTRACTOR, setup, alexnet_features, taps=TAPS, heads="lpips_alex_heads", least=LEAST)


EXTRACTOR = ExtractorSpec(
    name="lpips_alex",
    build=build,
    input=InputSpec(
        "frame", None, "none: frames are compared in their own size", "-1..1, then LPIPS's own shift and scale"
    ),
    arrays={"scores": ArraySpec(len(COLUMNS), "frame", "distance from the reference's frame", columns=COLUMNS)},
    version=1,
    source="Zhang et al. 2018; the lpips package 0.1.4, version 0.1 of the heads, net alex",
    known_as="LPIPS",
    weights={"lpips_alex_trunk": Takes()},
    also=("lpips_alex_heads",),
    batch=8,
    gpu_batch=64,
    pair=True,
    libraries=("torch",),
)
