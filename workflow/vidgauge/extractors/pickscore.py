"""pickscore: how much people would like a video's frames as images of its text, by PickScore v1; mean over frames.

The network was trained on single images and sees no motion. Its score is exp(logit_scale) times the cosine, the scale
on which a softmax over the candidates of one text gives preferences; AIGVE_Tool reports the cosine.
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
    from vidgauge.metrics.agreement import text_agreement

    device = resolve_device(setup.device)
    tower, scale = text_tower(EXTRACTOR.name, setup.file.path, device)

    def formula(frames: np.ndarray, text: np.ndarray | None) -> tuple[float, float]:
        cosine = float("nan") if text is None else text_agreement(frames, text)
        return scale * cosine, cosine

    return TextAgreement(tower, formula, len(EXTRACTOR.arrays["scores"].columns), setup, device)


EXTRACTOR = ExtractorSpec(
    name="pickscore",
    build=build,
    input=InputSpec("clip", None, "none: reads features of pickscore_v1", "as they are"),
    arrays={
        "scores": ArraySpec(
            2,
            "video",
            "means over frames",
            columns=(
                Column("pickscore", "higher", "100 times the cosine, mostly 15 to 25", "no text"),
                Column("pickscore_cos", "higher", "-1 to 1, mostly 0.15 to 0.25", "no text"),
            ),
        ),
        "text": ArraySpec(None, "video", "text embedding, projected, of any length"),
    },
    version=1,
    source=(
        "Kirstain et al., Pick-a-Pic, NeurIPS 2023; transformers CLIPModel (yuvalkirstain/PickScore_v1); mean over "
        "frames as in AIGVE_Tool"
    ),
    known_as="PickScore",
    weights={"pickscore_v1": Takes(folder=True)},
    text=True,
    of="pickscore_v1",
    libraries=("torch", "transformers", "tokenizers"),
    note="pickscore reads 77 tokens of a text, its first and last token included; what is longer is cut",
)
