"""ResNet3D-18, trained on Kinetics-400 (torchvision), with AIGVE's preprocessing: the network of AIGVE's "FVD".

The network was trained on 112 x 112 pixels normalised with the mean and deviation of Kinetics; AIGVE gives it
224 x 224 in -1..1, and this extractor does the same. torchvision before 0.17, which AIGVE pins, resized tensors
without antialiasing, as `r3d_18_no_antialias` does; versions since then antialias, and so does this, which only matters
to clips larger than 224.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import torch

SIZE = 224  # pixels


def build(setup: Setup, *, antialias: bool = True) -> Network:
    """The network as a function of clips, of two frames or more."""
    import torch

    from vidgauge.extractors._checkpoints import empty, fill, tensors_of
    from vidgauge.extractors._r3d import R3D18, pooled
    from vidgauge.extractors._torch import TorchNetwork, resolve_device

    device = resolve_device(setup.device)
    model = fill(empty(R3D18), tensors_of(setup.file), setup.file.path)
    model = model.to(device).to(memory_format=torch.channels_last_3d)  # a quarter faster on CPUs

    def forward(clips: torch.Tensor) -> dict[str, torch.Tensor]:
        x = model(preprocess(clips, antialias=antialias)).float()  # (B, 512, T / 8, 14, 14), each rounded up
        with torch.autocast(x.device.type, enabled=False):
            features = pooled(x)  # (B, 512)
            return {"features": features, "logits": model.fc(features)}

    return TorchNetwork(forward, EXTRACTOR, setup, device)


def preprocess(clips: torch.Tensor, *, antialias: bool = True) -> torch.Tensor:
    """Clips (B, T, H, W, 3) uint8 -> (B, 3, T, 224, 224) float32 -1..1: scaled to 0..1, resized, then shifted."""
    from torch.nn.functional import interpolate

    x = clips.flatten(0, 1).permute(0, 3, 1, 2).float().div(255)  # (B T, 3, H, W)
    x = interpolate(x, size=(SIZE, SIZE), mode="bilinear", align_corners=False, antialias=antialias)
    return x.sub(0.5).div(0.5).unflatten(0, clips.shape[:2]).transpose(1, 2)


EXTRACTOR = ExtractorSpec(
    name="r3d_18",
    build=build,
    input=InputSpec(
        "clip",
        (SIZE, SIZE),
        "bilinear, half-pixel, antialiased; aspect ignored",
        "-1..1",
        min_frames=2,  # one would do, but bfloat16 convolutions of oneDNN make NaN of a single frame
    ),
    arrays={
        "features": ArraySpec(512, "clip", "pooled activations before the classifier"),
        "logits": ArraySpec(400, "clip", "Kinetics-400 class scores before the softmax"),
    },
    version=1,
    source="Tran et al., A Closer Look at Spatiotemporal Convolutions, CVPR 2018; torchvision r3d_18, used as in AIGVE",
    known_as='FVD-r3d; the network of AIGVE\'s "FVD"',
    weights={"r3d_18": Takes()},
    batch=2,  # clips; 3.3 s of a core each at 16 frames, as in 1 and 4; at 2 frames 0.3 s, and 1.7 s in batches of 1
    gpu_batch=16,
    libraries=("torch",),
    note=(
        "r3d_18 with AIGVE's preprocessing, which is not the one it was trained with: no distance on it is an FVD; "
        "what AIGVE calls one compares pairs of videos, and no sets"
    ),
)
