"""DINOv2 ViT-L/14: against transformers' code, with the official interpolation of the positions."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.unit.extractors import pseudo, vits
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import load
from vidgauge.extractors.dinov2_vitl14 import DEPTH, table_for
from vidgauge.weights import entry

NAME, WIDTH = "dinov2_vitl14", 1024
SHALLOW = 2


def published(depth: int = DEPTH) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in dinov2_vitl14_pretrain.pth, with that many blocks."""
    w = WIDTH
    block = {
        "norm1.weight": (w,),
        "norm1.bias": (w,),
        "attn.qkv.weight": (3 * w, w),
        "attn.qkv.bias": (3 * w,),
        "attn.proj.weight": (w, w),
        "attn.proj.bias": (w,),
        "ls1.gamma": (w,),
        "norm2.weight": (w,),
        "norm2.bias": (w,),
        "mlp.fc1.weight": (4 * w, w),
        "mlp.fc1.bias": (4 * w,),
        "mlp.fc2.weight": (w, 4 * w),
        "mlp.fc2.bias": (w,),
        "ls2.gamma": (w,),
    }
    return {
        "cls_token": (1, 1, w),
        "pos_embed": (1, 1 + 37 * 37, w),
        "mask_token": (1, w),
        "patch_embed.proj.weight": (w, 3, 14, 14),
        "patch_embed.proj.bias": (w,),
        **{f"blocks.{n}.{name}": shape for n in range(depth) for name, shape in block.items()},
        "norm.weight": (w,),
        "norm.bias": (w,),
    }


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return vits.tensors(published(SHALLOW))


@pytest.fixture(scope="module")
def checkpoint(state: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dinov2") / "shallow.pth"
    torch.save(state, path)
    return path


def official_table(table: np.ndarray, side: int = 16) -> np.ndarray:
    """The interpolation of facebookresearch/dinov2 from its definition, in float64: cubic convolution, a = -0.75."""
    a, n = -0.75, math.isqrt(table.shape[1] - 1)
    step = n / (side + 0.1)
    weights = np.zeros((side, n))
    for out in range(side):
        at = (out + 0.5) * step - 0.5
        for tap in range(math.floor(at) - 1, math.floor(at) + 3):
            d = abs(at - tap)
            near, far = ((a + 2) * d - (a + 3)) * d * d + 1, ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
            weights[out, min(max(tap, 0), n - 1)] += near if d <= 1 else far
    grid = table[0, 1:].astype(np.float64).reshape(n, n, -1)
    resized = np.einsum("yi,xj,ijc->yxc", weights, weights, grid, optimize=True)
    return np.concatenate([table[0, :1], resized.reshape(side * side, -1)])[None].astype(np.float32)


def reference(state: dict[str, torch.Tensor], depth: int, x: torch.Tensor) -> np.ndarray:
    """transformers' Dinov2Model on pixels (B, 3, 224, 224), its tensors filled by name: the class token, (B, 1024)."""
    transformers = pytest.importorskip("transformers")
    config = transformers.Dinov2Config(
        image_size=224, patch_size=14, hidden_size=WIDTH, num_hidden_layers=depth, num_attention_heads=16, mlp_ratio=4
    )
    theirs = {
        "embeddings.cls_token": state["cls_token"],
        "embeddings.mask_token": state["mask_token"],
        "embeddings.position_embeddings": torch.from_numpy(official_table(state["pos_embed"].numpy())),
        "embeddings.patch_embeddings.projection.weight": state["patch_embed.proj.weight"],
        "embeddings.patch_embeddings.projection.bias": state["patch_embed.proj.bias"],
        "layernorm.weight": state["norm.weight"],
        "layernorm.bias": state["norm.bias"],
    }
    parts = {
        "norm1": "norm1",
        "norm2": "norm2",
        "attn.proj": "attention.output.dense",
        "mlp.fc1": "mlp.fc1",
        "mlp.fc2": "mlp.fc2",
    }
    for n in range(depth):
        ours, block = f"blocks.{n}.", f"encoder.layer.{n}."
        for end in ("weight", "bias"):
            qkv = state[f"{ours}attn.qkv.{end}"].chunk(3)
            names = ("query", "key", "value")
            theirs |= {f"{block}attention.attention.{name}.{end}": part for name, part in zip(names, qkv, strict=True)}
            theirs |= {f"{block}{their}.{end}": state[f"{ours}{our}.{end}"] for our, their in parts.items()}
        theirs |= {f"{block}layer_scale{i}.lambda1": state[f"{ours}ls{i}.gamma"] for i in (1, 2)}
    model = vits.filled(transformers.Dinov2Model, config, theirs)
    with torch.inference_mode():
        return model(x).last_hidden_state[:, 0].numpy()


def test_features_are_the_references(state: dict[str, torch.Tensor], checkpoint: Path) -> None:
    network = vits.shallow(NAME, checkpoint, SHALLOW)
    clips = vits.clips(2, 1, 120, 310)
    frames = [vits.pillow(clip[0], 224, Image.Resampling.BICUBIC) for clip in clips]
    rows = network(clips)["features"]
    pseudo.close(rows, reference(state, SHALLOW, vits.pixels(np.stack(frames))))
    vits.assert_rows_repeat(network, clips, rows)


def test_positions_are_interpolated_as_in_the_official_code(state: dict[str, torch.Tensor]) -> None:
    table = state["pos_embed"]
    found = table_for(16, table).numpy()
    pseudo.close(found, official_table(table.numpy()), 1e-5)
    without_the_tenth = torch.nn.functional.interpolate(
        table[:, 1:].unflatten(1, (37, 37)).permute(0, 3, 1, 2), size=(16, 16), mode="bicubic"
    )
    assert np.abs(found[:, 1:] - without_the_tenth.flatten(2).transpose(1, 2).numpy()).max() > 1e-3


def test_tensors_that_do_not_fit_are_named(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    wrong = {name: tensor for name, tensor in state.items() if name != "blocks.1.ls2.gamma"}
    wrong |= {"register_tokens": torch.zeros(1, 4, WIDTH), "pos_embed": torch.zeros(1, 257, WIDTH)}
    torch.save(wrong, tmp_path / "wrong.pth")
    with pytest.raises(VidgaugeError, match=r"wrong\.pth: these are not the weights") as error:
        vits.shallow(NAME, tmp_path / "wrong.pth", SHALLOW)
    assert "missing: blocks.1.ls2.gamma;" in str(error.value)
    assert "not of this network: register_tokens;" in str(error.value)
    assert "of another shape: pos_embed (1, 257, 1024) instead of (1, 1370, 1024)." in str(error.value)


def test_published_list_is_that_of_the_published_file() -> None:
    shapes = published()
    assert len(shapes) == 343
    size = entry(NAME).bytes
    assert size is not None
    assert 0 < size - 4 * sum(map(math.prod, shapes.values())) < 343 * 400  # the names, and what a zip file adds


@pytest.mark.stress
def test_full_size(tmp_path: Path) -> None:
    torch.save(vits.tensors(published()), tmp_path / "full.pth")
    network = load(NAME, tmp_path / "full.pth")
    clips = vits.clips(1, 2, 224, 224)
    expected = reference(torch.load(tmp_path / "full.pth", mmap=True), DEPTH, vits.pixels(clips[0]))
    pseudo.close(network(clips)["features"], expected)
