"""blipsim: agreement of a video's frames with its text by BLIP ITM base, the mean cosine over frames.

What the network's matching head says of the same is blip_itm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, Column, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import numpy as np


def build(setup: Setup) -> Network:
    """The network as a function of the frames' features and the texts."""
    from vidgauge.extractors._blip_model import blip_of, ids_in, text_features
    from vidgauge.extractors._text_agreement import TextAgreement, TextTower
    from vidgauge.extractors._torch import resolve_device
    from vidgauge.metrics.agreement import text_agreement

    def formula(frames: np.ndarray, text: np.ndarray | None) -> tuple[float]:
        return (float("nan") if text is None else text_agreement(frames, text),)

    device, folder = resolve_device(setup.device), setup.file.path
    model = blip_of(EXTRACTOR.name, folder)
    ids = ids_in(EXTRACTOR.name, folder, model)
    del model.vision_model, model.vision_proj, model.itm_head
    model = model.to(device)
    tower = TextTower(ids, lambda tokens: text_features(model, tokens), model.text_proj.out_features)
    return TextAgreement(tower, formula, len(EXTRACTOR.arrays["scores"].columns), setup, device)


EXTRACTOR = ExtractorSpec(
    name="blip_agreement",
    build=build,
    input=InputSpec("clip", None, "none: reads features of blip_itm_base", "as they are"),
    arrays={
        "scores": ArraySpec(
            1,
            "video",
            "mean of cosines",
            columns=(Column("blipsim", "higher", "-1 to 1, mostly 0.2 to 0.6", "no text"),),
        ),
        "text": ArraySpec(None, "video", "text embedding, projected, of any length"),
    },
    version=1,
    source=(
        "Li et al., BLIP, ICML 2022; transformers BlipForImageTextRetrieval (Salesforce/blip-itm-base-coco), "
        "without its matching head; used as in AIGVE_Tool (BLIPSim)"
    ),
    known_as="BLIPSim",
    weights={"blip_itm_base": Takes(folder=True)},
    text=True,
    of="blip_itm_base",
    libraries=("torch", "transformers", "tokenizers"),
    note="blip_agreement reads 77 tokens of a text, its first and last token included; what is longer is cut",
)
