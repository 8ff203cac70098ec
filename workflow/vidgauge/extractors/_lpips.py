"""LPIPS: how far apart the features of two images are, weighted by linear heads that were fitted to people's judgment.

Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018; version 0.1 of the
lpips package, whose heads these are. Importing this module imports torch: only `build` functions do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate

from vidgauge import weights
from vidgauge.extractors._checkpoints import empty, fill, tensors_of
from vidgauge.extractors._pairs import frame_pairs
from vidgauge.extractors._torch import FixedBatches, resolve_device
from vidgauge.specs import ExtractorSpec, Setup

SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # what the trunks see of red, green, blue -1..1
EPSILON = 1e-10  # added to the length of a feature vector


class LPIPSTrunk(nn.Module):
    """(B, 3, H, W) -> the features after some layers: all that LPIPS takes of a classifier, under its tensor names."""

    def __init__(self, features: nn.Sequential, taps: Sequence[int]) -> None:
        super().__init__()
        self.features, self.taps = features[: taps[-1] + 1], taps

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        found = []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self.taps:
                found.append(x)
        return found


def lpips(
    trunk: Callable[[torch.Tensor], list[torch.Tensor]], heads: Sequence[torch.Tensor], pairs: torch.Tensor
) -> torch.Tensor:
    """Pairs (B, 2, H, W, 3) uint8 -> (B, 2) float32: the usual distance, and the mean of its map over the pixels.

    heads: one (1, C, 1, 1) for each level of the trunk's features. The map is what `spatial=True` gives: each level's,
    enlarged to the size of the images bilinearly, then added up.
    """
    shift, scale = (pairs.new_tensor(values, dtype=torch.float32) for values in (SHIFT, SCALE))
    x = pairs.float().div(127.5).sub(1).sub(shift).div(scale)
    x = x.flatten(0, 1).permute(0, 3, 1, 2)  # (2 B, 3, H, W), channels last in memory
    plain, spatial = [], []
    for features, head in zip(trunk(x), heads, strict=True):
        features = features.float()  # half precision is for the trunk only
        unit = features / (features.square().sum(1, keepdim=True).sqrt() + EPSILON)
        apart = (unit[0::2] - unit[1::2]).square().mul(head).sum(1, keepdim=True)  # (B, 1, h, w)
        plain.append(apart.mean((1, 2, 3)))
        spatial.append(interpolate(apart, size=x.shape[-2:], mode="bilinear", align_corners=False).mean((1, 2, 3)))
    return torch.stack([sum(plain[1:], plain[0]), sum(spatial[1:], spatial[0])], dim=1)


class LPIPSNetwork:
    """Clips and their partners -> scores (b * t, 2) float32: lpips, lpips_cmq of each frame.

    Rows are NaN where a side of the frames is below `least` pixels: the trunk's last level would have no place left.
    """

    def __init__(
        self,
        spec: ExtractorSpec,
        setup: Setup,
        features: Callable[[], nn.Sequential],
        *,
        taps: Sequence[int],
        heads: str,
        least: int,
    ) -> None:
        """features: makes the trunk's layers. taps: after which of them. heads: their name in registry.yaml."""
        device = resolve_device(setup.device)
        trunk = fill(
            empty(lambda: LPIPSTrunk(features(), taps)), tensors_of(setup.file), setup.file.path, unused=_of_classifier
        )
        trunk = trunk.to(device).to(memory_format=torch.channels_last)
        linear = [head.to(device) for head in _heads(heads, setup)]
        self.batches = FixedBatches(
            lambda pairs: {"scores": lpips(trunk, linear, pairs)},
            batch=spec.gpu_batch if device.type == "cuda" else spec.batch,
            device=device,
            precision=setup.precision,
        )
        self.input, self.least, self.width = spec.input, least, len(spec.arrays["scores"].columns)

    def __call__(self, clips: np.ndarray, partners: np.ndarray) -> dict[str, np.ndarray]:
        pairs = frame_pairs(clips, partners, self.input)
        if min(pairs.shape[2:4]) < self.least:
            return {"scores": np.full((len(pairs), self.width), np.nan, np.float32)}
        return self.batches(pairs)

    def clips_per_call(self, frames: int) -> int:
        """How many clips of that many frames fill whole batches."""
        return self.batches.whole(frames)

    def ran_on(self, shape: tuple[int, int, int]) -> dict[str, str]:
        """Device and batch shapes, for the attributes of the features file. shape: (t, h, w) of the clips."""
        return self.batches.ran_on((2, *shape[1:], 3))


def _heads(name: str, setup: Setup) -> list[torch.Tensor]:
    """The linear heads of an entry of registry.yaml, (1, C, 1, 1) each: from the lpips package or beside the trunk.

    The package's file is read without importing the package. VidgaugeError where it is missing or another one.
    """
    folder, trunk = setup.file.path.parent.parent, setup.file
    kept = trunk.name is not None and weights.location(weights.entry(trunk.name), folder) == trunk.path
    file = weights.find(name, folder if kept else None)
    tensors = tensors_of(file)
    return [tensors[f"lin{level}.model.1.weight"].float() for level in range(len(tensors))]


def _of_classifier(name: str) -> bool:
    return name.startswith("classifier.")
