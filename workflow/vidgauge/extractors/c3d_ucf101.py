"""C3D, trained to tell the 101 classes of UCF-101: the network of the video inception score (TGAN2, StyleGAN-V).

Its weights are a TorchScript archive whose code can be seen by nobody who does not have it, and no digest of it is
published. What is written here of its inside is inferred from the code that calls it and from TGAN2's Chainer network,
of which it is a conversion: pixels 0..255 of any size go in and are resized to 112 x 112 and freed of the mean inside
(by which filter is not known); 16 frames are needed, because the first layer after the convolutions has a fixed width;
probabilities come out, because callers take their logarithm. Callers give uint8; floats of the same values are given
here, which a graph that computes with the mean turns them into anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidgauge.errors import VidgaugeError
from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import torch

FRAMES = 16
CLASSES = 101


def build(setup: Setup) -> Network:
    """The network as a function of clips of 16 frames."""
    from vidgauge.extractors._torch import TorchNetwork, resolve_device
    from vidgauge.extractors._torchscript import open_torchscript

    device = resolve_device(setup.device)
    path = setup.file.path
    network = open_torchscript(setup.file, device)

    def forward(clips: torch.Tensor) -> dict[str, torch.Tensor]:
        x = clips.permute(0, 4, 1, 2, 3).float().contiguous()  # (B, 3, 16, H, W) 0..255
        found = network(x)
        if tuple(found.shape) != (len(x), CLASSES):
            raise VidgaugeError(
                f"{path}: is not the network of {EXTRACTOR.name}: it gives {tuple(found.shape)} for {len(x)} clips, "
                f"and {CLASSES} probabilities for each were wanted"
            )
        return {"probabilities": found}

    return TorchNetwork(forward, EXTRACTOR, setup, device)


EXTRACTOR = ExtractorSpec(
    name="c3d_ucf101",
    build=build,
    input=InputSpec(
        "clip",
        None,
        "inside the network, to 112 x 112; filter not known",
        "0..255",
        min_frames=FRAMES,
        max_frames=FRAMES,
    ),
    arrays={"probabilities": ArraySpec(CLASSES, "clip", "UCF-101 class probabilities")},
    version=1,
    source=(
        "Tran et al., C3D, ICCV 2015, as converted from TGAN2's (Saito et al., IJCV 2020); "
        "used as in Skorokhodov et al., StyleGAN-V, CVPR 2022, video_inception_score.py"
    ),
    known_as="IS of videos (ISV, VIS)",
    weights={"c3d_ucf101": Takes(torchscript=True)},
    batch=2,  # clips; 1 to 8 took the same 1.3 to 1.7 s of a core each, and archives have been seen to squeeze one
    gpu_batch=16,
)
