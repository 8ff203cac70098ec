"""BLIP ITM base (Salesforce/blip-itm-base-coco), the features that blip_agreement compares, from a folder.

transformers' BlipForImageTextRetrieval. Frames of another size than the checkpoint's, 384 x 384, are stretched to it,
as by BLIP's own preprocessing (Pillow, bicubic, rounded), which the clip spec can name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import torch


def build(setup: Setup) -> Network:
    """The network as a function of frames, of the sizes that the folder's configuration gives."""
    from vidgauge.extractors._blip_model import blip_of, image_tokens
    from vidgauge.extractors._torch import TorchNetwork, resolve_device

    device = resolve_device(setup.device)
    model = blip_of(EXTRACTOR.name, setup.file.path)
    del model.text_encoder, model.text_proj, model.itm_head
    model = model.to(device)

    def forward(frames: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"features": model.vision_proj(image_tokens(model, frames)[:, 0])}

    return TorchNetwork(forward, EXTRACTOR, setup, device)


EXTRACTOR = ExtractorSpec(
    name="blip_itm_base",
    build=build,
    input=InputSpec(
        "frame", (384, 384), "bicubic, antialiased, not rounded; aspect ignored", "0..1, then CLIP mean and std"
    ),
    arrays={"features": ArraySpec(None, "frame", "image embedding, projected, of any length")},
    version=1,
    source=(
        "Li et al., BLIP, ICML 2022; transformers BlipForImageTextRetrieval (Salesforce/blip-itm-base-coco); used as "
        "in AIGVE_Tool (BLIPSim)"
    ),
    known_as="BLIPSim",
    weights={"blip_itm_base": Takes(folder=True)},
    batch=2,  # frames
    gpu_batch=32,
    libraries=("torch", "transformers"),
)
