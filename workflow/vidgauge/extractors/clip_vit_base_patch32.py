"""CLIP ViT-B/32 (OpenAI), the features that clip_agreement compares: transformers' CLIPModel, from a folder.

Not the network of CMMD, which is clip_vit_l14_336. Frames of another size than the checkpoint's are stretched to it,
while CLIP's own preprocessing scales the shorter side (Pillow, bicubic) and crops: say so in the clip spec.
"""

from __future__ import annotations

from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes


def build(setup: Setup) -> Network:
    """The network as a function of frames, of the sizes that the folder's configuration gives."""
    from vidgauge.extractors._clip_model import image_network

    return image_network(EXTRACTOR, setup)


EXTRACTOR = ExtractorSpec(
    name="clip_vit_base_patch32",
    build=build,
    input=InputSpec(
        "frame", (224, 224), "bicubic, antialiased, not rounded; aspect ignored", "0..1, then CLIP mean and std"
    ),
    arrays={"features": ArraySpec(None, "frame", "image embedding, projected, of any length")},
    version=1,
    source=(
        "Radford et al., Learning Transferable Visual Models, ICML 2021; transformers CLIPModel "
        "(openai/clip-vit-base-patch32); used as in AIGVE_Tool (CLIPSim, CLIPTemp)"
    ),
    known_as="CLIPSim, CLIPTemp",
    weights={"clip_vit_base_patch32": Takes(folder=True)},
    batch=4,  # frames
    gpu_batch=64,
    libraries=("torch", "transformers"),
)
