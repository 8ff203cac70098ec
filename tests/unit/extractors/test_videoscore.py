"""VideoScore: against transformers' own processor and model, and what it refuses. Goldens have a file of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from tests import tiny_videoscore as tiny
from tests.tiny_videoscore import network
from tests.unit.extractors import pseudo, vits
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import _videoscore, spec
from vidgauge.extractors._videoscore import BORDER, PICTURE, pixels_of, template_of

NAME = "videoscore"
COLUMNS = [
    "visual_quality",
    "temporal_consistency",
    "dynamic_degree",
    "text_to_video_alignment",
    "factual_consistency",
]
CLIPS = vits.clips(3, 3, 40, 60)
TEXTS = ["a dog runs", "كلب يركض في الحديقة", "🐕‍🦺 {text_prompt} {0} %s"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is a test's own to spoil."""
    monkeypatch.setattr(_videoscore, "PROMPT_SHA256", tiny.PROMPT_SHA256)
    return tiny.make_folder(tmp_path / "folder")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_videoscore, "PROMPT_SHA256", tiny.PROMPT_SHA256)
        return network(tiny.make_folder(tmp_path_factory.mktemp("tiny")))


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("split", [False, True])
def test_as_transformers_own_processor_and_model(folder: Path, split: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """The published script's steps: the processor on text and images, the model on all of it at once."""
    from transformers import Idefics2Processor, PreTrainedTokenizerFast

    rewrite(folder / "preprocessor_config.json", do_image_splitting=split)
    found = network(folder)
    assert ("do_image_splitting" in capsys.readouterr().err) == split
    assert found.ran_on((3, 40, 60)).get("pictures_per_frame") == ("5" if split else None)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    process = Idefics2Processor(pixels_of(NAME, folder), tokenizer, image_seq_len=4)
    scorer = found.scorer
    for clip, text in zip(CLIPS, TEXTS, strict=True):
        asked = tiny.PROMPT.replace("{text_prompt}", text) + "<image> " * len(clip)
        inputs = process(text=asked, images=list(map(vits.Image.fromarray, clip)), return_tensors="pt")
        inputs.pop("token_type_ids", None)
        with torch.inference_mode():
            hidden = scorer.model(**inputs, use_cache=False).last_hidden_state
            expected = scorer.score(hidden[:, -1]).numpy()
        pseudo.close(found(clip[None], [text])["scores"], expected, 1e-5)


def test_rows_depend_on_their_clip_and_text_alone(run: Any) -> None:
    scores = run(CLIPS, TEXTS)["scores"]
    assert scores.shape == (3, 5)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    for row in range(3):
        assert np.array_equal(run(CLIPS[row : row + 1], [TEXTS[row]])["scores"][0], scores[row])
    assert np.array_equal(run(CLIPS[::-1], TEXTS[::-1])["scores"], scores[::-1])
    assert not np.allclose(run(CLIPS, TEXTS[::-1])["scores"], scores, atol=1e-4)
    assert not np.allclose(run(CLIPS[:, ::-1], TEXTS)["scores"], scores, atol=1e-4)
    assert run(CLIPS[:0], [])["scores"].shape == (0, 5)
    assert run.ran_on(CLIPS.shape[1:4])["batch_shape"] == "(1, 3, 40, 60, 3)"


def test_empty_text_has_no_score(run: Any) -> None:
    scores = run(CLIPS, ["", TEXTS[1], " \n"])["scores"]
    assert np.isnan(scores[[0, 2]]).all()
    assert np.array_equal(scores[1], run(CLIPS[1:2], TEXTS[1:2])["scores"][0])


@pytest.mark.parametrize("token", [PICTURE, BORDER])
def test_tokens_of_pictures_are_refused(run: Any, token: str) -> None:
    with pytest.raises(ValueError, match=rf"without {token}, which stands for a frame, got 'a dog and a {token}'"):
        run(CLIPS[:1], [f"a dog and a {token}"])


def test_text_that_is_no_unicode_is_refused(run: Any) -> None:
    with pytest.raises(ValueError, match=r"valid Unicode, got 'a dog \\ud800'"):
        run(CLIPS[:1], ["a dog \ud800"])


def test_long_texts_are_read_whole_or_refused(run: Any, folder: Path) -> None:
    long = "a dog " * 1700
    with pytest.raises(ValueError, match=r"at most 1024 tokens together with 3 frames, got 10\d\d\d .* of 10200 char"):
        run(CLIPS[:1], [long])
    changed = tiny.CONFIG["text_config"] | {"max_position_embeddings": 32768, "sliding_window": None}
    rewrite(folder / "config.json", text_config=changed)
    roomy = network(folder)
    first, second = roomy(CLIPS[:1].repeat(2, 0), [long + "runs", long + "sits"])["scores"]
    assert np.isfinite(first).all()
    assert np.abs(first - second).max() > 1e-6


def test_half_precision(folder: Path, run: Any) -> None:
    half = network(folder, precision="bfloat16")(CLIPS, TEXTS)["scores"]
    assert np.array_equal(torch.from_numpy(half).bfloat16().float().numpy(), half)
    assert 0 < np.abs(half - run(CLIPS, TEXTS)["scores"]).max() < 0.2
    with pytest.raises(ValueError, match="float16 exists only on CUDA"):
        network(folder, precision="float16")


def test_frames_and_texts_are_counted(run: Any, folder: Path) -> None:
    with pytest.raises(ValueError, match=r"a text for each of 3 clips, got 2"):
        run(CLIPS, TEXTS[:2])
    with pytest.raises(ValueError, match="t frames, 1 to 16"):
        run(np.zeros((1, 17, 8, 8, 3), np.uint8), ["a dog"])
    longer = network(folder, "videoscore_v1_1")
    assert longer(np.zeros((1, 17, 8, 8, 3), np.uint8), ["a dog"])["scores"].shape == (1, 5)
    with pytest.raises(ValueError, match="t frames, 1 to 48"):
        longer(np.zeros((1, 49, 8, 8, 3), np.uint8), ["a dog"])
    assert np.array_equal(longer(CLIPS, TEXTS)["scores"], run(CLIPS, TEXTS)["scores"])


@pytest.mark.parametrize("name", [NAME, "videoscore_v1_1"])
def test_columns(name: str) -> None:
    scores = spec(name).arrays["scores"]
    assert [column.name for column in scores.columns] == COLUMNS
    assert {column.better for column in scores.columns} == {"higher"}
    assert scores.width == len(COLUMNS)


def test_prompt_may_be_in_the_published_script(folder: Path, run: Any) -> None:
    script = f'import av\n\nQUERY = """{tiny.PROMPT}"""\nROUND = 3\n"""\nscores\n"""\n'
    (folder / "prompt.txt").write_bytes(script.replace("\n", "\r\n").encode())
    assert np.array_equal(network(folder)(CLIPS, TEXTS)["scores"], run(CLIPS, TEXTS)["scores"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file, and VideoScore's prompt is no part of vidgauge"),
        (tiny.PROMPT.replace('", ', '",').encode(), "is not VideoScore's prompt, nor a script with it"),
        (tiny.PROMPT.encode("utf-16"), "cannot be read as text"),
        (b"", "is not VideoScore's prompt"),
    ],
)
def test_other_prompts_are_refused(folder: Path, content: bytes | None, said: str) -> None:
    path = folder / "prompt.txt"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(VidgaugeError, match=rf"prompt.txt: {said}.*Save examples/run_videoscore.py"):
        network(folder)


def test_the_published_prompt_is_wanted(tmp_path: Path) -> None:
    """Without the tests' own digest the tests' own prompt is refused."""
    with pytest.raises(VidgaugeError, match="no text of sha256 49b386d9ea30"):
        network(tiny.make_folder(tmp_path))
    with pytest.raises(VidgaugeError, match="no text of sha256 00"):
        template_of(tmp_path, "00")


@pytest.mark.parametrize("name", ["score.bias", "model.text_model.norm.weight"])
def test_missing_tensors_are_named(folder: Path, name: str) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    save_file({key: tensor for key, tensor in tensors.items() if key != name}, path)
    with pytest.raises(VidgaugeError, match=rf"model.safetensors: .*missing: {name.removeprefix('model.')}"):
        network(folder)


@pytest.mark.parametrize(
    ("name", "shape", "said"),
    [
        ("lm_head.weight", (264, 24), "not of this network: lm_head.weight"),
        ("score.weight", (6, 24), r"of another shape: score.weight \(6, 24\) instead of \(5, 24\)"),
    ],
)
def test_tensors_of_other_networks_are_named(folder: Path, name: str, shape: tuple[int, ...], said: str) -> None:
    path = folder / "model.safetensors"
    save_file({**load_file(path), name: torch.zeros(shape)}, path)
    with pytest.raises(VidgaugeError, match=said):
        network(folder)


def test_shards_are_one_network(folder: Path, run: Any) -> None:
    path = folder / "model.safetensors"
    names = sorted(tensors := load_file(path))
    shards = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for shard, these in shards.items():
        save_file({name: tensors[name] for name in these}, folder / shard)
    where = {name: shard for shard, these in shards.items() for name in these}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    path.unlink()
    assert np.array_equal(network(folder)(CLIPS, TEXTS)["scores"], run(CLIPS, TEXTS)["scores"])


def spoilt_tokenizer(how: str) -> Tokenizer:
    """plain: of a text network; exchanged: with the numbers of the pictures' tokens exchanged; larger: with words."""
    tokenizer = tiny.byte_tokenizer()
    if how == "larger":
        tokenizer.add_tokens([f"word{i}" for i in range(10)])
        return tokenizer
    content = json.loads(tokenizer.to_str())
    vocabulary, added = content["model"]["vocab"], content["added_tokens"]
    if how == "plain":
        vocabulary.pop(PICTURE)
        content["added_tokens"] = [token for token in added if token["content"] != PICTURE]
    else:
        vocabulary[PICTURE], vocabulary[BORDER] = vocabulary[BORDER], vocabulary[PICTURE]
        for token in added:
            token["id"] = vocabulary[token["content"]]
        added.sort(key=lambda token: token["id"])
    return Tokenizer.from_str(json.dumps(content))


@pytest.mark.parametrize("how", ["plain", "larger", "exchanged"])
def test_other_tokenizers_are_refused(folder: Path, how: str) -> None:
    spoilt_tokenizer(how).save(str(folder / "tokenizer.json"))
    with pytest.raises(VidgaugeError, match="this is not the tokenizer of videoscore"):
        network(folder)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"size": 3, "do_image_splitting": {}}'])
def test_settings_of_pictures_must_be_there(folder: Path, content: str | None) -> None:
    path = folder / "preprocessor_config.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(VidgaugeError, match=r"preprocessor_config.json: the settings of videoscore's frames cannot"):
        network(folder)


def test_folder_of_another_network(folder: Path) -> None:
    rewrite(folder / "config.json", model_type="clip")
    with pytest.raises(VidgaugeError, match="model_type 'clip'"):
        network(folder)
