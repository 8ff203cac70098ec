"""I3D with the preprocessing of the code that FVD was published with: the bilinear resize of TensorFlow 1.

Unterthiner et al., Towards Accurate Generative Models of Video: A New Metric & Challenges, 2018, arXiv 1812.01717.
That code runs DeepMind's network on TF-Hub; here its conversions to torch run.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from vidgauge.extractors import i3d_kinetics400

if TYPE_CHECKING:
    import torch


def preprocessed(clips: torch.Tensor) -> torch.Tensor:
    """(B, T, H, W, 3) uint8 -> (B, 3, T, 224, 224) float32 -1..1."""
    from vidgauge.extractors._tf1_resize import tf1_bilinear

    x = tf1_bilinear(clips.flatten(0, 1).float(), i3d_kinetics400.SIZE[0])  # (B T, 224, 224, 3) 0..255
    x = 2 * x / 255 - 1
    return x.unflatten(0, clips.shape[:2]).permute(0, 4, 1, 2, 3)


EXTRACTOR = replace(
    i3d_kinetics400.EXTRACTOR,
    name="i3d_kinetics400_tf1",
    build=partial(i3d_kinetics400.build, prepare=preprocessed),
    input=replace(
        i3d_kinetics400.EXTRACTOR.input,
        resize="bilinear as in TensorFlow 1, no antialias, the sides stretched to fit; not rounded",
    ),
    source=(
        "Carreira and Zisserman, CVPR 2017; network and weights of i3d_kinetics400, preprocessing of Unterthiner et "
        "al. 2018 (google_research, frechet_video_distance)"
    ),
    known_as="FVD of Unterthiner et al.",
)
