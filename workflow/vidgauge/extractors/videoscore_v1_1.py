"""VideoScore v1.1: the same network, trained on more videos, with up to 48 frames (TIGER-Lab/VideoScore-v1.1)."""

from __future__ import annotations

from dataclasses import replace

from vidgauge.extractors import videoscore
from vidgauge.specs import Network, Setup, Takes


def build(setup: Setup) -> Network:
    """The network as a function of clips and one text for each."""
    return videoscore.network(setup, EXTRACTOR)


EXTRACTOR = replace(
    videoscore.EXTRACTOR,
    name="videoscore_v1_1",
    build=build,
    input=replace(videoscore.EXTRACTOR.input, max_frames=48),
    known_as="VideoScore-v1.1",
    weights={"videoscore_v1_1": Takes(folder=True)},
    note="videoscore_v1_1: published scores are bfloat16, whose steps are 1/64 from 2 to 4",
)
