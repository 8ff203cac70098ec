"""BLIP ITM base: the reference's cosines and matches, texts of every kind, rows that repeat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests import tiny_models
from tests.unit.extractors import pseudo, texts, vits
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import _blip_model, spec
from vidgauge.extractors._blip_model import blip_of, image_tokens, match_logits, text_features
from vidgauge.extractors._pixels import CLIP, normalised
from vidgauge.media.resize import Resizer
from vidgauge.metrics.agreement import text_agreement

pytest.importorskip("transformers")
Golden = Mapping[str, np.ndarray]


@pytest.fixture(scope="module")
def golden_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """The golden file's network as it is published."""

    @cache
    def written(golden_file: Path) -> Path:
        listing = pseudo.keys(golden_file, "keys_blip_itm_tiny.json")
        return tiny_models.golden(tmp_path_factory.mktemp("golden"), listing, "Blip")

    return written


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.blip(tmp_path_factory.mktemp("blip"))


def named(golden: Golden, end: str) -> list[str]:
    return [name.removesuffix(end) for name in golden if name.endswith(end)]


def prompts(golden: Golden) -> list[str]:
    return [name for name in named(golden, "__ids") if name != "padded"]


def clip(frames: np.ndarray, size: int) -> np.ndarray:
    return Resizer((size, size), "bicubic", backend="pil")(frames)


@pytest.mark.golden("blip_itm_tiny.npz")
def test_golden_pixels(golden_file: Path, golden_folder: Callable[[Path], Path]) -> None:
    size = blip_of("blip_itm", golden_folder(golden_file)).config.vision_config.image_size
    with np.load(golden_file, allow_pickle=False) as golden:
        assert named(golden, "__frames_uint8")
        for video in named(golden, "__frames_uint8"):
            frames, wanted = golden[f"{video}__frames_uint8"], golden[f"{video}__pixels"]  # of the first frames
            found = [
                normalised(torch.from_numpy(clip(frames, side)), side, CLIP, mode="bicubic", antialias=True)
                .contiguous()
                .numpy()
                for side in (size, 384)
            ]
            pseudo.close(found[0][: len(wanted)], wanted, 1e-6)
            pseudo.close_subsampled(found[1], golden, f"{video}__pixels_384", 1e-6)


@pytest.mark.golden("blip_itm_tiny.npz")
def test_golden_scores(golden_file: Path, golden_folder: Callable[[Path], Path]) -> None:
    folder = golden_folder(golden_file)
    images = texts.network("blip_itm_base", folder)
    cosines, matches = texts.network("blip_agreement", folder), texts.network("blip_itm", folder)
    with np.load(golden_file, allow_pickle=False) as golden:
        said = {prompt: golden[f"{prompt}__ids"] for prompt in prompts(golden)}
        assert said
        embeddings = {prompt: cosines.embedding(ids) for prompt, ids in said.items()}
        unit = np.stack([text / np.linalg.norm(text) for text in embeddings.values()])
        pseudo.close(unit, golden["text_features"], 1e-5)
        for video in named(golden, "__frames_uint8"):
            frames = clip(golden[f"{video}__frames_uint8"], matches.model.config.vision_config.image_size)
            features = images(frames[None])["features"]
            directions = features / np.linalg.norm(features, axis=1, keepdims=True)
            pseudo.close(directions, golden[f"{video}__image_feature"], 1e-5)
            for prompt, ids in said.items():
                found = [text_agreement(frame[None], embeddings[prompt]) for frame in features]
                pseudo.close(np.array(found), golden[f"{video}__{prompt}__cosine"])
                match = matches.probabilities(frames, ids)[:, 0]
                pseudo.close(match, golden[f"{video}__{prompt}__itm_match_probability"])
                with torch.inference_mode():
                    seen = image_tokens(matches.model, torch.from_numpy(frames))
                    read = torch.from_numpy(ids).expand(len(seen), -1)
                    logits = match_logits(matches.model, seen, read).numpy()
                pseudo.close(logits, golden[f"{video}__{prompt}__itm_logits"])


@pytest.mark.golden("blip_itm_tiny.npz")
def test_golden_padding(golden_file: Path, golden_folder: Callable[[Path], Path]) -> None:
    """With the mask, padded texts are as good as those alone; without it they are other texts."""
    model = blip_of("blip_agreement", golden_folder(golden_file))
    with np.load(golden_file, allow_pickle=False) as golden, torch.inference_mode():
        ids, mask = (torch.from_numpy(golden[f"padded__{name}"]) for name in ("ids", "mask"))
        video = next(
            video
            for video in named(golden, "__image_feature")
            if len(golden[f"{video}__image_feature"]) == len(golden["padded__cosine_with_mask"])
        )
        directions = golden[f"{video}__image_feature"]
        for given, name in ((mask, "with"), (torch.ones_like(mask), "without")):
            found = torch.nn.functional.normalize(text_features(model, ids, given), dim=-1).numpy()
            pseudo.close(directions @ found.T, golden[f"padded__cosine_{name}_mask"])


def test_the_scores_are_those_of_transformers(folder: Path) -> None:
    """Its own forward, fed with one text at a time, on frames that are resized on the way."""
    frames, said = vits.clips(2, 3, 60, 80), ["a red dog", "the man walks in the rain, on fire"]
    found = texts.network("blip_itm", folder)(frames, said)["scores"].reshape(2, 3)
    features = texts.network("blip_itm_base", folder)(frames)["features"].reshape(2, 3, -1)
    cosines = texts.network("blip_agreement", folder)(list(features), said)["scores"][:, 0]
    model, reads = blip_of("blip_itm", folder), texts.network("blip_itm", folder).ids
    for n, text in enumerate(said):
        x = normalised(torch.from_numpy(frames[n]), 384, CLIP, mode="bicubic", antialias=True)
        ids = torch.tensor([reads(text)])
        with torch.inference_mode():
            itm = model(input_ids=ids.expand(3, -1), pixel_values=x, use_itm_head=True).itm_score
            cosine = model(input_ids=ids, pixel_values=x, use_itm_head=False).itm_score
        pseudo.close(found[n], itm.softmax(dim=1)[:, 1].numpy(), 1e-5)
        np.testing.assert_allclose(cosines[n], cosine.mean(), rtol=1e-4)


def test_rows_depend_on_nothing_but_the_video_and_its_text(folder: Path) -> None:
    texts.assert_rows_repeat(texts.network("blip_agreement", folder), 20)


def test_frames_depend_on_nothing_but_themselves(folder: Path) -> None:
    texts.assert_frames_repeat(texts.network("blip_itm_base", folder), (384, 384))


@pytest.mark.parametrize("t", [1, 3, 4])
def test_matches_depend_on_nothing_but_the_clip_and_its_text(folder: Path, t: int) -> None:
    """Bit for bit: alone, in another order, beside texts of any length, and called by two threads at once."""
    network, said = texts.network("blip_itm", folder), [*texts.KINDS.values(), ""]
    some = vits.clips(len(said), t, 96, 96)
    some[1] = some[0]
    whole = network(some, said)["scores"].reshape(len(said), t)
    with ThreadPoolExecutor(2) as pool:
        turned, *alone = pool.map(
            lambda at: network(some[at], [said[n] for n in at])["scores"],
            [np.arange(len(said))[::-1], *np.arange(len(said))[:, None]],
        )
    np.testing.assert_array_equal(turned.reshape(len(said), t)[::-1], whole)
    np.testing.assert_array_equal(np.concatenate(alone).reshape(len(said), t), whole)
    assert np.isnan(whole[-1]).all()
    assert ((whole[:-1] > 0) & (whole[:-1] < 1)).all()
    assert (whole[0] != whole[1]).all()  # one clip, two texts


def test_texts_of_every_kind_are_read(folder: Path) -> None:
    """BERT knows no emoji and no Chinese here: such words are all the unknown one, as in its own vocabulary."""
    network = texts.network("blip_agreement", folder)
    reads = network.tower.ids
    assert reads("")[1:] == [102]
    assert reads("🐕 🌧") == [101, 100, 100, 102]
    ids = reads(texts.KINDS["long"])
    assert (len(ids), ids[0], ids[-1]) == (77, 101, 102)
    assert reads("The RED dog") == reads("the red dog")
    found = network(texts.features(1, 20) * len(texts.KINDS), list(texts.KINDS.values()))
    assert np.isfinite(found["text"]).all()
    assert np.isfinite(found["scores"]).all()
    ((score,),) = network(texts.features(1, 20), [""])["scores"]
    assert np.isnan(score)


def test_texts_are_no_longer_than_the_table_of_positions(tmp_path: Path) -> None:
    text = tiny_models.BLIP_SIZES["text_config"]
    folder = tiny_models.blip(
        tmp_path, {**tiny_models.BLIP_SIZES, "text_config": {**text, "max_position_embeddings": 40}}
    )
    network = texts.network("blip_agreement", folder)
    assert len(network.tower.ids(texts.KINDS["long"])) == 40
    assert np.isfinite(network(texts.features(1, 20), [texts.KINDS["long"]])["scores"]).all()


def test_what_does_not_fit_together_is_refused(folder: Path) -> None:
    texts.assert_what_does_not_fit_is_refused(texts.network("blip_agreement", folder), 20)
    with pytest.raises(ValueError, match="2 clips and 1 texts"):
        texts.network("blip_itm", folder)(vits.clips(2, 1, 8, 8), ["a"])
    with pytest.raises(ValueError, match="uint8"):
        texts.network("blip_itm", folder)(np.zeros((1, 1, 8, 8, 3)), ["a"])


def test_nothing_tells_the_widths(folder: Path) -> None:
    found = texts.network("blip_agreement", folder)([], [])
    assert {name: rows.shape for name, rows in found.items()} == {"scores": (0, 1), "text": (0, 20)}
    assert texts.network("blip_itm", folder)(np.empty((0, 2, 8, 8, 3), np.uint8), [])["scores"].shape == (0, 1)


def test_what_it_ran_on_is_told(folder: Path) -> None:
    network = texts.network("blip_itm", folder)
    network(vits.clips(1, 3, 8, 8), ["a dog"])
    assert network.ran_on((3, 8, 8))["batch_shape"] == "(2, 8, 8, 3)"
    assert "cpu" in texts.network("blip_agreement", folder).ran_on((3, 8, 8))["device"]


@pytest.mark.parametrize("name", ["blip_itm", "blip_itm_base"])
def test_bfloat16_is_near_and_not_equal(folder: Path, name: str) -> None:
    some = vits.clips(1, 2, 96, 96)
    said = (["a red dog"],) if spec(name).text else ()
    exact, half = (texts.network(name, folder, precision=p)(some, *said) for p in ("float32", "bfloat16"))
    for array, values in exact.items():
        assert half[array].dtype == np.float32
        assert 0 < np.abs(half[array] - values).max() < 0.05 * np.abs(values).max()


def test_batches_too_large_for_memory_are_halved_for_good(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(model: Any, frames: torch.Tensor) -> torch.Tensor:
        tried.append(len(frames))
        if len(frames) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return image_tokens(model, frames)

    tried: list[int] = []
    network, some, said = texts.network("blip_itm", folder), vits.clips(2, 2, 8, 8), ["a dog", "a cat"]
    wanted = network(some, said)["scores"]
    monkeypatch.setattr(_blip_model, "image_tokens", full)
    np.testing.assert_allclose(network(some, said)["scores"], wanted, rtol=1e-5)
    assert tried == [2, 1, 1, 1, 1]
    assert network.ran_on((2, 8, 8))["batch_shape"] == "(2, 8, 8, 3) and (1, 8, 8, 3), halved from 2"


def of_clip(folder: Path) -> None:
    (folder / "vocab.txt").unlink()
    tiny_models.clip_tokenizer(folder, 300, start=298, end=299)


def other_numbers(folder: Path) -> None:
    tiny_models.bert_tokenizer(folder, 300, end=103)


def with_case(folder: Path) -> None:
    """What BERT's vocabulary with case is to the one without: smaller by a twentieth, the special tokens the same."""
    tiny_models.bert_tokenizer(folder, 285, end=102)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (of_clip, r"not the tokenizer of .*its vocabulary of 300 has no \[CLS\] and no \[SEP\]"),
        (other_numbers, r"the tokenizer's \[SEP\] is number 103, and config\.json wants 102"),
        (with_case, r"the tokenizer has 285 tokens, and the network was trained on about 300"),
    ],
)
@pytest.mark.parametrize("name", ["blip_agreement", "blip_itm"])
def test_wrong_tokenizers_are_refused(
    folder: Path, tmp_path: Path, name: str, spoil: Callable[[Path], Any], message: str
) -> None:
    for file in ("config.json", "model.safetensors"):
        (tmp_path / file).write_bytes((folder / file).read_bytes())
    (tmp_path / "vocab.txt").write_bytes((folder / "vocab.txt").read_bytes())
    spoil(tmp_path)
    with pytest.raises(VidgaugeError, match=message):
        texts.network(name, tmp_path)
