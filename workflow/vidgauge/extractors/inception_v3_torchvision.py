"""Inception v3 of torchvision, trained on ImageNet: the network of AIGVE's "FID", and of many a FID that is none.

Its weights are another training run than those of `inception_2015`, and its average pools count the padding: no
distance on it compares with FID. AIGVE pins a torchvision that resizes tensors without antialiasing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import torch

    Scale = Callable[[torch.Tensor], torch.Tensor]

SIZE = 299
AUXILIARY = "AuxLogits."  # a head that only training needs


def minus_one_to_one(x: torch.Tensor) -> torch.Tensor:
    """Pixels 0..255 -> -1..1, which the network was trained on."""
    return x.div(255).sub(0.5).div(0.5)


def build(setup: Setup, scale: Scale = minus_one_to_one) -> Network:
    """The network as a function of clips. scale: (B, 3, 299, 299) float32 0..255 -> what enters the first layer."""
    import torch
    from torch.nn.functional import interpolate

    from vidgauge.extractors._checkpoints import empty, fill, tensors_of
    from vidgauge.extractors._inception import InceptionV3
    from vidgauge.extractors._torch import TorchNetwork, resolve_device

    device = resolve_device(setup.device)
    model = empty(lambda: InceptionV3(classes=1000, of_2015=False))
    model = fill(model, tensors_of(setup.file), setup.file.path, unused=lambda name: name.startswith(AUXILIARY))
    model = model.to(device).to(memory_format=torch.channels_last)
    layers = torch.nn.Sequential(*[layer for name, layer in model.named_children() if name != "fc"])

    def forward(frames: torch.Tensor) -> dict[str, torch.Tensor]:
        x = frames.permute(0, 3, 1, 2).float()  # (B, 3, H, W) 0..255, channels last in memory as it came
        x = interpolate(x, (SIZE, SIZE), mode="bilinear", align_corners=False)
        features = layers(scale(x)).float().mean(dim=(2, 3))
        with torch.autocast(features.device.type, enabled=False):
            return {"features": features, "logits": model.fc(features)}

    return TorchNetwork(forward, EXTRACTOR, setup, device)


EXTRACTOR = ExtractorSpec(
    name="inception_v3_torchvision",
    build=build,
    input=InputSpec("frame", (SIZE, SIZE), "bilinear, half-pixel, no antialias; aspect ignored", "-1..1"),
    arrays={
        "features": ArraySpec(2048, "frame", "pooled activations before the classifier"),
        "logits": ArraySpec(1000, "frame", "ImageNet class scores before the softmax"),
    },
    version=1,
    source="Szegedy et al., CVPR 2016; torchvision inception_v3, used as in AIGVE (fid_metric)",
    known_as='the network of AIGVE\'s "FID"',
    weights={"inception_v3_torchvision": Takes()},
    batch=8,
    gpu_batch=64,
    libraries=("torch",),
    note=(
        "torchvision's Inception is not the network of FID and of the inception score (inception_2015): no number on "
        "it compares with those of papers, and AIGVE's own are means over single videos"
    ),
)
