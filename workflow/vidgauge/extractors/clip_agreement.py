"""clipsim and cliptemp: agreement of a video's frames with its text, and with one another, by CLIP ViT-B/32.

Means are over all frames of a video. AIGVE_Tool squashes frames to 224 x 224 first and reports its last batch; the clip
spec tells the one from the other, and nothing here depends on batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, Column, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import numpy as np


def build(setup: Setup) -> Network:
    """The network as a function of the frames' features and the texts."""
    from vidgauge.extractors._clip_model import text_tower
    from vidgauge.extractors._text_agreement import TextAgreement
    from vidgauge.extractors._torch import resolve_device
    from vidgauge.metrics.agreement import temporal_agreement, text_agreement

    def formula(frames: np.ndarray, text: np.ndarray | None) -> tuple[float, float]:
        return (float("nan") if text is None else text_agreement(frames, text)), temporal_agreement(frames)

    device = resolve_device(setup.device)
    tower, _ = text_tower(EXTRACTOR.name, setup.file.path, device)
    return TextAgreement(tower, formula, len(EXTRACTOR.arrays["scores"].columns), setup, device)


EXTRACTOR = ExtractorSpec(
    name="clip_agreement",
    build=build,
    input=InputSpec("clip", None, "none: reads features of clip_vit_base_patch32", "as they are"),
    arrays={
        "scores": ArraySpec(
            2,
            "video",
            "means of cosines",
            columns=(
                Column("clipsim", "higher", "-1 to 1, mostly 0.15 to 0.40", "no text"),
                Column("cliptemp", "higher", "-1 to 1; 1 where nothing moves", "one frame has no successor"),
            ),
        ),
        "text": ArraySpec(None, "video", "text embedding, projected, of any length"),
    },
    version=1,
    source=(
        "Radford et al., Learning Transferable Visual Models, ICML 2021; transformers CLIPModel "
        "(openai/clip-vit-base-patch32); formulas of AIGVE_Tool (CLIPSim, CLIPTemp)"
    ),
    known_as="CLIPSim, CLIPTemp",
    weights={"clip_vit_base_patch32": Takes(folder=True)},
    text=True,
    of="clip_vit_base_patch32",
    libraries=("torch", "transformers", "tokenizers"),
    note="clip_agreement reads 77 tokens of a text, its first and last token included; what is longer is cut",
)
