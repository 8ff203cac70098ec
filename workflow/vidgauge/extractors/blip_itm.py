"""blip_itm: the probability that a frame and its video's text belong together, by the matching head of BLIP ITM base.

Image and text are read together here, unlike in blip_agreement, so that other texts mean another run over the frames.
"""

from __future__ import annotations

from vidgauge.specs import ArraySpec, Column, ExtractorSpec, InputSpec, Network, Setup, Takes


def build(setup: Setup) -> Network:
    """The network as a function of clips and one text for each, of the sizes that the folder's configuration gives."""
    from vidgauge.extractors._blip_model import Matching, blip_of, ids_in
    from vidgauge.extractors._torch import resolve_device

    device = resolve_device(setup.device)
    model = blip_of(EXTRACTOR.name, setup.file.path)
    ids = ids_in(EXTRACTOR.name, setup.file.path, model)
    return Matching(model.to(device), ids, EXTRACTOR, setup, device)


EXTRACTOR = ExtractorSpec(
    name="blip_itm",
    build=build,
    input=InputSpec(
        "frame", (384, 384), "bicubic, antialiased, not rounded; aspect ignored", "0..1, then CLIP mean and std"
    ),
    arrays={
        "scores": ArraySpec(
            1,
            "frame",
            "softmax of the matching head",
            columns=(Column("blip_itm", "higher", "0 to 1, the probability of a match", "no text"),),
        ),
    },
    version=1,
    source=(
        "Li et al., BLIP, ICML 2022; transformers BlipForImageTextRetrieval (Salesforce/blip-itm-base-coco), "
        "with its matching head"
    ),
    known_as="BLIP ITM",
    weights={"blip_itm_base": Takes(folder=True)},
    batch=2,  # frames
    gpu_batch=16,
    text=True,
    libraries=("torch", "transformers", "tokenizers"),
    note="blip_itm reads 77 tokens of a text, its first and last token included; what is longer is cut",
)
