"""BLIP for image-text matching from a folder of transformers. Importing this module imports torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vidgauge.errors import VidgaugeError
from vidgauge.extractors._clips import check_clips
from vidgauge.extractors._hub_folder import CONFIG, LOAD, config_of, ids_of, model_of, tokenizer_of
from vidgauge.extractors._pixels import CLIP, normalised
from vidgauge.extractors._torch import FixedBatches
from vidgauge.specs import ExtractorSpec, Setup

MOST = 77  # tokens, as AIGVE_Tool cuts texts; Salesforce's own script is said to cut them at 35
START, END = "[CLS]", "[SEP]"
FILLED = 0.96  # of the text embedding, at least: BERT's vocabulary without case fills all, that with case 0.95


def blip_of(extractor: str, folder: Path) -> Any:
    """The BlipForImageTextRetrieval of a folder."""
    return model_of(extractor, folder, "BlipForImageTextRetrieval", config_of(extractor, folder, "BlipConfig"))


def image_tokens(model: Any, frames: torch.Tensor) -> torch.Tensor:
    """Frames (B, H, W, 3) uint8 -> (B, tokens, width), the first token that of the whole image."""
    size = model.config.vision_config.image_size
    return model.vision_model(pixel_values=normalised(frames, size, CLIP, mode="bicubic", antialias=True))[0]


def ids_in(extractor: str, folder: Path, model: Any) -> Callable[[str], list[int]]:
    """The function from a text to its tokens; VidgaugeError where the folder's tokenizer is not the network's."""
    config = model.config.text_config
    tokenizer = tokenizer_of(
        extractor,
        folder,
        "BertTokenizerFast",
        files=(("vocab.txt",),),
        tokens=(START, END),
        rows=config.vocab_size,
    )
    if (end := tokenizer.convert_tokens_to_ids(END)) != config.sep_token_id:
        raise VidgaugeError(
            f"{folder}: the tokenizer's {END} is number {end}, and {CONFIG} wants {config.sep_token_id}. {LOAD}"
        )
    if len(tokenizer) < FILLED * config.vocab_size:
        raise VidgaugeError(
            f"{folder}: the tokenizer has {len(tokenizer)} tokens, and the network was trained on about "
            f"{config.vocab_size}: it is that of another network. {LOAD}"
        )
    most = min(MOST, config.max_position_embeddings)
    return lambda text: ids_of(tokenizer, text, most)


def text_features(model: Any, ids: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """(B, tokens) -> (B, width), projected, not normalised. mask: 1 for tokens, 0 for padding; None: no padding."""
    return model.text_proj(model.text_encoder(input_ids=ids, attention_mask=mask)[0][:, 0])


def match_logits(model: Any, images: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Images' tokens (B, n, width) and a text for each (B, tokens) -> (B, 2), of which the second speaks for a match.

    The network's own forward makes the images' mask on the CPU, wherever the images are.
    """
    seen = torch.ones(images.shape[:2], dtype=torch.long, device=images.device)
    read = model.text_encoder(
        input_ids=ids, attention_mask=mask, encoder_hidden_states=images, encoder_attention_mask=seen
    )[0]
    return model.itm_head(read[:, 0])


class Matching:
    """(clips, texts) -> scores (b * t, 1): for each frame the probability that it and its clip's text belong together.

    Frames go through in batches of one text, so that nothing is padded but the last batch, by frames. A clip whose text
    is empty has NaN.
    """

    def __init__(
        self, model: Any, ids: Callable[[str], list[int]], spec: ExtractorSpec, setup: Setup, device: torch.device
    ) -> None:
        batch = spec.gpu_batch if device.type == "cuda" else spec.batch
        self.model, self.ids, self.input, self.device = model, ids, spec.input, device
        self.batches = FixedBatches(lambda _: {}, batch=batch, device=device, precision=setup.precision)

    def __call__(self, clips: np.ndarray, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """ValueError for what are no clips, and unless there is one text for each."""
        array = check_clips(clips, self.input)
        if len(array) != len(texts):
            raise ValueError(f"expected one text for each clip, got {len(array)} clips and {len(texts)} texts")
        rows = [
            self.probabilities(frames, self.ids(text) if text else None)
            for frames, text in zip(array, texts, strict=True)
        ]
        return {"scores": np.concatenate([np.empty((0, 1), np.float32), *rows])}

    def probabilities(self, frames: np.ndarray, ids: Sequence[int] | None) -> np.ndarray:
        """(t, h, w, 3) uint8 and the tokens of a text, None if there is none -> (t, 1) float32."""
        if ids is None:
            return np.full((len(frames), 1), np.nan, np.float32)
        text = torch.tensor([list(ids)], device=self.device)

        def forward(some: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = match_logits(self.model, image_tokens(self.model, some), text.expand(len(some), -1))
            return {"scores": logits.float().softmax(dim=1)[:, 1:]}

        run = copy(self.batches)  # notes the sizes that it ran where the others do
        run.forward = forward
        found = run(frames)["scores"]
        self.batches.batch = min(self.batches.batch, run.batch)  # it may have been halved
        return found

    def clips_per_call(self, _: int) -> int:
        """Any number of clips fills batches as well as one."""
        return 1

    def ran_on(self, shape: tuple[int, int, int]) -> dict[str, str]:
        """Device and batch shapes. shape: (t, h, w) of the clips."""
        return self.batches.ran_on((*shape[1:], 3))
