"""Networks for measuring: with their own weights where these are on this machine, else with seeded random ones."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from vidgauge import extractors, weights
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import _checkpoints, _torchscript, loading
from vidgauge.specs import Network, Precision, Setup, WeightsFile


def measurable() -> list[str]:
    """Extractors that run on torch and can be built without their weights: all but archives, which are programs."""
    found = extractors.extractors()
    return [name for name, spec in found.items() if spec.uses_gpu and (_state_dict(name) or _at_hand(name))]


def network(
    name: str, device: str, precision: Precision, arrays: tuple[str, ...] | None = None
) -> tuple[Network, bool]:
    """A network, and whether its weights are its own."""
    spec = extractors.spec(name)
    if (file := _at_hand(name)) is not None:
        return loading.built(spec, file, device=device, precision=precision, arrays=arrays), True
    nothing = WeightsFile(Path("stand-in"), "", _state_dict(name), False, "pickle")
    usual = tuple(array for array, kind in spec.arrays.items() if not kind.on_demand)
    with (
        patch.object(_checkpoints, "fill", filled),
        patch.object(_checkpoints, "tensors_of", lambda _: {}),
        patch.object(_torchscript, "tensors_of_archive", lambda _: {}),
    ):
        return spec.build(Setup(nothing, device, precision, arrays or usual)), False


def _at_hand(name: str) -> WeightsFile | None:
    for known in extractors.spec(name).weights:
        try:
            return weights.find(known)
        except VidgaugeError:
            continue
    return None


def _state_dict(name: str) -> str | None:
    """The first of its files whose tensors our own code reads."""
    takes = extractors.spec(name).weights
    return next((known for known, how in takes.items() if not how.torchscript or name.startswith("clip_")), None)


def filled(module: torch.nn.Module, *_: Any, **__: Any) -> torch.nn.Module:
    """The module with weights that keep activations in range through all layers, the same for each name."""
    ready = {name: _tensor(name, wanted) for name, wanted in module.state_dict().items()}
    module.load_state_dict(ready, assign=True)
    return module.requires_grad_(False).eval()


def _tensor(name: str, wanted: torch.Tensor) -> torch.Tensor:
    if not wanted.is_floating_point():
        return torch.zeros(wanted.shape, dtype=wanted.dtype)
    draw = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    made = torch.empty(wanted.shape, dtype=torch.float32)
    if wanted.ndim > 1:
        fan_in = wanted[0].numel()
        return made.normal_(0, (2 / fan_in) ** 0.5 if wanted.shape[0] > 1 else 0.02, generator=draw)
    if name.endswith("running_var") or name.endswith("weight"):
        return made.uniform_(0.8, 1.2, generator=draw)
    return made.normal_(0, 0.02, generator=draw)


def device_text(device: str) -> str:
    """The device by name, for the pages."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    model = next((line.split(":")[1].strip() for line in _cpu_lines() if line.startswith("model name")), "CPU")
    return f"{model}, {torch.backends.cpu.get_cpu_capability()}"


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


PRECISIONS: dict[str, tuple[Precision, ...]] = {
    "cpu": ("float32", "bfloat16"),
    "cuda": ("float32", "tf32", "bfloat16", "float16"),
}
