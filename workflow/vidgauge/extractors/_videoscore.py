"""VideoScore: a question about the frames, Idefics2 that reads it, and five numbers at its last token.

transformers' Idefics2Model with a linear head, which is what the published class is; its own code is not needed.
Importing this module imports torch.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from vidgauge.errors import VidgaugeError
from vidgauge.extractors._checkpoints import empty, fill
from vidgauge.extractors._clips import check_clips
from vidgauge.extractors._hub import from_transformers
from vidgauge.extractors._hub_folder import config_of, model_of, tensors_of_folder, tensors_path, tokenizer_of
from vidgauge.extractors._memory import full_gpu, said_full
from vidgauge.extractors._torch import HALF, check_precision, device_name, repeatable, resolve_device
from vidgauge.specs import ExtractorSpec, Setup

PROMPT_FILE = "prompt.txt"
PROMPT_SHA256 = "49b386d9ea3003760c983cc258cf4211faf858d58191f95fcfacdf68a8fed2c0"
PLACE = "{text_prompt}"  # of the video's text in the prompt
PICTURE, BORDER = "<image>", "<fake_token_around_image>"
PIXELS_FILE = "preprocessor_config.json"
MODEL = "model."  # before the names of Idefics2's tensors
AT_ONCE = 2  # pictures in one call of the vision tower: a matter of memory alone
SHOWN = 60  # characters of a text in an error


class VideoScore:
    """The network: clips (b, t, h, w, 3) uint8 and b texts -> scores (b, k) float32; NaN for a text of no words.

    Each clip is run alone, so that its row depends on nothing else. Texts are read whole, as upstream does. ValueError
    for one that holds a token of the pictures, or is longer than the network has positions for.
    """

    def __init__(self, setup: Setup, spec: ExtractorSpec) -> None:
        folder = setup.file.path
        self.device = resolve_device(setup.device)
        check_precision(setup.precision, self.device)
        # upstream's weights are halves as well, unlike those under autocast
        self.precision = "float32" if setup.precision in HALF else setup.precision
        self.input = spec.input
        self.template = template_of(folder, PROMPT_SHA256)
        self.pixels = pixels_of(spec.name, folder)
        config = config_of(spec.name, folder, "Idefics2Config")
        self.tokenizer = question_tokenizer(spec.name, folder, config)  # before gigabytes are read
        columns, dtype = len(spec.arrays["scores"].columns), HALF.get(setup.precision, torch.float32)
        self.scorer = scorer_of(spec.name, folder, config, columns, dtype).to(self.device)

    def __call__(self, clips: np.ndarray, texts: Sequence[str]) -> dict[str, np.ndarray]:
        array = check_clips(clips, self.input)
        if len(texts) != len(array):
            raise ValueError(f"expected a text for each of {len(array)} clips, got {len(texts)}")
        scores = np.full((len(array), self.scorer.score.out_features), np.nan, np.float32)
        for row, (clip, text) in enumerate(zip(array, texts, strict=True)):
            if text.strip():
                scores[row] = self._row(clip, text)
        return {"scores": scores}

    def problem(self, text: str, frames: int) -> str | None:
        """Why a text cannot be read beside so many frames; None where it can."""
        try:
            self._tokens(text, frames)
        except ValueError as error:
            return str(error)
        return None

    def _row(self, clip: np.ndarray, text: str) -> np.ndarray:
        ids = self._tokens(text, len(clip))
        pixels, seen = pictures_of(self.pixels, clip)
        with repeatable(self.device, self.precision):
            try:
                scores = self.scorer(ids.to(self.device), pixels.to(self.device), seen.to(self.device))
                return scores.float().cpu().numpy()
            except RuntimeError as error:
                if (said := said_full(error)) is None:
                    raise
                what = f"a clip of {clip.shape} and its text"
                raise full_gpu(what, said, self.device, instead="precision: bfloat16, smaller clips, or ") from None

    def _tokens(self, text: str, frames: int) -> torch.Tensor:
        """(n,) int64: the question about a video as the network reads it."""
        shown = repr(text[:SHOWN]) + ("..." if len(text) > SHOWN else "")
        for token in (PICTURE, BORDER):
            if token in text:
                raise ValueError(f"expected a text without {token}, which stands for a frame, got {shown}")
        config = self.scorer.config
        asked = question(self.template, text, frames, config.perceiver_config.resampler_n_latents, parts(self.pixels))
        try:
            ids = self.tokenizer.encode(asked).ids
        except (UnicodeEncodeError, TypeError):
            raise ValueError(f"expected a text of valid Unicode, got {shown}") from None
        most = config.text_config.max_position_embeddings
        if len(ids) > most:
            raise ValueError(
                f"expected a text that makes at most {most} tokens together with {frames} frames, got {len(ids)} "
                f"of a text of {len(text)} characters, {shown}"
            )
        return torch.tensor(ids)

    def ran_on(self, shape: tuple[int, int, int]) -> dict[str, str]:
        """What the last bits depend on besides versions: the device, and that each clip (t, h, w) is run alone."""
        split = {} if parts(self.pixels) == 1 else {"pictures_per_frame": str(parts(self.pixels))}
        return {"device": device_name(self.device), "batch_shape": str((1, *shape, 3)), **split}


class Scorer(nn.Module):
    """Idefics2 without its language head, and the linear head of the scores."""

    def __init__(self, model: Any, score: nn.Linear) -> None:
        super().__init__()
        self.config, self.model, self.score = model.config, model, score

    def forward(self, ids: torch.Tensor, pixels: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """ids (n,) int64, pixels (m, 3, h, w), seen (m, h, w) bool, true where a pixel is no padding -> (columns,).

        The scores are those of the last token, which alone has seen all the others. The ids must hold as many tokens of
        pictures as m pictures have.
        """
        some = zip(pixels.split(AT_ONCE), seen.split(AT_ONCE), strict=True)
        pictures = torch.cat([self._pictures(*each) for each in some])
        tokens = self.model.get_input_embeddings()(ids)  # (n, width)
        tokens = tokens.masked_scatter((ids == self.config.image_token_id)[:, None], pictures)
        hidden = self.model.text_model(inputs_embeds=tokens[None], use_cache=False).last_hidden_state
        return self.score(hidden[0, -1])

    def _pictures(self, pixels: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """(m, tokens of a picture, width). Patches with any padding in them are left out."""
        side = self.config.vision_config.patch_size
        whole = seen.unfold(1, side, side).unfold(2, side, side).flatten(-2).all(-1)  # (m, rows, columns)
        tower = self.model.vision_model(pixel_values=pixels.to(self.score.weight.dtype), patch_attention_mask=whole)
        return self.model.connector(tower.last_hidden_state, attention_mask=whole.flatten(1))


class Head(nn.Module):
    """The tensors that are none of Idefics2's, under their published names."""

    def __init__(self, width: int, columns: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, columns)


def scorer_of(name: str, folder: Path, config: Any, columns: int, dtype: torch.dtype) -> Scorer:
    """The network of a folder, on the CPU; VidgaugeError where its tensors are not those of one with such a head."""
    tensors = tensors_of_folder(folder)
    idefics = {key.removeprefix(MODEL): tensor for key, tensor in tensors.items() if key.startswith(MODEL)}
    others = {key: tensor for key, tensor in tensors.items() if not key.startswith(MODEL)}
    model = model_of(name, folder, "Idefics2Model", config, tensors=idefics, dtype=dtype)
    head = empty(lambda: Head(config.text_config.hidden_size, columns)).to(dtype)
    return Scorer(model, fill(head, others, tensors_path(folder)).score)


def question(template: str, text: str, frames: int, tokens: int, parts: int = 1) -> str:
    """The prompt of one video: the template with its text, then the frames' pictures, a space after each frame.

    tokens: of one picture; parts: pictures that a frame is split into. Borders of neighbouring parts are merged, and
    those of frames are not, because of the space.

    >>> question("Is it {text_prompt}?", "a {cat}", 1, 2)
    'Is it a {cat}?<fake_token_around_image><image><image><fake_token_around_image> '
    """
    frame = BORDER + (PICTURE * tokens + BORDER) * parts
    return template.replace(PLACE, text) + f"{frame} " * frames


def template_of(folder: Path, sha256: str) -> str:
    """The published prompt from the user's copy of it; VidgaugeError where that is missing or has another text.

    The file holds the prompt alone, or is the published script that has it between triple quotation marks.
    """
    path = folder / PROMPT_FILE
    get = (
        "Save examples/run_videoscore.py of the GitHub repository TIGER-AI-Lab/VideoScore (MIT licence) under that "
        "name, or the text of its REGRESSION_QUERY_PROMPT, to the byte"
    )
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise VidgaugeError(f"{path}: no such file, and VideoScore's prompt is no part of vidgauge. {get}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise VidgaugeError(
            f"{path}: cannot be read as text ({error}), and VideoScore's prompt is wanted. {get}"
        ) from None
    for text in (content, *content.split('"""')):
        if hashlib.sha256(text.encode()).hexdigest() == sha256:
            return text
    raise VidgaugeError(
        f"{path}: is not VideoScore's prompt, nor a script with it: no text of sha256 {sha256} is in it. Another "
        f"wording, even another space, gives other scores. {get}"
    )


def pixels_of(name: str, folder: Path) -> Any:
    """The image processor that a folder describes, which computes with Pillow, as upstream did.

    From transformers 5 on the class of the plain name computes with torchvision, which rounds otherwise.
    """
    path = folder / PIXELS_FILE
    try:
        (kind,) = from_transformers(name, "Idefics2ImageProcessorPil")
    except VidgaugeError:
        (kind,) = from_transformers(name, "Idefics2ImageProcessor")
    try:
        pixels = kind.from_dict(json.loads(path.read_text(encoding="utf-8")))
        pictures_of(pixels, np.zeros((1, 2, 2, 3), np.uint8))  # settings are used at the first picture only
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise VidgaugeError(
            f"{path}: the settings of {name}'s frames cannot be read from it ({error}). Bring the whole folder as it "
            "was published"
        ) from None
    if parts(pixels) > 1:
        print(
            f"vidgauge: {path} has do_image_splitting: true, which VideoScore was not trained with. It is followed: "
            f"{parts(pixels)} pictures a frame, other scores, and about 15 times the work.",
            file=sys.stderr,
        )
    return pixels


def parts(pixels: Any) -> int:
    """Pictures that an image processor makes of a frame: four quarters and the whole, or the whole alone."""
    return 5 if pixels.do_image_splitting else 1


def pictures_of(pixels: Any, clip: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames (t, h, w, 3) uint8 -> pictures (m, 3, H, W) float32 and where they are no padding, (m, H, W) bool."""
    made = pixels([[Image.fromarray(frame) for frame in clip]], do_pad=True, return_tensors="pt")
    return made["pixel_values"][0].float(), made["pixel_attention_mask"][0].bool()


def question_tokenizer(name: str, folder: Path, config: Any) -> Any:
    """The tokenizer of a folder, as its tokenizer.json says; VidgaugeError where it does not know pictures."""
    whole = tokenizer_of(
        name, folder, "PreTrainedTokenizerFast", files=(), tokens=(), rows=config.text_config.vocab_size
    )
    tokenizer = whole.backend_tokenizer
    start, picture, border = config.text_config.bos_token_id, config.image_token_id, tokenizer.token_to_id(BORDER)
    numbers = tokenizer.encode(question("", "", 1, 1)).ids
    if [number for number in numbers if number in (start, picture, border)] != [start, border, picture, border]:
        raise VidgaugeError(
            f"{folder}: this is not the tokenizer of {name}: of {BORDER}{PICTURE}{BORDER} it makes {numbers}, and the "
            f"start token {start}, then {picture} between two others, are wanted. Bring the whole folder as it was "
            "published"
        )
    return tokenizer
