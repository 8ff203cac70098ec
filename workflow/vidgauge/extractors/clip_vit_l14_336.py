"""CLIP ViT-L/14 at 336 pixels (OpenAI): the network of CMMD.

OpenAI publishes a TorchScript archive; only its tensors are used, half precision ones made float32. CMMD resizes with
Pillow, rounds to whole numbers, and crops frames that are not square; here frames are stretched and nothing is
rounded. Clips of 336 x 336 pixels are seen as they are by both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import torch

SIZE = 336  # pixels
DEPTH = 24


def build(setup: Setup, depth: int = DEPTH) -> Network:
    """The network as a function of frames. depth: blocks; other than 24 only for checkpoints of another size."""
    from vidgauge.extractors._checkpoints import empty, fill
    from vidgauge.extractors._clip import ImageTower
    from vidgauge.extractors._pixels import CLIP, normalised
    from vidgauge.extractors._torch import TorchNetwork, resolve_device
    from vidgauge.extractors._torchscript import tensors_of_archive

    device = resolve_device(setup.device)
    model = empty(lambda: ImageTower(size=SIZE, patch=14, width=1024, depth=depth, heads=16, out=768))
    tensors = tensors_of_archive(setup.file)
    model = fill(model, tensors, setup.file.path, unused=lambda name: not name.startswith("visual.")).to(device)

    def forward(frames: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"features": model(normalised(frames, SIZE, CLIP, mode="bicubic", antialias=True))}

    return TorchNetwork(forward, EXTRACTOR, setup, device)


EXTRACTOR = ExtractorSpec(
    name="clip_vit_l14_336",
    build=build,
    input=InputSpec(
        "frame", (SIZE, SIZE), "bicubic, antialiased, not rounded; aspect ignored", "0..1, then CLIP mean and std"
    ),
    arrays={"features": ArraySpec(768, "frame", "image embedding, of any length: CMMD divides each row by its length")},
    version=1,
    source=(
        "Radford et al., Learning Transferable Visual Models, ICML 2021 (openai/CLIP); used as in Jayasumana et al., "
        "Rethinking FID, CVPR 2024 (google-research/cmmd)"
    ),
    known_as="CMMD",
    weights={"clip_vit_l14_336": Takes(torchscript=True)},
    note="clip_vit_l14_336 sees whole frames, stretched; CMMD's published numbers rest on centre crops in whole bytes",
    batch=2,  # frames; 1 to 8 took the same CPU time per frame
    gpu_batch=32,
)
