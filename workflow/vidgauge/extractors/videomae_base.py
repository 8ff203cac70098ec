"""VideoMAE ViT-B/16, pre-trained without labels on Kinetics-400 (MCG-NJU/videomae-base).

transformers' VideoMAEModel with the published constants; the decoder, which only training needs, is not built.
Preprocessing is that of FastVideo's FVD with this network: bilinear without antialiasing, so that clips much larger
than 224 x 224 alias. The model card's processor antialiases and crops; clips of 224 x 224 are the same to both.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any

from vidgauge.extractors._hub import from_transformers
from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import torch

SIZE, FRAMES, WIDTH = 224, 16, 768
TUBE, PATCH = 2, 16  # frames and pixels of a token
DEPTH = 12
DECODER = ("decoder.", "encoder_to_decoder.", "mask_token")


def build(setup: Setup, depth: int = DEPTH) -> Network:
    """The network as a function of clips of 16 frames. depth: blocks; other than 12 only for other checkpoints."""
    from vidgauge.extractors._checkpoints import empty, fill, tensors_of
    from vidgauge.extractors._pixels import IMAGENET, normalised
    from vidgauge.extractors._torch import TorchNetwork, resolve_device

    device = resolve_device(setup.device)
    model = empty(lambda: encoder_of(depth))
    tensors = mapped(tensors_of(setup.file), model.state_dict())
    model = fill(model, tensors, setup.file.path, unused=lambda name: name.startswith(DECODER)).to(device)
    # not among the module's buffers, so that nothing else fills it or moves it
    model.embeddings.position_embeddings = positions().to(device)

    def forward(clips: torch.Tensor) -> dict[str, torch.Tensor]:
        x = normalised(clips, SIZE, IMAGENET, mode="bilinear", antialias=False)  # (B, 16, 3, 224, 224)
        tokens = model(pixel_values=x).last_hidden_state  # (B, 8 * 14 * 14, 768)
        return {"features": tokens.float().mean(dim=1)}

    return TorchNetwork(forward, EXTRACTOR, setup, device)


def encoder_of(depth: int) -> Any:
    """transformers' VideoMAEModel as in VideoMAEForPreTraining: with a norm after the last block."""
    config_class, model_class = from_transformers("videomae_base", "VideoMAEConfig", "VideoMAEModel")
    config = config_class(
        image_size=SIZE,
        patch_size=PATCH,
        num_frames=FRAMES,
        tubelet_size=TUBE,
        hidden_size=WIDTH,
        num_hidden_layers=depth,
        num_attention_heads=12,
        intermediate_size=4 * WIDTH,
        hidden_act="gelu",
        layer_norm_eps=1e-12,
        qkv_bias=True,
        use_mean_pooling=False,
        attn_implementation="sdpa",
    )
    return model_class(config)


def mapped(tensors: Mapping[str, torch.Tensor], wanted: Container[str]) -> dict[str, torch.Tensor]:
    """The tensors of VideoMAEForPreTraining under the names of VideoMAEModel.

    The published file names the biases of queries and values q_bias and v_bias; newer transformers do not.
    """
    renamed = {"q_bias": "query.bias", "v_bias": "value.bias"}

    def ours(name: str) -> str:
        name = name.removeprefix("videomae.")
        stem, _, last = name.rpartition(".")
        return name if name in wanted or last not in renamed else f"{stem}.{renamed[last]}"

    return {ours(name): tensor for name, tensor in tensors.items()}


def positions() -> torch.Tensor:
    """(1, tokens, 768) float32: sines of a token's number at even places, cosines at odd ones. Computed in float64."""
    import torch

    tokens = torch.arange(FRAMES // TUBE * (SIZE // PATCH) ** 2, dtype=torch.float64)
    wavelengths = 10000 ** (torch.arange(0, WIDTH, 2, dtype=torch.float64) / WIDTH)
    angles = tokens[:, None] / wavelengths
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[None].float()


EXTRACTOR = ExtractorSpec(
    name="videomae_base",
    build=build,
    input=InputSpec(
        "clip",
        (SIZE, SIZE),
        "bilinear, half-pixel, no antialias; aspect ignored",
        "0..1, then ImageNet mean and std",
        min_frames=FRAMES,
        max_frames=FRAMES,
    ),
    arrays={"features": ArraySpec(WIDTH, "clip", "mean over tokens after the last norm")},
    version=1,
    source="Tong et al., VideoMAE, NeurIPS 2022; transformers VideoMAEModel; used as in FastVideo (common.fvd)",
    known_as='"FVD" of FastVideo with its extractor videomae',
    weights={"videomae_base": Takes()},
    batch=1,  # clips; 1 to 4 took the same CPU time per clip
    gpu_batch=16,
    libraries=("torch", "transformers"),
)
