"""Tiny networks of the official classes of transformers, in folders of the official layout, for the real loaders.

Their tensors follow the rule of tests/unit/extractors/pseudo.py, so that they are the same with every version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from tests.unit.extractors import pseudo

# Sizes of layers only: frames are as large as the published networks want them, so that clip specs are the same.
CLIP_SIZES = {
    "projection_dim": 24,
    "text_config": {
        "vocab_size": 620,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 77,
        "bos_token_id": 618,
        "eos_token_id": 619,
        "pad_token_id": 619,
    },
    "vision_config": {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 224,
        "patch_size": 56,
    },
}
BLIP_SIZES = {
    "image_text_hidden_size": 20,
    "text_config": {
        "vocab_size": 300,
        "hidden_size": 32,
        "encoder_hidden_size": 40,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 128,
        "pad_token_id": 0,
        "bos_token_id": 299,
        "sep_token_id": 102,
        "eos_token_id": 102,
    },
    "vision_config": {
        "hidden_size": 40,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 384,
        "patch_size": 96,
    },
}
WORDS = ("a", "an", "the", "man", "dog", "cat", "is", "in", "on", "of", "red", "blue", "runs", "walks", "rain", "fire")


def clip(folder: Path, sizes: Mapping[str, Any] = CLIP_SIZES, *, salt: str = "", **saving: Any) -> Path:
    """A CLIPModel with its tokenizer: what clip_vit_base_patch32 and pickscore_v1 are read from."""
    _saved(folder, "CLIP", "CLIPModel", sizes, salt, {"logit_scale": torch.tensor(4.6)}, **saving)
    text = sizes["text_config"]
    return clip_tokenizer(folder, text["vocab_size"], start=text["bos_token_id"], end=text["eos_token_id"])


def blip(folder: Path, sizes: Mapping[str, Any] = BLIP_SIZES, *, salt: str = "", **saving: Any) -> Path:
    """A BlipForImageTextRetrieval with its tokenizer: what blip_itm_base is read from."""
    _saved(folder, "Blip", "BlipForImageTextRetrieval", sizes, salt, {}, **saving)
    text = sizes["text_config"]
    return bert_tokenizer(folder, text["vocab_size"], end=text["sep_token_id"])


def golden(folder: Path, listing: Path, family: str) -> Path:
    """The folder of a golden file's network, by its list of tensors. family: CLIP or Blip."""
    from safetensors.torch import save_file

    content = json.loads(listing.read_text())
    sizes = content["transformers_config"]
    constants = {
        name: torch.full(entry["shape"], entry["value"])
        for name, entry in content["tensors"].items()
        if entry["kind"] == "constant"
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(pseudo.tensors(listing) | constants, folder / "model.safetensors", {"format": "pt"})
    _config(family, sizes).save_pretrained(folder)
    text = sizes["text_config"]
    if family == "CLIP":
        return clip_tokenizer(folder, text["vocab_size"], start=text["bos_token_id"], end=text["eos_token_id"])
    return bert_tokenizer(folder, text["vocab_size"], end=text["sep_token_id"])


def clip_tokenizer(folder: Path, size: int, *, start: int, end: int) -> Path:
    """CLIP's tokenizer with a vocabulary of that size: bytes, a few words, and what fills the rest."""
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    pairs = list(dict.fromkeys(pair for word in WORDS for pair in _merges(word)))
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, pairs)]
    vocabulary = _numbered(tokens, size, {"<|startoftext|>": start, "<|endoftext|>": end})
    merges = [" ".join(pair) for pair in pairs if {*pair, "".join(pair)} <= vocabulary.keys()]
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    return _whole(folder, "CLIPTokenizer", {"model_max_length": 77})


def bert_tokenizer(folder: Path, size: int, *, end: int) -> Path:
    """BERT's tokenizer without case, with a vocabulary of that size."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'-"
    tokens = [*letters, *(f"##{letter}" for letter in letters), *(word for word in WORDS if len(word) > 1)]
    special = {"[PAD]": 0, "[UNK]": end - 2, "[CLS]": end - 1, "[SEP]": end, "[MASK]": end + 1}
    vocabulary = _numbered(tokens, size, special)
    (folder / "vocab.txt").write_text("\n".join([*sorted(vocabulary, key=vocabulary.__getitem__), ""]))
    return _whole(folder, "BertTokenizer", {"model_max_length": 512, "do_lower_case": True})


def _whole(folder: Path, cls: str, settings: Mapping[str, Any]) -> Path:
    """Adds to a vocabulary what save_pretrained writes: tokenizer.json and tokenizer_config.json."""
    import transformers

    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": cls, **settings}))
    getattr(transformers, f"{cls}Fast").from_pretrained(str(folder), local_files_only=True).save_pretrained(folder)
    return folder


def _merges(word: str) -> Iterable[tuple[str, str]]:
    """The pairs that make a word of its letters, from left to right."""
    parts = [*word[:-1], f"{word[-1]}</w>"]
    for n in range(1, len(parts)):
        yield "".join(parts[:n]), parts[n]


def _numbered(tokens: Iterable[str], size: int, special: Mapping[str, int]) -> dict[str, int]:
    """Every number below the size has a token: special ones at their places, the others in order, then unused ones."""
    places = {number: token for token, number in special.items()}
    others = iter([*dict.fromkeys(tokens), *(f"[unused{n}]" for n in range(size))])
    return {places[n] if n in places else next(others): n for n in range(size)}


def _saved(
    folder: Path,
    family: str,
    cls: str,
    sizes: Mapping[str, Any],
    salt: str,
    fixed: Mapping[str, torch.Tensor],
    **saving: Any,
) -> None:
    import transformers

    model = getattr(transformers, cls)(_config(family, sizes))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            shape = list(parameter.shape)
            value = fixed[name] if name in fixed else pseudo.tensor(salt, name, shape, _kind(name, shape))
            parameter.copy_(value)
    model.save_pretrained(folder, **saving)


def _kind(name: str, shape: list[int]) -> str:
    norm = "norm" in name.lower()
    if name.endswith("bias"):
        return "norm_bias" if norm else "bias"
    if norm:
        return "norm_weight"
    return "weight" if len(shape) > 1 and "position" not in name else "other"


def _config(family: str, sizes: Mapping[str, Any]) -> Any:
    import transformers

    return getattr(transformers, f"{family}Config")(**json.loads(json.dumps(sizes)))
