"""V-JEPA 2 ViT-L: against transformers' model, saved by itself and fed by its own processor."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.extractors import pseudo, vits
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import load
from vidgauge.extractors._checkpoints import empty
from vidgauge.extractors._pixels import IMAGENET, normalised
from vidgauge.extractors.vjepa2_vitl import encoder_of
from vidgauge.weights import entry

NAME, SHALLOW = "vjepa2_vitl", 1


@pytest.fixture(scope="module")
def model() -> Any:
    transformers = pytest.importorskip("transformers")
    config = transformers.VJEPA2Config(num_hidden_layers=SHALLOW, pred_num_hidden_layers=1, attn_implementation="eager")
    model = transformers.VJEPA2Model(config).eval()
    vits.randomise(model)
    return model


@pytest.fixture(scope="module")
def checkpoint(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vjepa2")
    model.save_pretrained(folder)
    return folder / "model.safetensors"


def reference(model: Any, clips: np.ndarray) -> np.ndarray:
    """The published way for clips of 256 x 256: the processor without its resize and crop, the mean of all tokens."""
    from transformers import VJEPA2VideoProcessor

    process = VJEPA2VideoProcessor(do_resize=False, do_center_crop=False)
    x = process([torch.from_numpy(np.moveaxis(clip, -1, 1).copy()) for clip in clips], return_tensors="pt")
    with torch.inference_mode():
        return model(**x, skip_predictor=True).last_hidden_state.mean(dim=1).numpy()


def test_features_are_the_references(model: Any, checkpoint: Path) -> None:
    network = vits.shallow(NAME, checkpoint, SHALLOW)
    clips = vits.clips(2, 4, 256, 256)
    rows = network(clips)["features"]
    pseudo.close(rows, reference(model, clips))
    vits.assert_rows_repeat(network, clips, rows)
    with pytest.raises(ValueError, match=r"a multiple of 2, got \(2, 3,"):
        network(clips[:, :3])
    with pytest.raises(ValueError, match=r"at least 2.* got \(2, 1, 256, 256, 3\)"):
        network(clips[:, :1])


def test_frames_are_resized_by_the_processors_filter() -> None:
    processor = pytest.importorskip("transformers").VJEPA2VideoProcessor
    clips = vits.clips(1, 2, 300, 410)
    frames = torch.from_numpy(clips).permute(0, 1, 4, 2, 3).float()
    process = processor(do_center_crop=False)
    process.size = type(process.size)(height=256, width=256)  # its filter, without keeping the aspect
    expected = process(list(frames), return_tensors="pt").pixel_values_videos.numpy()
    found = normalised(torch.from_numpy(clips), 256, IMAGENET, mode="bilinear", antialias=True).numpy()
    pseudo.close(found, expected, 1e-5)


def test_tensors_that_do_not_fit_are_named(checkpoint: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(checkpoint)
    del state["encoder.layer.0.attention.key.bias"]
    state |= {"pooler.bias": torch.zeros(3), "encoder.layernorm.bias": torch.zeros(7)}
    save_file(state, tmp_path / "wrong.safetensors")
    with pytest.raises(VidgaugeError, match=r"wrong\.safetensors: these are not the weights") as error:
        vits.shallow(NAME, tmp_path / "wrong.safetensors", SHALLOW)
    assert "missing: encoder.layer.0.attention.key.bias;" in str(error.value)
    assert "not of this network: pooler.bias;" in str(error.value)
    assert "of another shape: encoder.layernorm.bias (7,) instead of (1024,)." in str(error.value)


def test_names_and_shapes_are_those_of_the_published_file() -> None:
    """The published file's size in bytes follows from its names and shapes alone, to the last byte."""
    transformers = pytest.importorskip("transformers")
    shapes = {name: list(tensor.shape) for name, tensor in empty(lambda: encoder_of(24)).state_dict().items()}
    assert len(shapes) == 388
    predictor = empty(lambda: transformers.VJEPA2Model(transformers.VJEPA2Config(num_hidden_layers=1))).predictor
    shapes |= {f"predictor.{name}": list(tensor.shape) for name, tensor in predictor.state_dict().items()}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name in sorted(shapes):
        end = at + 4 * math.prod(shapes[name])
        header[name] = {"dtype": "F32", "shape": shapes[name], "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":"))
    assert entry(NAME).bytes == 8 + math.ceil(len(text) / 8) * 8 + at


def test_constants_are_the_published_ones() -> None:
    """transformers' defaults are those of facebook/vjepa2-vitl-fpc64-256."""
    config = pytest.importorskip("transformers").VJEPA2Config
    assert empty(lambda: encoder_of(24)).config.to_diff_dict() == config().to_diff_dict()


@pytest.mark.parametrize("name", [NAME, "videomae_base"])
def test_missing_package_says_what_to_install(name: str, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(VidgaugeError, match=r"pip install -e '\.\[hub\]'") as error:
        load(name, checkpoint)
    assert str(error.value).startswith(f"extractor {name} needs ")
    assert "\n" not in str(error.value)


@pytest.mark.stress  # it imports transformers and torch once more
def test_transformers_is_silent_and_offline() -> None:
    code = (
        "import socket\n"
        "def refuse(*_): raise OSError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from vidgauge.extractors._checkpoints import empty\n"
        "from vidgauge.extractors.vjepa2_vitl import encoder_of\n"
        "empty(lambda: encoder_of(1))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
