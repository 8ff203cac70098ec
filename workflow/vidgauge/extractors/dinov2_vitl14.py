"""DINOv2 ViT-L/14, trained without labels on LVD-142M: the network of FD-DINOv2.

At 224 x 224 pixels, as FD-DINOv2 runs it. The table of positions was made for 518 x 518 and is interpolated as the
official code does it, not as timm does: timm antialiases, which gives another table and other features (see
`table_for`).
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import torch

SIZE, TRAINED, PATCH = 224, 518, 14  # pixels: of a frame, of the published table of positions, of a token
DEPTH = 24


def build(setup: Setup, depth: int = DEPTH) -> Network:
    """The network as a function of frames. depth: blocks; other than 24 only for checkpoints of another size."""
    from torch import nn

    from vidgauge.extractors._checkpoints import empty, fill, tensors_of
    from vidgauge.extractors._dinov2 import VisionTransformer
    from vidgauge.extractors._pixels import IMAGENET, normalised
    from vidgauge.extractors._torch import TorchNetwork, resolve_device

    device = resolve_device(setup.device)
    shape = {"width": 1024, "depth": depth, "heads": 16, "patch": PATCH, "positions": (TRAINED // PATCH) ** 2 + 1}
    model = empty(lambda: VisionTransformer(**shape))
    # mask_token stands for the tokens that training hides
    model = fill(model, tensors_of(setup.file), setup.file.path, unused=lambda name: name == "mask_token")
    model.pos_embed = nn.Parameter(table_for(SIZE // PATCH, model.pos_embed), requires_grad=False)
    model = model.to(device)

    def forward(frames: torch.Tensor) -> dict[str, torch.Tensor]:
        x = normalised(frames, SIZE, IMAGENET, mode="bicubic", antialias=True)
        return {"features": model(x)}  # (B, 1024)

    return TorchNetwork(forward, EXTRACTOR, setup, device)


def table_for(side: int, table: torch.Tensor) -> torch.Tensor:
    """Positions (1, 1 + n n, width) for side x side tokens: the class token's, and the others interpolated.

    Bicubic (a = -0.75), without antialiasing, and by a factor of (side + 0.1) / n instead of side / n, which shifts the
    samples by up to 0.2 of a token: the official code adds the 0.1 against rounding errors, and FD-DINOv2's numbers
    rest on it. timm antialiases and has no such term; transformers has no such term either.
    """
    import torch
    from torch.nn.functional import interpolate

    n = isqrt(table.shape[1] - 1)
    grid = table[:, 1:].unflatten(1, (n, n)).permute(0, 3, 1, 2)  # (1, width, n, n)
    grid = interpolate(grid, scale_factor=(side + 0.1) / n, mode="bicubic", align_corners=False)
    return torch.cat([table[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)


EXTRACTOR = ExtractorSpec(
    name="dinov2_vitl14",
    build=build,
    input=InputSpec(
        "frame", (SIZE, SIZE), "bicubic, antialiased, not rounded; aspect ignored", "0..1, then ImageNet mean and std"
    ),
    arrays={"features": ArraySpec(1024, "frame", "class token after the last norm")},
    version=1,
    source=(
        "Oquab et al., DINOv2, TMLR 2024 (facebookresearch/dinov2); used as in Stein et al., Exposing flaws of "
        "generative model evaluation metrics, NeurIPS 2023 (dgm-eval with --clean_resize)"
    ),
    known_as="FD-DINOv2, KD",
    weights={"dinov2_vitl14": Takes()},
    batch=2,  # frames; 1 to 8 took the same CPU time per frame
    gpu_batch=64,
    libraries=("torch",),
)
