"""CLIP from a folder of transformers: its image tower, and its text tower. Importing this module imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from vidgauge.errors import VidgaugeError
from vidgauge.extractors._hub_folder import CONFIG, LOAD, config_of, ids_of, model_of, tokenizer_of
from vidgauge.extractors._pixels import CLIP, normalised
from vidgauge.extractors._text_agreement import TextTower
from vidgauge.extractors._torch import TorchNetwork, resolve_device
from vidgauge.specs import ExtractorSpec, Network, Setup

START, END = "<|startoftext|>", "<|endoftext|>"
LEGACY = 2  # what published configurations say of their end token; the largest number in a text is meant


def image_network(spec: ExtractorSpec, setup: Setup) -> Network:
    """Frames -> features, projected and not normalised."""
    device = resolve_device(setup.device)
    model = clip_of(spec.name, setup.file.path)
    size = model.config.vision_config.image_size
    del model.text_model, model.text_projection
    model = model.to(device)

    def forward(frames: torch.Tensor) -> dict[str, torch.Tensor]:
        x = normalised(frames, size, CLIP, mode="bicubic", antialias=True)
        return {"features": _projected(model.get_image_features(pixel_values=x))}

    return TorchNetwork(forward, spec, setup, device)


def text_tower(extractor: str, folder: Path, device: torch.device) -> tuple[TextTower, float]:
    """The tower that gives embeddings, projected and not normalised, and exp(logit_scale), which CLIP multiplies with.

    VidgaugeError where the tokenizer is not the one that the configuration was written for.
    """
    model = clip_of(extractor, folder)
    config = model.config.text_config
    tokenizer = tokenizer_of(
        extractor,
        folder,
        "CLIPTokenizerFast",
        files=(("vocab.json", "merges.txt"),),
        tokens=(START, END),
        rows=config.vocab_size,
    )
    end = tokenizer.convert_tokens_to_ids(END)
    wanted = config.vocab_size - 1 if config.eos_token_id == LEGACY else config.eos_token_id
    if end != wanted:
        raise VidgaugeError(
            f"{folder}: the tokenizer's {END} is number {end}, and {CONFIG} wants {wanted}, where the network reads "
            f"a text's embedding. {LOAD}"
        )
    scale = float(model.logit_scale.double().exp())
    del model.vision_model, model.visual_projection
    model = model.to(device)
    most = config.max_position_embeddings
    tower = TextTower(
        ids=lambda text: ids_of(tokenizer, text, most),
        embed=lambda ids: _projected(model.get_text_features(input_ids=ids)),
        width=model.config.projection_dim,
    )
    return tower, scale


def clip_of(extractor: str, folder: Path) -> Any:
    """The CLIPModel of a folder, both of its towers checked."""
    return model_of(extractor, folder, "CLIPModel", config_of(extractor, folder, "CLIPConfig"))


def _projected(found: Any) -> torch.Tensor:
    """What get_*_features gives: the features, or since transformers 5 an object that holds them."""
    return getattr(found, "pooler_output", found)
