"""What a GPU says whose memory is full, and what a user can do about it. Importing this module imports torch."""

from __future__ import annotations

import torch

from vidgauge.errors import VidgaugeError

_SAID = ("out of memory", "ALLOC_FAILED", "STATUS_NOT_INITIALIZED", "unable to find an engine")
"""By CUDA and its libraries. The last two can have other causes; smaller batches then fail alike, and it is told."""

_GIB = 1 << 30


def said_full(error: Exception) -> str | None:
    """The line in which torch says that the GPU's memory is full; None for another error.

    The type does not tell: libraries of CUDA, and archives that are programs, have errors of their own for it.
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    found = next((line for line in lines if any(words in line for words in _SAID)), None)
    return lines[0] if found is None and isinstance(error, torch.OutOfMemoryError) else found


def full_gpu(what: str, said: str, device: torch.device | str | None, *, instead: str = "") -> VidgaugeError:
    """The error for a user where memory does not hold `what`. instead: what to use, besides a CPU."""
    return VidgaugeError(
        f"the GPU's memory does not hold {what}{_room(device)}. Stop what else runs there or wait for it, leave that "
        f"GPU out of CUDA_VISIBLE_DEVICES, or use {instead}device: cpu ({said})"
    )


def _room(device: torch.device | str | None) -> str:
    """How full the GPU is, as far as it still answers."""
    if not torch.cuda.is_initialized():
        return ""
    try:
        free, total = torch.cuda.mem_get_info(device)
        own, name = torch.cuda.memory_reserved(device), torch.cuda.get_device_name(device)
    except (RuntimeError, ValueError):  # the first error is the one to show
        return ""
    others = max(0, total - free - own)
    return (
        f": of {total / _GIB:.1f} GiB of {name}, {free / _GIB:.1f} are free, {own / _GIB:.1f} this job's, and "
        f"{others / _GIB:.1f} the driver's and other processes'"
    )
