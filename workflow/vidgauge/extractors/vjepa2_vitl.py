"""V-JEPA 2 ViT-L, 256 pixels: what a clip looks like and how it moves, learnt without labels from videos.

The encoder of transformers' VJEPA2Model with the constants of facebook/vjepa2-vitl-fpc64-256; the predictor, which only
training needs, is not built. The published preprocessing enlarges the shorter side to 292 pixels and keeps the middle
256 x 256; here frames are stretched to 256 x 256 with the same filter, so that nothing is cut off, and clips of that
size are seen as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vidgauge.extractors._hub import from_transformers
from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import torch

SIZE = 256  # pixels
DEPTH = 24
PREDICTOR = "predictor."


def build(setup: Setup, depth: int = DEPTH) -> Network:
    """The network as a function of clips, of an even number of frames.

    depth: blocks; other than 24 only for checkpoints of another size.
    """
    from vidgauge.extractors._checkpoints import empty, fill, tensors_of
    from vidgauge.extractors._pixels import IMAGENET, normalised
    from vidgauge.extractors._torch import TorchNetwork, resolve_device

    device = resolve_device(setup.device)
    model = empty(lambda: encoder_of(depth))
    tensors = tensors_of(setup.file)
    model = fill(model, tensors, setup.file.path, unused=lambda name: name.startswith(PREDICTOR)).to(device)

    def forward(clips: torch.Tensor) -> dict[str, torch.Tensor]:
        x = normalised(clips, SIZE, IMAGENET, mode="bilinear", antialias=True)  # (B, T, 3, 256, 256)
        tokens = model.encoder(x).last_hidden_state  # (B, T / 2 * 16 * 16, 1024)
        return {"features": tokens.float().mean(dim=1)}

    return TorchNetwork(forward, EXTRACTOR, setup, device)


def encoder_of(depth: int) -> Any:
    """transformers' VJEPA2Model, without its predictor."""
    config_class, model_class = from_transformers("vjepa2_vitl", "VJEPA2Config", "VJEPA2Model")
    config = config_class(
        patch_size=16,
        crop_size=SIZE,
        frames_per_clip=64,  # positions are rotations, computed for as many frames as there are
        tubelet_size=2,
        hidden_size=1024,
        num_attention_heads=16,
        num_hidden_layers=depth,
        mlp_ratio=4.0,
        layer_norm_eps=1e-6,
        qkv_bias=True,
        hidden_act="gelu",
        attn_implementation="sdpa",
    )
    model = model_class(config)
    del model.predictor
    return model


EXTRACTOR = ExtractorSpec(
    name="vjepa2_vitl",
    build=build,
    input=InputSpec(
        "clip",
        (SIZE, SIZE),
        "bilinear, antialiased, not rounded; aspect ignored, nothing cropped",
        "0..1, then ImageNet mean and std",
        min_frames=2,
        multiple=2,  # a token spans two frames
    ),
    arrays={"features": ArraySpec(1024, "clip", "mean over the encoder's tokens after the last norm")},
    version=1,
    source="Assran et al., V-JEPA 2, 2025, arXiv 2506.09985; transformers VJEPA2Model",
    weights={"vjepa2_vitl": Takes()},
    batch=1,  # clips; 1 to 4 took the same CPU time per clip of 16 frames
    gpu_batch=8,
    libraries=("torch", "transformers"),
    note="vjepa2_vitl: the mean over tokens and the uncropped frames are vidgauge's choice; JEDi rests on V-JEPA 1",
)
