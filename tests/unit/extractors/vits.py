"""What the tests of the transformer networks share: small checkpoints, references' pixels, rows that repeat."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from tests.unit.extractors import pseudo
from vidgauge.extractors import load, spec
from vidgauge.specs import Network

IMAGENET = (np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32))


def shallow(name: str, path: Path, depth: int, *, trust: bool = False) -> Network:
    """The network with few blocks, by the same way as the full one."""
    extractor = spec(name)
    return load(replace(extractor, build=partial(extractor.build, depth=depth)), path, trust=trust)


def clips(b: int, t: int, h: int, w: int, seed: int = 0) -> np.ndarray:
    """Smooth colours with noise: resizing matters, and not only to the noise."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:h, :w]
    waves = np.sin(x[..., None] / 17 + y[..., None] / 29 + draw.uniform(0, 7, (b, t, 1, 1, 3)))
    return (waves * 90 + 128 + draw.uniform(-30, 30, (b, t, h, w, 3))).astype(np.uint8)


def tensors(shapes: Mapping[str, tuple[int, ...]], salt: str = "") -> dict[str, torch.Tensor]:
    """Random tensors: matrices by their fan-in, vectors of norms and layer scales about 1, other vectors small."""

    def kind(name: str, shape: tuple[int, ...]) -> str:
        scales = ("norm", "ln_", "ls1", "ls2")
        if len(shape) > 1 and name.endswith("weight"):
            return "weight"
        if any(scale in name for scale in scales):
            return "norm_bias" if name.endswith("bias") else "norm_weight"
        return "bias" if name.endswith("bias") else "other"

    return {name: pseudo.tensor(salt, name, list(shape), kind(name, shape)) for name, shape in shapes.items()}


def randomise(module: torch.nn.Module) -> None:
    """Give a reference's parameters values by the same rule, so that no bias is zero and no norm the identity."""
    with torch.no_grad():
        values = tensors({name: tuple(parameter.shape) for name, parameter in module.named_parameters()})
        for name, parameter in module.named_parameters():
            parameter.copy_(values[name])


def filled(model_class: Any, config: Any, state: Mapping[str, torch.Tensor]) -> Any:
    """A model of transformers with these tensors, under the names of its published files: all of its, no others."""
    model, info = model_class.from_pretrained(None, config=config, state_dict=dict(state), output_loading_info=True)
    assert not any(info.values()), info
    return model.eval()


def pillow(frame: np.ndarray, size: int, filter_: Image.Resampling) -> np.ndarray:
    """(h, w, 3) uint8 -> (size, size, 3) float32 0..255, by Pillow's float filters, each channel on its own."""
    channels = [Image.fromarray(frame[..., c].astype(np.float32)).resize((size, size), filter_) for c in range(3)]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1).clip(0, 255)


def pixels(values: np.ndarray, statistics: tuple[np.ndarray, np.ndarray] = IMAGENET) -> torch.Tensor:
    """(..., h, w, 3) 0..255 -> (..., 3, h, w) normalised."""
    mean, deviation = statistics
    return torch.from_numpy(np.moveaxis((np.float32(values) / np.float32(255) - mean) / deviation, -1, -3).copy())


def assert_rows_repeat(network: Network, items: np.ndarray, rows: np.ndarray) -> None:
    """The rows that clips gave have the same bits in another order and alone, with two threads calling at once."""
    with ThreadPoolExecutor(2) as pool:
        turned, alone = (found["features"] for found in pool.map(network, [items[::-1], items[1:2]]))
    by_clip = rows.reshape(len(items), -1)
    assert np.array_equal(turned.reshape(by_clip.shape), by_clip[::-1])
    assert np.array_equal(alone.reshape(-1), by_clip[1])
    assert not np.array_equal(by_clip[0], by_clip[1])
