"""I3D trained on Kinetics-400: the network of the Fréchet video distance, in the two forms that papers used.

The TorchScript archive of StyleGAN-V (Skorokhodov et al., CVPR 2022) brings its own preprocessing. The state dict of
VideoGPT and TATS is the network of VideoGPT's evaluation and of cd-fvd (Ge et al., CVPR 2024), whose preprocessing
stands here. Both descend from DeepMind's network on TF-Hub; numbers from one do not compare with those from the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vidgauge.errors import VidgaugeError
from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes, WeightsFile

if TYPE_CHECKING:
    import torch

    Forward = Callable[[torch.Tensor], dict[str, torch.Tensor]]
    Prepare = Callable[[torch.Tensor], torch.Tensor]

CLASSES = 400
SIZE = (224, 224)


def build(setup: Setup, prepare: Prepare | None = None) -> Network:
    """The network as a function of clips: of an archive what it says itself, of a state dict the module of `_i3d`.

    prepare: clips (B, T, H, W, 3) uint8 -> (B, 3, T, 224, 224) float32 -1..1; None: an archive does it by itself, and
    `preprocessed` does it for a state dict.
    """
    from vidgauge.extractors._torch import TorchNetwork, resolve_device

    device = resolve_device(setup.device)
    make = _archive if setup.file.format == "torchscript" else _module
    return TorchNetwork(make(setup.file, device, prepare), EXTRACTOR, setup, device)


def _archive(weights: WeightsFile, device: torch.device, prepare: Prepare | None) -> Forward:
    """StyleGAN-V's archive: it gives its class scores where features are asked.

    Its switches say whether it is to scale pixels 0..255 and to resize, or gets what the first layer wants.
    """
    from vidgauge.extractors._torchscript import open_torchscript

    network = open_torchscript(weights, device)

    def forward(clips: torch.Tensor) -> dict[str, torch.Tensor]:
        raw = prepare is None
        x = clips.permute(0, 4, 1, 2, 3).float() if prepare is None else prepare(clips)  # (B, 3, T, H, W)
        logits = network(x.contiguous(), rescale=raw, resize=raw, return_features=True)
        if logits.numel() != len(clips) * CLASSES:
            raise VidgaugeError(
                f"{weights.path}: gave {tuple(logits.shape)} for {len(clips)} clips; {CLASSES} numbers each were wanted"
            )
        return {"logits": logits.reshape(len(clips), CLASSES)}  # it drops the batch axis of a single clip

    return forward


def _module(weights: WeightsFile, device: torch.device, prepare: Prepare | None) -> Forward:
    """VideoGPT's state dict in our module."""
    from vidgauge.extractors._checkpoints import empty, fill, tensors_of
    from vidgauge.extractors._i3d import I3D, fast

    network = fast(fill(empty(I3D), tensors_of(weights), weights.path).to(device))
    prepared = prepare or preprocessed

    def forward(clips: torch.Tensor) -> dict[str, torch.Tensor]:
        features, logits = network(prepared(clips))
        return {"logits": logits, "features": features}

    return forward


def preprocessed(clips: torch.Tensor) -> torch.Tensor:
    """(B, T, H, W, 3) uint8 -> (B, 3, T, 224, 224) float32 -1..1 as cd-fvd: bilinear on half pixels, no antialias."""
    from torch.nn.functional import interpolate

    x = clips.flatten(0, 1).permute(0, 3, 1, 2).float()  # (B T, 3, H, W) 0..255, channels last in memory as it came
    x = interpolate(x, SIZE, mode="bilinear", align_corners=False)
    x = 2 * x / 255 - 1
    return x.unflatten(0, clips.shape[:2]).transpose(1, 2)


EXTRACTOR = ExtractorSpec(
    name="i3d_kinetics400",
    build=build,
    input=InputSpec("clip", SIZE, "bilinear without antialias, the sides stretched to fit", "-1..1", min_frames=9),
    arrays={
        "logits": ArraySpec(CLASSES, "clip", "Kinetics-400 class scores before the softmax, mean over time"),
        "features": ArraySpec(1024, "clip", "pooled activations before the classifier, mean over time"),
    },
    version=1,
    source="Carreira and Zisserman, Quo Vadis, Action Recognition?, CVPR 2017; archive of StyleGAN-V, module of cd-fvd",
    known_as="FVD, KVD, video precision and recall (PRV)",
    weights={"i3d_styleganv": Takes(("logits",), torchscript=True), "i3d_videogpt": Takes()},
    batch=1,  # of 16 frames at 2 calls: 0.88, 0.83, 0.87, 0.78 clips/s in batches of 1, 2, 4, 8, on a busy machine
    gpu_batch=16,
)
