"""A folder as VideoScore's are published, with a tiny Idefics2 of seeded weights. Its scores mean nothing.

The prompt of such a folder is not the published one, which is text of others: a test that runs it says so by
`monkeypatch.setattr(_videoscore, "PROMPT_SHA256", tiny_videoscore.PROMPT_SHA256)`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

from tests.unit.extractors import vits
from vidgauge.extractors import spec
from vidgauge.specs import Precision, Setup, WeightsFile

PROMPT = '\nHow good is the video of "{text_prompt}", \nwhich has these frames:\n'
PROMPT_SHA256 = hashlib.sha256(PROMPT.encode()).hexdigest()
START, END, UNKNOWN = "<s>", "</s>", "<unk>"
PICTURE, BORDER = "<image>", "<fake_token_around_image>"
CONFIG: dict[str, Any] = {
    "vision_config": {
        "model_type": "idefics2",
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 56,
        "patch_size": 14,
        "hidden_act": "gelu_pytorch_tanh",
    },
    "perceiver_config": {
        "model_type": "idefics2",
        "hidden_size": 24,
        "resampler_n_latents": 4,
        "resampler_depth": 1,
        "resampler_n_heads": 2,
        "resampler_head_dim": 8,
        "num_key_value_heads": 1,
    },
    "text_config": {
        "model_type": "mistral",
        "vocab_size": 264,
        "hidden_size": 24,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "rope_theta": 10000.0,
        "max_position_embeddings": 1024,
        "sliding_window": 4096,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    },
    "image_token_id": 259,
    "tie_word_embeddings": False,
}


def make_folder(path: Path) -> Path:
    """Write such a folder: frames of up to 56 pixels, texts in any writing, a token for each byte of them."""
    return write_folder(path, CONFIG, tensors_of(CONFIG), byte_tokenizer(), sizes=(28, 56))


def write_folder(
    path: Path,
    config: Mapping[str, Any],
    tensors: Mapping[str, torch.Tensor],
    tokenizer: Tokenizer,
    *,
    sizes: tuple[int, int],
    prompt: str = PROMPT,
) -> Path:
    """A folder in the published layout. sizes: least of a picture's shorter side, and most of its longer one."""
    path.mkdir(parents=True, exist_ok=True)
    kind = {"model_type": "idefics2", "architectures": ["Idefics2ForSequenceClassification"]}
    settings = {
        "image_processor_type": "Idefics2ImageProcessor",
        "processor_class": "Idefics2Processor",
        "do_convert_rgb": True,
        "do_image_splitting": False,
        "do_normalize": True,
        "do_pad": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "resample": 2,
        "rescale_factor": 1 / 255,
        "size": {"shortest_edge": sizes[0], "longest_edge": sizes[1]},
    }
    names = {
        "tokenizer_class": "LlamaTokenizer",
        "bos_token": START,
        "eos_token": END,
        "unk_token": UNKNOWN,
        "additional_special_tokens": [BORDER, PICTURE],
    }
    for name, content in (
        ("config", kind | dict(config)),
        ("preprocessor_config", settings),
        ("tokenizer_config", names),
    ):
        (path / f"{name}.json").write_text(json.dumps(content))
    tokenizer.save(str(path / "tokenizer.json"))
    save_file(dict(tensors), path / "model.safetensors", metadata={"format": "pt"})
    (path / "prompt.txt").write_text(prompt)
    return path


def network(
    folder: Path, name: str = "videoscore", precision: Precision = "float32"
) -> Callable[..., dict[str, np.ndarray]]:
    """The network of such a folder, on the CPU: called with clips and texts."""
    weights = WeightsFile(folder, sha256="", name=None, verified=False, format="folder")
    return spec(name).build(Setup(weights, "cpu", precision, ("scores",)))


def tensors_of(config: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Seeded tensors under the published names."""
    from transformers import Idefics2Config, Idefics2Model

    with torch.device("meta"):
        model = Idefics2Model(Idefics2Config(**config))
    shapes = {f"model.{name}": tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    return vits.tensors({**shapes, "score.weight": (5, config["text_config"]["hidden_size"]), "score.bias": (5,)})


def byte_tokenizer() -> Tokenizer:
    """Three special tokens, one for each byte, and those of the pictures."""
    vocabulary = [UNKNOWN, START, END, *sorted(pre_tokenizers.ByteLevel.alphabet()), PICTURE, BORDER]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(vocabulary)}, [], unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return with_pictures(tokenizer)


def with_pictures(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, with a start token before each text and the special tokens known as such."""
    specials = [UNKNOWN, START, END, PICTURE, BORDER]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in specials])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", special_tokens=[(START, tokenizer.token_to_id(START))]
    )
    return tokenizer
