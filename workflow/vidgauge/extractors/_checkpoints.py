"""Reading weights into torch modules: never by running what a file holds, never by half.

Importing this module imports torch: only `build` functions do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

import torch
from torch import nn

from vidgauge.errors import VidgaugeError
from vidgauge.specs import WeightsFile

Module = TypeVar("Module", bound=nn.Module)
Tensors = Mapping[str, torch.Tensor]
MOST_NAMED = 5
WRAPPERS = ("model", "module", "state_dict")
UNREADABLE = (
    UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    OverflowError,
    ImportError,
)  # whatever a file that is no state dict makes of the reader


def tensors_of(weights: WeightsFile) -> dict[str, torch.Tensor]:
    """The tensors of a state dict by name, on the CPU. Published files wrap theirs under `model`, `module` or the like.

    Pickles are read with weights_only, which builds tensors and plain containers and runs nothing. VidgaugeError for
    a TorchScript archive and for what holds no tensors.
    """
    path = weights.path
    if weights.format == "torchscript":
        raise VidgaugeError(f"{path}: is a TorchScript archive, and a state dict is wanted")
    if weights.format == "safetensors":
        return _safetensors(path)
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:  # torch's own words advise to run what the file holds
        raise VidgaugeError(
            f"{path}: cannot be read as a state dict without running it ({type(error).__name__}){_looks_like(path)}; "
            "a file of tensors by name was wanted, as torch.save(module.state_dict(), ...) writes it"
        ) from None
    while isinstance(found, Mapping) and (inner := _wrapped(found)) is not None:
        found = inner
    if not isinstance(found, Mapping) or not found or not all(isinstance(x, torch.Tensor) for x in found.values()):
        raise VidgaugeError(f"{path}: holds no state dict; a file of tensors by name was wanted")
    return dict(found)


def _looks_like(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(64).lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        return ": it is a pointer of Git LFS, not the file itself"
    return ": it looks like a web page" if head.startswith((b"<", b"{")) else ""


def _safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise VidgaugeError(f"{path}: cannot be read as safetensors ({error}); get the file again") from None


def _wrapped(found: Mapping[Any, Any]) -> Mapping[Any, Any] | None:
    return next((found[key] for key in WRAPPERS if isinstance(found.get(key), Mapping)), None)


def empty(make: Callable[[], Module]) -> Module:
    """A module whose parameters hold nothing yet, made without drawing random weights or touching the generator.

    Every parameter must then be filled by `fill`. For modules whose buffers are all in their state dict.
    """
    with torch.device("meta"):
        return make()


def fill(module: Module, tensors: Tensors, path: Path, *, unused: Callable[[str], bool] = lambda _: False) -> Module:
    """Give a module its tensors, float32 and frozen, in evaluation mode; VidgaugeError names each that does not fit.

    unused: names of the file that the module has no use for. Counters of BatchNorm (num_batches_tracked) may be
    missing or there: they play no part in evaluation.
    """
    given = {name: tensor for name, tensor in tensors.items() if not unused(name)}
    wanted = module.state_dict()
    problems = [
        *_listed("missing", (name for name in wanted if name not in given and not _counter(name))),
        *_listed("not of this network", (name for name in given if name not in wanted and not _counter(name))),
        *_listed(
            "of another shape",
            (
                f"{name} {tuple(given[name].shape)} instead of {tuple(tensor.shape)}"
                for name, tensor in wanted.items()
                if name in given and given[name].shape != tensor.shape
            ),
        ),
    ]
    if problems:
        raise VidgaugeError(
            f"{path}: these are not the weights of {type(module).__name__}. Tensors {'; '.join(problems)}. "
            "Give the file that the network was published with"
        )
    ready = {name: _ready(given.get(name), tensor) for name, tensor in wanted.items()}
    module.load_state_dict(ready, strict=True, assign=True)
    return module.requires_grad_(False).eval()


def _ready(given: torch.Tensor | None, wanted: torch.Tensor) -> torch.Tensor:
    if given is None:
        return torch.zeros(wanted.shape, dtype=wanted.dtype)
    return given.to(wanted.dtype).contiguous()


def _counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _listed(what: str, names: Iterable[str]) -> list[str]:
    """At most a few names, and how many more there are; nothing where there are none."""
    found = list(names)
    if not found:
        return []
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return [f"{what}: {', '.join(found[:MOST_NAMED])}{more}"]
