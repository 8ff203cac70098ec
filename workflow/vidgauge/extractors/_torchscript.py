"""TorchScript archives, which are programs: opened only where their digest was known, or the user vouched for them.

Importing this module imports torch: only `build` functions do.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from vidgauge.errors import VidgaugeError
from vidgauge.extractors._memory import said_full
from vidgauge.specs import WeightsFile


def open_torchscript(
    weights: WeightsFile, device: torch.device, whose: str | None = None
) -> Callable[..., torch.Tensor]:
    """The archive's network, in evaluation mode, as a function of tensors on the device with keywords of its own.

    whose: what messages begin with; None: the file. `vidgauge.extractors.load` has seen to it that the file may be run.
    VidgaugeError for what is no such archive, and from the function where the network fails.
    """
    archive = _archive(weights, device)

    def call(*tensors: torch.Tensor, **keywords: Any) -> torch.Tensor:
        try:
            with _as_written():
                return archive(*tensors, **keywords)
        except (RuntimeError, torch.jit.Error) as error:
            if full := said_full(error):  # an archive's own frames hide what kind of error it was
                raise torch.OutOfMemoryError(full) from None
            shapes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
            said = f" and {', '.join(keywords)}" if keywords else ""
            raise VidgaugeError(
                f"{whose or weights.path}: the network failed on a tensor {shapes}{said} "
                f"({str(error).strip().splitlines()[-1]}); see what its forward takes"
            ) from error

    return call


def tensors_of_archive(weights: WeightsFile) -> dict[str, torch.Tensor]:
    """The archive's tensors by name, on the CPU, in the types it holds; its program is read with them, but not called.

    `vidgauge.extractors.load` has seen to it that the file may be run. VidgaugeError for what is no such archive.
    """
    return dict(_archive(weights, torch.device("cpu")).state_dict())


def _archive(weights: WeightsFile, device: torch.device) -> torch.jit.ScriptModule:
    if weights.format != "torchscript":
        raise VidgaugeError(
            f"{weights.path}: is no TorchScript archive, and one was wanted, "
            "as torch.jit.script(module).save(...) writes it"
        )
    try:
        with warnings.catch_warnings():  # torch warns that the format is a dead end: these files are what was published
            warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
            return torch.jit.load(str(weights.path), map_location=device).eval()
    except RuntimeError as error:
        if said_full(error):
            raise
        reason = str(error).strip().splitlines()[-1]
        raise VidgaugeError(
            f"{weights.path}: torch {torch.__version__} cannot open this TorchScript archive ({reason})"
        ) from None


@contextmanager
def _as_written() -> Iterator[None]:
    """Run graphs as they are: the optimiser rewrites them after the first calls, and the last bits change with it.

    The switch is the calling thread's.
    """
    before = torch._C._get_graph_executor_optimize()
    torch._C._set_graph_executor_optimize(False)
    try:
        yield
    finally:
        torch._C._set_graph_executor_optimize(before)
