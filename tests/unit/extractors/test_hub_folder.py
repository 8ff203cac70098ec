"""Folders of transformers: what is read from them, and what is said of those that are damaged or wrong."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests import tiny_models
from vidgauge.errors import VidgaugeError
from vidgauge.extractors._hub_folder import config_of, hollow, ids_of, model_of, tensors_of_folder, tokenizer_of

pytest.importorskip("transformers")
NAME = "some_network"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.clip(tmp_path_factory.mktemp("hub") / "clip")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "clip"))


def model(folder: Path, **options: Any) -> Any:
    return model_of(NAME, folder, "CLIPModel", config_of(NAME, folder, "CLIPConfig"), **options)


def tokenizer(folder: Path, rows: int = 620) -> Any:
    files = (("vocab.json", "merges.txt"),)
    tokens = ("<|startoftext|>", "<|endoftext|>")
    return tokenizer_of(NAME, folder, "CLIPTokenizerFast", files=files, tokens=tokens, rows=rows)


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def save(folder: Path, state: dict[str, torch.Tensor]) -> None:
    from safetensors.torch import save_file

    save_file(state, folder / "model.safetensors", {"format": "pt"})


def change(path: Path, **entries: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def same(found: Any, wanted: Any) -> bool:
    a, b = found.state_dict(), wanted.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_the_model_is_what_transformers_itself_reads(folder: Path) -> None:
    from transformers import CLIPModel

    before = torch.get_rng_state()
    found = model(folder)
    assert torch.equal(torch.get_rng_state(), before)
    wanted = CLIPModel.from_pretrained(folder, local_files_only=True)
    assert same(found, wanted)
    buffers = dict(wanted.named_buffers())
    assert buffers
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in found.named_buffers())
    assert not found.training
    assert not any(parameter.requires_grad for parameter in found.parameters())
    assert {parameter.dtype for parameter in found.parameters()} == {torch.float32}


def test_precision_of_parameters(folder: Path) -> None:
    save(folder, {name: tensor.half() for name, tensor in tensors(folder).items()})
    change(folder / "config.json", torch_dtype="float16")
    assert {x.dtype for x in model(folder).parameters()} == {torch.float32}
    assert {x.dtype for x in model(folder, dtype=torch.bfloat16).parameters()} == {torch.bfloat16}


@pytest.mark.parametrize("form", ["shards", "pickle", "pickled shards"])
def test_other_layouts_give_the_same_tensors(folder: Path, form: str) -> None:
    wanted = model(folder)
    state = tensors(folder)
    (folder / "model.safetensors").unlink()
    if form == "shards":
        wanted.save_pretrained(folder, max_shard_size="60KB")
        assert not (folder / "model.safetensors").exists()
        assert len(list(folder.glob("model-*.safetensors"))) > 1
    elif form == "pickle":
        torch.save(state, folder / "pytorch_model.bin")
    else:
        names = sorted(state)
        parts = {"pytorch_model-1.bin": names[::2], "pytorch_model-2.bin": names[1::2]}
        for file, part in parts.items():
            torch.save({name: state[name] for name in part}, folder / file)
        where = {name: file for file, part in parts.items() for name in part}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    assert same(model(folder), wanted)


def test_tables_that_are_no_parameters_may_be_in_the_file(folder: Path) -> None:
    """Published files of CLIP and BLIP hold them."""
    table = {"text_model.embeddings.position_ids": torch.arange(77)[None]}
    save(folder, tensors(folder) | table)
    assert model(folder)
    save(folder, tensors(folder) | {"head.weight": torch.zeros(2)})
    assert model(folder, unused=lambda name: name.startswith("head."))


def test_configurations_of_older_versions_are_read(folder: Path) -> None:
    """Published ones spell out every default of their time, null included, and hold what is known no longer."""
    wanted = model(folder)
    old = {"bad_words_ids": None, "dropout": 0.0, "id2label": {"0": "LABEL_0"}, "pruned_heads": {}, "top_k": 50}
    content = json.loads((folder / "config.json").read_text())
    for part in ("text_config", "vision_config"):
        content[part] |= {**old, "torch_dtype": None, "_name_or_path": ""}
        content[f"{part}_dict"] = None
    content |= {"_commit_hash": None, "torch_dtype": "float32", "transformers_version": None}
    (folder / "config.json").write_text(json.dumps(content))
    assert same(model(folder), wanted)


def test_buffers_are_computed_and_parameters_are_not() -> None:
    class Table(torch.nn.Linear):
        def __init__(self) -> None:
            super().__init__(2, 2)
            self.register_buffer("table", torch.arange(3) / 2, persistent=False)

    made = hollow(Table)
    assert made.weight.is_meta
    assert made.table.tolist() == [0, 0.5, 1]
    assert not torch.nn.Linear(1, 1).weight.is_meta  # afterwards all is as it was


def test_code_that_a_folder_names_is_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("looked for something in the network")

    (folder / "evil.py").write_text("raise SystemExit('ran')")
    named = {"auto_map": {"AutoModel": "evil.Evil"}, "attn_implementation": "somebody/kernels"}
    text = tiny_models.CLIP_SIZES["text_config"] | named
    change(folder / "config.json", **named, _attn_implementation="somebody/kernels", text_config=text)
    settings = {"auto_map": {"AutoTokenizer": ["evil.Evil", None]}, "tokenizer_class": "Evil"}
    change(folder / "tokenizer_config.json", **settings)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    config = config_of(NAME, folder, "CLIPConfig")
    assert "somebody/kernels" not in (config._attn_implementation, config.text_config._attn_implementation)
    assert model(folder).config._attn_implementation == "sdpa"
    assert ids_of(tokenizer(folder), "a", 77)[0] == 618


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def written(name: str, content: str) -> Callable[[Path], None]:
    def change_(folder: Path) -> None:
        (folder / name).write_text(content)

    return change_


def missing_tensor(folder: Path) -> None:
    state = tensors(folder)
    del state["visual_projection.weight"]
    save(folder, state)


def extra_tensor(folder: Path) -> None:
    save(folder, tensors(folder) | {"head.weight": torch.zeros(2)})


def misshaped_tensor(folder: Path) -> None:
    save(folder, tensors(folder) | {"text_projection.weight": torch.zeros(24, 31)})


def index_only(**content: Any) -> Callable[[Path], None]:
    def change_(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "one.safetensors")
        (folder / "model.safetensors.index.json").write_text(json.dumps(content))

    return change_


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without("config.json"), r"config\.json: no such file, the configuration of some_network is wanted"),
        (written("config.json", "{"), r"config\.json: cannot be read as JSON"),
        (written("config.json", "[]"), r"config\.json: holds no JSON object"),
        (written("config.json", '{"model_type": "blip"}'), r"config\.json: is of model_type 'blip', and 'clip' is"),
        (written("config.json", "{}"), r"config\.json: is of model_type None"),
        (written("config.json", '{"model_type": "clip", "text_config": 3}'), r"config\.json: "),
        (without("model.safetensors"), r"holds no tensors; one of model\.safetensors, model\.safetensors\.index\.json"),
        (written("model.safetensors", "x" * 99), r"model\.safetensors: cannot be read as safetensors"),
        (missing_tensor, r"model\.safetensors: these are not .* CLIPModel.*missing: visual_projection\.weight"),
        (extra_tensor, r"model\.safetensors: .*not of this network: head\.weight"),
        (misshaped_tensor, r"text_projection\.weight \(24, 31\) instead of \(24, 32\)"),
        (index_only(), r"index\.json: has no weight_map"),
        (index_only(weight_map={"a": "../b.safetensors"}), r"index\.json: has no weight_map from tensors to files"),
        (index_only(weight_map={"a": "two.safetensors"}), r"two\.safetensors: no such file, and model\.safetensors"),
        (index_only(weight_map={"a": "one.safetensors"}), r"one\.safetensors: has no a \(1 missing\), which model\."),
    ],
)
def test_damaged_models_are_refused_with_words(folder: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(folder)
    with pytest.raises(VidgaugeError, match=message):
        model(folder)


def test_impossible_sizes_are_refused_with_words(folder: Path) -> None:
    content = json.loads((folder / "config.json").read_text())
    content["text_config"]["num_attention_heads"] = 5
    (folder / "config.json").write_text(json.dumps(content))
    with pytest.raises(VidgaugeError, match=r"config\.json: .*(heads|num_heads)"):
        model(folder)


def test_pickles_that_run_code_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"a": Path("evil")}, folder / "pytorch_model.bin")
    with pytest.raises(VidgaugeError, match=r"pytorch_model\.bin: cannot be read as a state dict without running it"):
        tensors_of_folder(folder)


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "merges.txt").unlink()


def of_bert(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"):
        (folder / name).unlink()
    tiny_models.bert_tokenizer(folder, 300, end=102)


def no_end(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    path = folder / "vocab.json"
    path.write_text(path.read_text().replace("<|endoftext|>", "<|end|>"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (no_tokenizer, r"the tokenizer of some_network is missing; tokenizer\.json, or vocab\.json and merges\.txt"),
        (written("tokenizer.json", "{}"), r"its tokenizer cannot be read as the CLIPTokenizerFast"),
        (written("tokenizer.json", "not JSON"), r"its tokenizer cannot be read as the CLIPTokenizerFast"),
        (of_bert, r"not the tokenizer of some_network: its vocabulary of 300 has no <\|startoftext\|> and no <\|end"),
        (no_end, r"not the tokenizer of some_network: its vocabulary of 620 has no <\|endoftext\|>"),
    ],
)
def test_wrong_tokenizers_are_refused_with_words(folder: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(folder)
    with pytest.raises(VidgaugeError, match=message):
        tokenizer(folder)


def test_tokens_beyond_the_text_embedding_are_refused(folder: Path) -> None:
    with pytest.raises(VidgaugeError, match=r"its token '<\|endoftext\|>' is number 619, and .* has 600 rows"):
        tokenizer(folder, rows=600)


@pytest.mark.parametrize("files", [["tokenizer.json"], ["vocab.json", "merges.txt"]])
def test_either_form_of_a_tokenizer_is_enough(folder: Path, files: list[str]) -> None:
    text = "The  red DOG runs in the rain, 24 times!"
    wanted = ids_of(tokenizer(folder), text, 77)
    for name in {"tokenizer.json", "vocab.json", "merges.txt"}.difference(files):
        (folder / name).unlink()
    assert ids_of(tokenizer(folder), text, 77) == wanted


def test_cutting_keeps_the_last_token(folder: Path) -> None:
    """As transformers truncates, whatever a tokenizer's own files say of truncation and padding."""
    known = tokenizer(folder)
    text = "the red dog runs " * 600  # 10,000 characters
    wanted = known(text, truncation=True, max_length=77)["input_ids"]
    known = tokenizer(folder)
    assert ids_of(known, text, 77) == wanted
    assert (len(wanted), wanted[0], wanted[-1]) == (77, 618, 619)
    content = json.loads((folder / "tokenizer.json").read_text())
    cut = {"direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0}
    (folder / "tokenizer.json").write_text(json.dumps(content | {"truncation": cut}))
    assert ids_of(tokenizer(folder), text, 77) == wanted


def test_texts_that_are_no_unicode_are_refused(folder: Path) -> None:
    with pytest.raises(VidgaugeError, match=r"text '\\ud800' is not valid Unicode"):
        ids_of(tokenizer(folder), "\ud800", 77)
