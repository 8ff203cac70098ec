"""From an mp4 and a prompt to a line of videos.csv, by tiny networks of the published classes and the real loaders."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny_models, tiny_videoscore
from tests.make_videos import encode
from tests.unit.media.helpers import video
from vidgauge import extractors
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import _videoscore, loading
from vidgauge.extractors._text_agreement import TextAgreement
from vidgauge.extractors.own import NetworkAsked
from vidgauge.files import to_jsonl, write_text
from vidgauge.manifest.probing import video_as_dict, write_shard
from vidgauge.single.table import csv_text, lines
from vidgauge.specs import Asked, ClipSpec, WeightsFile
from vidgauge.stages import make_clips_file, make_features_file
from vidgauge.store.features import read_array, read_failed
from vidgauge.weights import identify

TEXTS = {"a.mp4": "a dog runs along a beach", "b.mp4": "مرحبا 🏖️", "c.mp4": ""}
SPECS = {
    "clip_agreement": ClipSpec(frames=1, start="each", clips_per_video=4, size=224, crop="center", backend="pil"),
    "blip_agreement": ClipSpec(frames=2, start="spread", size=(384, 384), resize="bicubic", backend="pil"),
    "blip_itm": ClipSpec(frames=2, start="spread", size=(384, 384), resize="bicubic", backend="pil"),
    "videoscore": ClipSpec(frames=4, start="spread", size="native"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tiny networks in the places of the published ones, whose digests they cannot have."""
    monkeypatch.setattr(_videoscore, "PROMPT_SHA256", tiny_videoscore.PROMPT_SHA256)
    made = {
        "clip_vit_base_patch32": tiny_models.clip(tmp_path / "clip"),
        "blip_itm_base": tiny_models.blip(tmp_path / "blip"),
        "videoscore": tiny_videoscore.make_folder(tmp_path / "videoscore"),
    }

    def identified(asked: NetworkAsked, place: Path | None) -> WeightsFile:
        spec = loading.spec_of(asked)
        return identify(made[next(iter(spec.weights))], spec.weights)

    monkeypatch.setattr(loading, "weights_asked", identified)
    return tmp_path


def shard(folder: Path, texts: dict[str, str]) -> tuple[Path, Path, Path]:
    """A probed shard of videos, their texts, and their manifest."""
    found = [video(encode(folder / name, 12 + at)) for at, name in enumerate(sorted(texts))]
    write_shard(folder / "0.jsonl", [{"video": video_as_dict(item)} for item in found])
    write_text(folder / "texts.jsonl", to_jsonl([name, text] for name, text in texts.items()))
    said = [{**video_as_dict(item), "columns": {"text": texts[item.id]}} for item in found]
    write_text(folder / "videos.jsonl", to_jsonl(said))
    return folder / "0.jsonl", folder / "texts.jsonl", folder / "videos.jsonl"


def features(folder: Path, name: str, texts: dict[str, str]) -> tuple[Path, Path]:
    """The features file of a network, by the stages of the workflow, and the manifest."""
    videos, said, manifest = shard(folder, texts)
    spec = SPECS[name]
    asked = Asked(
        spec=spec, seed=0, draws=4 if spec.start == "each" else 1, native=(48, 64) if spec.size == "native" else None
    )
    make_clips_file(videos, [asked], folder / "clips.h5", workers=1, contained=False)
    below = extractors.spec(name).of
    common: dict[str, Any] = {"videos": videos, "asked": asked, "weights": None, "device": "cpu", "workers": 1}
    common["precision"] = "float32"
    if below:
        make_features_file([folder / "clips.h5"], folder / "b.h5", network=NetworkAsked(name=below), **common)
    out = folder / f"{name}.h5"
    make_features_file(
        [] if below else [folder / "clips.h5"],
        out,
        network=NetworkAsked(name=name),
        below=folder / "b.h5" if below else None,
        texts=said,
        **common,
    )
    return out, manifest


@pytest.mark.parametrize("name", SPECS)
def test_from_video_and_prompt_to_a_line(folder: Path, name: str) -> None:
    out, manifest = features(folder, name, TEXTS)
    columns = [column.name for column in extractors.spec(name).arrays["scores"].columns]
    plan = {
        "candidates": ["a"],
        "scores": [{"extractor": name, "array": "scores", "labels": dict(zip(columns, columns, strict=True))}],
    }
    found = list(csv.DictReader(io.StringIO(csv_text(lines(plan, [out], {"a": manifest}), columns))))
    assert [line["text"] for line in found] == list(TEXTS.values())
    reading = [column for column in columns if column != "cliptemp"]
    assert all(float(line[column]) for line in found[:2] for column in columns)
    assert [found[2][column] for column in reading] == [""] * len(reading)
    assert found[0] != found[1]
    if name == "videoscore":  # a recipe written for the published script goes on working
        aspects = ["visual_quality", "temporal_consistency", "dynamic_degree"]
        assert columns == [*aspects, "text_to_video_alignment", "factual_consistency"]


def test_a_text_that_stands_for_frames_is_one_videos_failure(folder: Path) -> None:
    out, manifest = features(folder, "videoscore", {"a.mp4": "show me an <image> of a dog", "b.mp4": "a dog"})
    (failed,) = read_failed(out)
    assert (failed["video"], failed["reason"]) == ("a.mp4", "bad-text")
    assert "a text without <image>" in failed["detail"]
    assert set(read_array(out, "scores").video) == {"b.mp4"}
    assert manifest.exists()


def test_an_overflow_is_no_missing_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that a network could not hold is a fault, not a score that is not defined."""
    monkeypatch.setattr(TextAgreement, "embedding", lambda self, _: np.full(self.tower.width, np.nan, np.float32))
    with pytest.raises(VidgaugeError, match=r"a\.mp4: NaN or infinity in clip_agreement: scores"):
        features(folder, "clip_agreement", {"a.mp4": "a dog"})
