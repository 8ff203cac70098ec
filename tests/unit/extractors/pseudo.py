"""Deterministic pseudo-weights under official tensor names, so that networks are checked without published weights.

The rule and the expected outputs are explained in tests/golden/README.md.
"""

from __future__ import annotations

import json
import math
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

GOLDEN = Path(__file__).resolve().parents[2] / "golden"


def keys(golden_file: Path, name: str) -> Path:
    """The list of tensors `name` that belongs to a golden file: beside it, else the project's own."""
    beside = golden_file.with_name(name)
    return beside if beside.is_file() else GOLDEN / name


def tensors(listing: Path) -> dict[str, torch.Tensor]:
    """Every tensor of an official checkpoint, by name, as the listing's salt gives it."""
    content = json.loads(listing.read_text())
    salt = content["pseudo_weight_salt"]
    return {name: tensor(salt, name, **entry) for name, entry in content["tensors"].items()}


def tensor(salt: str, name: str, shape: list[int], kind: str, **_: Any) -> torch.Tensor:
    """One tensor. Drawn in float64, one generator each, then rounded to float32."""
    draw = np.random.RandomState(zlib.crc32((salt + name).encode()))
    if kind == "counter":
        return torch.zeros(shape, dtype=torch.int64)
    if kind == "weight":
        values = draw.standard_normal(size=shape) * math.sqrt(2 / math.prod(shape[1:]))
    elif kind in ("norm_weight", "running_var"):
        values = draw.uniform(0.8, 1.2, size=shape)
    else:
        scale = {"bias": 0.01, "norm_bias": 0.05, "running_mean": 0.05}.get(kind, 0.02)
        values = draw.standard_normal(size=shape) * scale
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def checkpoint(listing: Path, out: Path, wrap: str | None = None) -> Path:
    """A file as the official one: a flat state dict, or one under the key `wrap`."""
    state = tensors(listing)
    torch.save({wrap: state} if wrap else state, out)
    return out


def hollow(listing: Path) -> dict[str, torch.Tensor]:
    """Tensors of an official checkpoint's names and shapes, all zero, that take no room in a file."""
    listed = json.loads(listing.read_text())["tensors"]
    return {name: torch.zeros(1).expand(entry["shape"]) for name, entry in listed.items()}


def scripted(module: torch.nn.Module, out: Path) -> Path:
    """A TorchScript archive of a module. torch warns that the format is a dead end; published files have it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module.eval()).save(str(out))
    return out


def close(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-4) -> float:
    """Assert max|found - expected| <= tolerance * max|expected|; gives the relative deviation."""
    assert found.shape == expected.shape
    deviation = float(np.abs(found.astype(np.float64) - expected).max() / np.abs(expected).max())
    assert deviation <= tolerance
    return deviation


def close_subsampled(found: np.ndarray, golden: Mapping[str, np.ndarray], name: str, tolerance: float = 1e-4) -> None:
    """The same for a large array of which the golden file keeps `__shape`, `__idx`, `__val`, `__mean`, `__std`."""
    assert list(found.shape) == list(golden[f"{name}__shape"])
    flat, expected = found.reshape(-1), golden[f"{name}__val"]
    limit, mean = tolerance * np.abs(expected).max(), float(flat.mean(dtype=np.float64))
    assert np.abs(flat[golden[f"{name}__idx"]] - expected).max() <= limit
    assert abs(mean - float(golden[f"{name}__mean"])) <= limit
