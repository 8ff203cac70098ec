"""CLIP ViT-B/32 and PickScore: the reference's features and scores, texts of every kind, rows that repeat."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests import tiny_models
from tests.unit.extractors import pseudo, texts
from vidgauge.errors import VidgaugeError
from vidgauge.extractors._clip_model import text_tower
from vidgauge.extractors._pixels import CLIP, normalised
from vidgauge.media.resize import Resizer
from vidgauge.metrics.agreement import text_agreement

pytest.importorskip("transformers")
CPU = torch.device("cpu")
Golden = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def golden_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """The golden file's network as it is published."""

    @cache
    def written(golden_file: Path) -> Path:
        listing = pseudo.keys(golden_file, "keys_clip_tiny.json")
        return tiny_models.golden(tmp_path_factory.mktemp("golden"), listing, "CLIP")

    return written


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.clip(tmp_path_factory.mktemp("clip"))


def videos(golden: Golden) -> list[str]:
    return [name.removesuffix("__frames_uint8") for name in golden if name.endswith("__frames_uint8")]


def official(frames: np.ndarray) -> np.ndarray:
    """The clips of the published processor: the shorter side to 224, the middle, odd remainders to the right."""
    scaled = Resizer(224, "bicubic", backend="pil")(frames)
    top, left = ((side - 224) // 2 for side in scaled.shape[1:3])
    return scaled[:, top : top + 224, left : left + 224]


def squashed(frames: np.ndarray) -> np.ndarray:
    """The clips of AIGVE_Tool."""
    return Resizer((224, 224), "bilinear", antialias=False, backend="cv2")(frames)


@pytest.mark.golden("clip_tiny.npz")
def test_golden_pixels_and_features(golden_file: Path, golden_folder: Callable[[Path], Path]) -> None:
    network = texts.network("clip_vit_base_patch32", golden_folder(golden_file))
    with np.load(golden_file, allow_pickle=False) as golden:
        assert videos(golden)
        for video in videos(golden):
            for way, name in ((official, "processor"), (squashed, "aigve_squash")):
                clip = way(golden[f"{video}__frames_uint8"])
                pixels = normalised(torch.from_numpy(clip), 224, CLIP, mode="bicubic", antialias=True)
                pseudo.close_subsampled(pixels.contiguous().numpy(), golden, f"{video}__{name}_pixels", 1e-6)
                pseudo.close(network(clip[None])["features"], golden[f"{video}__{name}_features"], 1e-5)


@pytest.mark.golden("clip_crosscheck.npz")
def test_golden_of_the_clip_spec(golden_file: Path, golden_folder: Callable[[Path], Path]) -> None:
    """crop: center of backend: pil is OpenAI's own transform, which transformers' may miss by one pixel."""
    network = texts.network("clip_vit_base_patch32", golden_folder(golden_file))
    resize = Resizer(224, "bicubic", backend="pil", crop="center")
    with (
        np.load(golden_file, allow_pickle=False) as golden,
        np.load(golden_file.with_name("clip_tiny.npz"), allow_pickle=False) as own,
    ):
        for video in videos(own):
            clip = resize(own[f"{video}__frames_uint8"])
            pixels = normalised(torch.from_numpy(clip), 224, CLIP, mode="bicubic", antialias=True)
            pseudo.close_subsampled(pixels.contiguous().numpy(), golden, f"{video}__openai_preprocess_pixels", 1e-6)
            pseudo.close(network(clip[None])["features"], golden[f"{video}__openai_preprocess_features"], 1e-5)


@pytest.mark.golden("clip_tiny.npz")
@pytest.mark.parametrize("end", ["own", "legacy"])
def test_golden_texts(golden_file: Path, golden_folder: Callable[[Path], Path], end: str) -> None:
    """Alone and padded; with the end token that the configuration names, and with the number 2 of published ones."""
    folder = golden_folder(golden_file)
    configuration = (folder / "config.json").read_text()
    if end == "legacy":
        content = json.loads(configuration)
        content["text_config"]["eos_token_id"] = 2
        (folder / "config.json").write_text(json.dumps(content))
    try:
        tower, scale = text_tower("clip_agreement", folder, CPU)
        network = texts.network("clip_agreement", folder)
    finally:
        (folder / "config.json").write_text(configuration)
    with np.load(golden_file, allow_pickle=False) as golden:
        np.testing.assert_allclose(scale, golden["logit_scale_exp"], rtol=1e-6)
        ids, mask = golden["text__ids_padded"], golden["text__mask"].astype(bool)
        wanted = golden["text__features_legacy_eos2" if end == "legacy" else "text__features"]
        alone = np.stack([network.embedding(row[real]) for row, real in zip(ids, mask, strict=True)])
        pseudo.close(alone, wanted, 1e-5)
        with torch.inference_mode():
            pseudo.close(tower.embed(torch.from_numpy(ids)).numpy(), wanted, 1e-5)
        for way, name in (("processor", "clipsim"), ("aigve_squash", "aigve_clipsim")):
            found = [text_agreement(golden[f"landscape__{way}_features"], text) for text in alone]
            pseudo.close(np.array(found), golden[f"landscape__{name}_per_prompt"])


def test_scores_are_formulas_of_the_embeddings(folder: Path) -> None:
    rows, said = texts.features(4, 24), ["a red dog runs", "The cat walks in the rain", "", "fire"]
    found = texts.network("clip_agreement", folder)(rows, said)
    assert found["text"].shape == (4, 24)
    assert found["text"].dtype == found["scores"].dtype == np.float32
    for features, text, embedding, (clipsim, cliptemp) in zip(rows, said, found["text"], found["scores"], strict=True):
        u = features / np.linalg.norm(features, axis=1, keepdims=True)
        v = embedding / np.linalg.norm(embedding)
        np.testing.assert_allclose(cliptemp, (u[1:] * u[:-1]).sum(axis=1).mean(), rtol=1e-5)
        np.testing.assert_allclose(clipsim, (u @ v).mean() if text else np.nan, rtol=1e-5)


def test_pickscore_is_on_the_scale_of_the_checkpoint(folder: Path) -> None:
    rows, said = texts.features(3, 24), ["a red dog", "the man", ""]
    found = texts.network("pickscore", folder)(rows, said)
    clip = texts.network("clip_agreement", folder)(rows, said)
    np.testing.assert_array_equal(found["text"], clip["text"])
    np.testing.assert_array_equal(found["scores"][:, 1], clip["scores"][:, 0])  # NaN where there is no text
    np.testing.assert_allclose(found["scores"][:, 0], np.exp(4.6) * found["scores"][:, 1], rtol=1e-5)
    assert not np.isnan(found["scores"][:2]).any()


def test_one_frame_has_no_successor(folder: Path) -> None:
    rows = [texts.features(1, 24)[0][:1]]
    ((clipsim, cliptemp),) = texts.network("clip_agreement", folder)(rows, ["a dog"])["scores"]
    assert np.isfinite(clipsim)
    assert np.isnan(cliptemp)


@pytest.mark.parametrize("name", ["clip_agreement", "pickscore"])
def test_rows_depend_on_nothing_but_the_video_and_its_text(folder: Path, name: str) -> None:
    texts.assert_rows_repeat(texts.network(name, folder), 24)


@pytest.mark.parametrize("name", ["clip_vit_base_patch32", "pickscore_v1"])
def test_frames_depend_on_nothing_but_themselves(folder: Path, name: str) -> None:
    texts.assert_frames_repeat(texts.network(name, folder), (224, 224))


def test_texts_of_every_kind_are_read(folder: Path) -> None:
    texts.assert_every_text_is_read(texts.network("clip_agreement", folder), 24)


def test_what_does_not_fit_together_is_refused(folder: Path) -> None:
    texts.assert_what_does_not_fit_is_refused(texts.network("clip_agreement", folder), 24)


def test_only_what_is_asked_for_is_given(folder: Path) -> None:
    found = texts.network("clip_agreement", folder, arrays=("scores",))(texts.features(1, 24), ["a dog"])
    assert list(found) == ["scores"]


@pytest.mark.parametrize("name", ["clip_agreement", "pickscore"])
def test_no_videos_tell_the_widths(folder: Path, name: str) -> None:
    found = texts.network(name, folder)([], [])
    assert {name: rows.shape for name, rows in found.items()} == {"scores": (0, 2), "text": (0, 24)}


@pytest.mark.parametrize("eos", [2, 610])
def test_a_tokenizer_that_ends_texts_elsewhere_is_refused(tmp_path: Path, eos: int) -> None:
    """The network would read the embedding at another token."""
    sizes: dict[str, Any] = json.loads(json.dumps(tiny_models.CLIP_SIZES))
    folder = tiny_models.clip(tmp_path, sizes)
    (folder / "tokenizer.json").unlink()
    tiny_models.clip_tokenizer(folder, 600, start=598, end=599)
    content = json.loads((folder / "config.json").read_text())
    content["text_config"]["eos_token_id"] = eos
    (folder / "config.json").write_text(json.dumps(content))
    wanted = 619 if eos == 2 else eos
    with pytest.raises(VidgaugeError, match=rf"<\|endoftext\|> is number 599, and config\.json wants {wanted}"):
        texts.network("clip_agreement", folder)


def test_bfloat16_is_near_and_not_equal(folder: Path) -> None:
    rows, said = texts.features(2, 24), ["a red dog", "the man walks"]
    exact, half = (
        texts.network("clip_agreement", folder, precision=precision)(rows, said)["text"]
        for precision in ("float32", "bfloat16")
    )
    assert half.dtype == np.float32
    assert 0 < np.abs(half - exact).max() < 0.05 * np.abs(exact).max()
