"""PickScore v1 (yuvalkirstain/PickScore_v1), the features that pickscore compares: a CLIP ViT-H/14 from a folder.

Frames of another size than the checkpoint's are stretched to it, while its own preprocessing, that of CLIP ViT-H/14,
scales the shorter side (Pillow, bicubic) and crops: say so in the clip spec.
"""

from __future__ import annotations

from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes


def build(setup: Setup) -> Network:
    """The network as a function of frames, of the sizes that the folder's configuration gives."""
    from vidgauge.extractors._clip_model import image_network

    return image_network(EXTRACTOR, setup)


EXTRACTOR = ExtractorSpec(
    name="pickscore_v1",
    build=build,
    input=InputSpec(
        "frame", (224, 224), "bicubic, antialiased, not rounded; aspect ignored", "0..1, then CLIP mean and std"
    ),
    arrays={"features": ArraySpec(None, "frame", "image embedding, projected, of any length")},
    version=1,
    source=(
        "Kirstain et al., Pick-a-Pic, NeurIPS 2023; transformers CLIPModel (yuvalkirstain/PickScore_v1, processor of "
        "laion/CLIP-ViT-H-14-laion2B-s32B-b79K)"
    ),
    known_as="PickScore",
    weights={"pickscore_v1": Takes(folder=True)},
    batch=1,  # frames
    gpu_batch=32,
    libraries=("torch", "transformers"),
)
