"""VideoScore: against what the published class and the published processor made of seeded tensors and frames."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from tests import tiny_videoscore as tiny
from tests.unit.extractors import pseudo
from vidgauge.extractors import _videoscore
from vidgauge.extractors._hub_folder import config_of
from vidgauge.extractors._videoscore import BORDER, PICTURE, Scorer, pictures_of, pixels_of, question, scorer_of

NAME = "videoscore"


def listing(golden_file: Path) -> tuple[Path, dict[str, Any]]:
    path = golden_file.with_name("keys_videoscore_tiny.json")
    return path, json.loads(path.read_text())


def drawn_tokenizer(config: Mapping[str, Any], content: Mapping[str, Any], space: int) -> Tokenizer:
    """One token a character, so that any row of ids can be written as a text; `space` is that of the space."""
    names = {0: tiny.UNKNOWN, 1: tiny.START, 2: tiny.END, space: " "}
    names |= {content["image_token_id"]: PICTURE, content["fake_token_id"]: BORDER}
    vocabulary = {names.get(i, chr(0x4E00 + i)): i for i in range(config["text_config"]["vocab_size"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=tiny.UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return tiny.with_pictures(tokenizer)


def golden_scorer(golden_file: Path, folder: Path, dtype: torch.dtype = torch.float32) -> Scorer:
    path, content = listing(golden_file)
    config = content["transformers_config"]
    tiny.write_folder(folder, config, pseudo.tensors(path), tiny.byte_tokenizer(), sizes=(1, 1))
    return scorer_of(NAME, folder, config_of(NAME, folder, "Idefics2Config"), 5, dtype)


def golden_cases(golden: Mapping[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """ids, pixels, where they are no padding, and the logits, of each text of the golden file without its padding."""
    found = []
    for case, pictures in (
        ("same", "same"),
        ("mixed", "mixed"),
        ("batch_right", "batch"),
        ("batch_left", "batch"),
        ("padinside", "same"),
    ):
        logits = golden["padinside__logits_last_token" if case == "padinside" else f"{case}__logits"]
        mask = golden["same__attention_mask" if case == "padinside" else f"{case}__attention_mask"].astype(bool)
        for row, expected in enumerate(logits):
            pixels, seen = (golden[f"{pictures}__{what}"][row] for what in ("pixel_values", "pixel_attention_mask"))
            there = pixels.any(axis=(1, 2, 3))
            ids = golden[f"{case}__input_ids"][row][mask[row]]
            found.append((ids, pixels[there], seen[there].astype(bool), expected))
    return found


@pytest.mark.golden("videoscore_tiny.npz")
def test_golden_logits(golden_file: Path, tmp_path: Path) -> None:
    scorer = golden_scorer(golden_file, tmp_path)
    for *inputs, expected in golden_cases(np.load(golden_file)):
        with torch.inference_mode():
            found = scorer(*map(torch.from_numpy, inputs)).numpy()
        pseudo.close(found, expected)


@pytest.mark.golden("videoscore_tiny.npz")
def test_golden_in_half_precision(golden_file: Path, tmp_path: Path) -> None:
    """As far off as upstream's own bfloat16, which is for information only."""
    scorer = golden_scorer(golden_file, tmp_path, torch.bfloat16)
    golden = np.load(golden_file)
    ids, pixels, seen, _ = golden_cases(golden)[0]
    with torch.inference_mode():
        found = scorer(*map(torch.from_numpy, (ids, pixels, seen)))
    assert found.dtype == torch.bfloat16
    assert np.abs(found.float().numpy() - golden["same__logits_bfloat16"]).max() < 0.25
    assert all(table.dtype == torch.float32 for table in scorer.buffers())  # angles of thousands of positions


@pytest.mark.golden("videoscore_tiny.npz")
def test_golden_from_frames_and_text(golden_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way: frames resized by Pillow, the ids as a text, the score at the space after the last picture."""
    golden, (path, content) = np.load(golden_file), listing(golden_file)
    ids = golden["same__input_ids"][0].tolist()
    borders = [at for at, number in enumerate(ids) if number == content["fake_token_id"]]
    first, last = borders[0], borders[-1] + 1
    tokenizer = drawn_tokenizer(content["transformers_config"], content, space=ids[last])
    height, width = golden["same__pixel_values"].shape[-2:]
    monkeypatch.setattr(_videoscore, "PROMPT_SHA256", hashlib.sha256(b"{text_prompt}").hexdigest())
    folder = tiny.write_folder(
        tmp_path,
        content["transformers_config"],
        pseudo.tensors(path),
        tokenizer,
        sizes=(min(height, width), max(height, width)),
        prompt="{text_prompt}",
    )
    clip = np.stack([golden[f"same__frame_0_{i}"] for i in range(golden["same__pixel_values"].shape[1])])
    text = "".join(tokenizer.id_to_token(number) for number in ids[1:first])
    found = tiny.network(folder)(clip[None], [text])["scores"]
    pseudo.close(found, golden["same__logits_every_token"][:, last])


@pytest.mark.golden("videoscore_processor.npz")
def test_golden_pixels(golden_file: Path, tmp_path: Path) -> None:
    golden = np.load(golden_file)
    tiny.write_folder(tmp_path, tiny.CONFIG, {}, tiny.byte_tokenizer(), sizes=(378, 980))
    pixels = pixels_of(NAME, tmp_path)
    for size, expected in zip(golden["input_hw"], golden["output_hw"], strict=True):
        found, seen = pictures_of(pixels, np.zeros((1, *size, 3), np.uint8))
        assert found.shape == (1, 3, *expected)
        assert seen.all()
    for case, split in (("plain", False), ("split", True)):
        pixels.do_image_splitting = split
        found, seen = pictures_of(pixels, golden["frames_uint8"])
        pseudo.close_subsampled(found[None].numpy(), golden, f"{case}__pixel_values", 1e-6)
        assert seen.sum(dim=(1, 2)).tolist() == golden[f"{case}__mask_sum"][0].tolist()


@pytest.mark.golden("videoscore_processor.npz")
def test_golden_prompt(golden_file: Path) -> None:
    golden = np.load(golden_file)
    assert str(golden["prompt_sha256"]) == _videoscore.PROMPT_SHA256
    for frames in (1, 2, 16):
        asked = question("{text_prompt}", "a dog", frames, 64)
        assert asked.count(PICTURE) == golden[f"tokens_{frames}__image_with_space"]
        assert asked.count(BORDER) == golden[f"tokens_{frames}__fake_with_space"]
