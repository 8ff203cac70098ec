"""VideoMAE V2 ViT-g, fine-tuned on Something-Something v2: the network of the content-debiased FVD.

Preprocessing is that of cd-fvd, which feeds 0..1 to a network that was trained on pixels normalised with ImageNet's
mean and deviation: its published numbers rest on that. Other numbers of frames than 16 have their positions
interpolated as cd-fvd does it, which drops the last frame of an odd count; here odd counts are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import torch

SIZE = 224  # pixels
GIANT = MappingProxyType({"width": 1408, "depth": 40, "heads": 16, "mlp_ratio": 48 / 11, "classes": 174})


def build(setup: Setup, shape: Mapping[str, Any] = GIANT) -> Network:
    """The network as a function of clips, of an even number of frames.

    shape: of the transformer, as its constructor names it; other than GIANT only for checkpoints of another size.
    """
    from vidgauge.extractors._checkpoints import empty, fill, tensors_of
    from vidgauge.extractors._torch import TorchNetwork, resolve_device
    from vidgauge.extractors._video_vit import VisionTransformer

    device = resolve_device(setup.device)
    model = fill(empty(lambda: VisionTransformer(**shape)), tensors_of(setup.file), setup.file.path).to(device)

    def forward(clips: torch.Tensor) -> dict[str, torch.Tensor]:
        features, logits = model(preprocess(clips))
        return {"features": features, "logits": logits}

    return TorchNetwork(forward, EXTRACTOR, setup, device)


def preprocess(clips: torch.Tensor) -> torch.Tensor:
    """Clips (B, T, H, W, 3) uint8 -> (B, 3, T, 224, 224) float32 0..1: first scaled, then resized."""
    from torch.nn.functional import interpolate

    x = clips.flatten(0, 1).permute(0, 3, 1, 2).float().div(255)  # (B T, 3, H, W)
    x = interpolate(x, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    return x.unflatten(0, clips.shape[:2]).transpose(1, 2)


EXTRACTOR = ExtractorSpec(
    name="videomae_v2_ssv2",
    build=build,
    input=InputSpec(
        "clip",
        (SIZE, SIZE),
        "bilinear, half-pixel, no antialias; aspect ignored",
        "0..1",
        min_frames=2,
        multiple=2,
    ),
    arrays={
        "features": ArraySpec(1408, "clip", "mean of all tokens after the last block, normalised by a LayerNorm"),
        "logits": ArraySpec(174, "clip", "Something-Something v2 class scores before the softmax"),
    },
    version=1,
    source="Wang et al., VideoMAE V2, CVPR 2023; used as in Ge et al., On the Content Bias in FVD, CVPR 2024 (cd-fvd)",
    known_as="FVD (content-debiased, VideoMAE)",
    weights={"videomae2_vitg_ssv2": Takes()},
    batch=1,  # clips; one fills a CPU core already: 2 and 4 took as long per clip, and a clip takes minutes
    gpu_batch=8,
)
