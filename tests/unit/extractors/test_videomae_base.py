"""VideoMAE ViT-B: against transformers' model, saved by itself and fed by its own processor."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.extractors import pseudo, vits
from vidgauge.errors import VidgaugeError
from vidgauge.extractors._checkpoints import empty
from vidgauge.extractors._pixels import IMAGENET, normalised
from vidgauge.extractors.videomae_base import encoder_of, mapped, positions

NAME, SHALLOW = "videomae_base", 1


@pytest.fixture(scope="module")
def model() -> Any:
    """VideoMAEForPreTraining, as it was published, with few blocks."""
    transformers = pytest.importorskip("transformers")
    config = transformers.VideoMAEConfig(
        num_hidden_layers=SHALLOW, decoder_num_hidden_layers=1, use_mean_pooling=False, attn_implementation="eager"
    )
    model = transformers.VideoMAEForPreTraining(config).eval()
    vits.randomise(model)
    return model


@pytest.fixture(scope="module")
def checkpoint(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videomae")
    model.save_pretrained(folder)
    return folder / "model.safetensors"


@pytest.fixture(scope="module", autouse=True)
def table_computed_once() -> Any:
    """transformers computes its table of positions number by number, which takes seconds."""
    modeling = pytest.importorskip("transformers.models.videomae.modeling_videomae")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modeling, "get_sinusoid_encoding_table", cache(modeling.get_sinusoid_encoding_table))
        yield


def reference(model: Any, clips: np.ndarray) -> np.ndarray:
    """The published way for clips of 224 x 224: the processor without its resize and crop, the mean of all tokens."""
    from transformers import VideoMAEImageProcessor

    process = VideoMAEImageProcessor(
        do_resize=False, do_center_crop=False, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225]
    )
    x = process([list(clip) for clip in clips], return_tensors="pt").pixel_values
    with torch.inference_mode():
        return model.videomae(x).last_hidden_state.mean(dim=1).numpy()


def test_features_are_the_references(model: Any, checkpoint: Path) -> None:
    network = vits.shallow(NAME, checkpoint, SHALLOW)
    clips = vits.clips(2, 16, 224, 224)
    rows = network(clips)["features"]
    pseudo.close(rows, reference(model, clips))
    vits.assert_rows_repeat(network, clips, rows)
    with pytest.raises(ValueError, match=r"t frames, 16, got \(2, 15, 224, 224, 3\)"):
        network(clips[:, :15])


def test_frames_are_resized_without_antialiasing() -> None:
    clips = torch.from_numpy(vits.clips(1, 2, 300, 500))
    found = normalised(clips, 224, IMAGENET, mode="bilinear", antialias=False)
    x = clips[0].permute(0, 3, 1, 2) / 255  # as FastVideo does it: 0..1, resized, normalised
    x = torch.nn.functional.interpolate(x, size=(224, 224), mode="bilinear", align_corners=False)
    mean, deviation = (torch.tensor(values)[:, None, None] for values in IMAGENET)
    pseudo.close(found[0].numpy(), ((x - mean) / deviation).numpy(), 1e-5)


def test_positions_are_those_of_transformers() -> None:
    modeling = pytest.importorskip("transformers.models.videomae.modeling_videomae")
    assert torch.equal(positions(), modeling.get_sinusoid_encoding_table(1568, 768))


def test_tensors_that_do_not_fit_are_named(checkpoint: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(checkpoint)
    assert "videomae.encoder.layer.0.attention.attention.q_bias" in state  # the published name
    del state["videomae.encoder.layer.0.output.dense.bias"]
    state |= {"classifier.bias": torch.zeros(3), "videomae.layernorm.bias": torch.zeros(7)}
    save_file(state, tmp_path / "wrong.safetensors")
    with pytest.raises(VidgaugeError, match=r"wrong\.safetensors: these are not the weights") as error:
        vits.shallow(NAME, tmp_path / "wrong.safetensors", SHALLOW)
    assert "missing: encoder.layer.0.output.dense.bias;" in str(error.value)
    assert "not of this network: classifier.bias;" in str(error.value)
    assert "of another shape: layernorm.bias (7,) instead of (768,)." in str(error.value)


def test_names_and_shapes_are_the_published_ones() -> None:
    w = 768
    pytest.importorskip("transformers")
    block = {
        "attention.attention.q_bias": (w,),
        "attention.attention.v_bias": (w,),
        **{f"attention.attention.{name}.weight": (w, w) for name in ("query", "key", "value")},
        "attention.output.dense.weight": (w, w),
        "attention.output.dense.bias": (w,),
        "intermediate.dense.weight": (4 * w, w),
        "intermediate.dense.bias": (4 * w,),
        "output.dense.weight": (w, 4 * w),
        "output.dense.bias": (w,),
        **{f"layernorm_{place}.{end}": (w,) for place in ("before", "after") for end in ("weight", "bias")},
    }
    published = {
        "videomae.embeddings.patch_embeddings.projection.weight": (w, 3, 2, 16, 16),
        "videomae.embeddings.patch_embeddings.projection.bias": (w,),
        **{f"videomae.encoder.layer.{n}.{name}": shape for n in range(12) for name, shape in block.items()},
        "videomae.layernorm.weight": (w,),
        "videomae.layernorm.bias": (w,),
    }
    model = empty(lambda: encoder_of(12)).state_dict()
    theirs = mapped({name: torch.empty(shape, device="meta") for name, shape in published.items()}, model)
    assert {name: tensor.shape for name, tensor in theirs.items()} == {name: t.shape for name, t in model.items()}
    assert len(published) == 184


def test_constants_are_the_published_ones() -> None:
    config = pytest.importorskip("transformers").VideoMAEConfig
    assert empty(lambda: encoder_of(12)).config.to_diff_dict() == config(use_mean_pooling=False).to_diff_dict()
