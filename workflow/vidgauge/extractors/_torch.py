"""How torch networks are run so that their rows repeat bit for bit: fixed batch shapes, one thread, no global state.

Importing this module imports torch: only `build` functions and the features stage do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import gcd

import numpy as np
import torch

from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.extractors import PrecisionError
from vidgauge.extractors._clips import check_clips
from vidgauge.extractors._memory import full_gpu, said_full
from vidgauge.specs import ExtractorSpec, Setup

Forward = Callable[[torch.Tensor], dict[str, torch.Tensor]]
Derive = Callable[[dict[str, np.ndarray], int], dict[str, np.ndarray]]
HALF = {"bfloat16": torch.bfloat16, "float16": torch.float16}
_CUDA = threading.RLock()  # settings of CUDA are the process's: one call at a time, which is also all a GPU can do


def resolve_device(device: str) -> torch.device:
    """The device of that name; auto: a GPU if there is one. UsageError if it is unknown, VidgaugeError if not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError:
        found = None
    if found is None or found.type not in ("cpu", "cuda"):
        raise UsageError(f"device: unknown {device!r}; known: auto, cpu, cuda, cuda:1 and so on")
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise VidgaugeError(
            f"device: {device} was asked for, but torch {torch.__version__} sees {torch.cuda.device_count()} "
            "CUDA GPUs; use device: cpu or auto, or run where there is one"
        )
    return found


def device_name(device: torch.device) -> str:
    """What the last bits depend on: the GPU's model, or the instruction set that torch uses on the CPU."""
    if device.type == "cuda":
        return f"cuda {torch.cuda.get_device_name(device)}"
    return f"cpu {torch.backends.cpu.get_cpu_capability()}"


def check_precision(precision: str, device: torch.device) -> None:
    """PrecisionError, a ValueError, for a precision that the device does not have."""
    if device.type == "cpu" and precision in ("tf32", "float16"):
        raise PrecisionError(
            f"precision: {precision} exists only on CUDA GPUs, and the device is the CPU; use float32 or bfloat16"
        )


class FixedBatches:
    """Runs a network on batches of one fixed shape, the last one padded. Callable from several threads.

    forward: tensor (batch, ...) uint8 on the device -> {array: (batch, width)}. Rows depend on the item only, not on
    the items beside it, its place in the batch, or the number of threads. If a GPU's memory does not hold a batch, it
    is halved for good, which `ran_on` tells; `used` lists the batch sizes that were run.
    """

    def __init__(self, forward: Forward, *, batch: int, device: torch.device, precision: str) -> None:
        check_precision(precision, device)
        self.forward, self.batch, self.device, self.precision = forward, batch, device, precision
        self.full = batch
        self.used: list[int] = []

    def __call__(self, items: np.ndarray) -> dict[str, np.ndarray]:
        """(n, ...) uint8 -> {array: (n, width) float32}. VidgaugeError where memory does not hold a batch of one."""
        found: list[dict[str, np.ndarray]] = []
        at = 0
        with repeatable(self.device, self.precision):
            while at < len(items) or not found:  # an empty call runs one padded batch, to know the widths
                batch = self.batch
                try:
                    found.append(self._one(items[at : at + batch], batch))
                    at += batch
                    continue
                except RuntimeError as error:
                    if (said := said_full(error)) is None:
                        raise
                torch.cuda.empty_cache()  # only here: the frames of the error held the tensors of the batch
                if batch == 1:
                    what = f"a batch of one {items.shape[1:]}"
                    raise full_gpu(what, said, self.device, instead="smaller clips, or ")
                self.batch = min(self.batch, batch // 2)  # another thread may have halved it meanwhile
        return {name: np.concatenate([rows[name] for rows in found]) for name in found[0]}

    def _one(self, items: np.ndarray, batch: int) -> dict[str, np.ndarray]:
        padded = np.zeros((batch, *items.shape[1:]), np.uint8)
        padded[: len(items)] = items
        rows = self.forward(torch.from_numpy(padded).to(self.device))
        if batch not in self.used:
            self.used.append(batch)
        return {name: values[: len(items)].float().cpu().numpy() for name, values in rows.items()}

    def whole(self, items: int) -> int:
        """How many clips of `items` items (frames, say) fill whole batches, so that no call is padded."""
        return self.batch // gcd(self.batch, items)

    def ran_on(self, item: tuple[int, ...]) -> dict[str, str]:
        """What the last bits depend on besides versions: the device, and the batch shapes for items of that shape.

        Of batches that were halved the full size is told as well, which need not be among those that were run.
        """
        shapes = " and ".join(str((batch, *item)) for batch in sorted(self.used, reverse=True))
        halved = f", halved from {self.full}" if self.batch < self.full else ""
        return {"device": device_name(self.device), "batch_shape": shapes + halved}


class TorchNetwork:
    """A torch network as `vidgauge.specs.Network`: (b, t, h, w, 3) uint8 -> the arrays of its setup.

    forward: what `FixedBatches` calls, with (batch, h, w, 3) where the extractor's input is a frame, and with
    (batch, t, h, w, 3) where it is a clip. It may give more arrays than were asked for; these are dropped.
    derive: adds arrays that follow from the rows of whole clips: (rows, t) -> more rows.
    """

    def __init__(
        self,
        forward: Forward,
        spec: ExtractorSpec,
        setup: Setup,
        device: torch.device,
        derive: Derive | None = None,
    ) -> None:
        batch = spec.gpu_batch if device.type == "cuda" else spec.batch
        self.batches = FixedBatches(forward, batch=batch, device=device, precision=setup.precision)
        self.input, self.arrays, self.derive = spec.input, setup.arrays, derive

    def __call__(self, clips: np.ndarray) -> dict[str, np.ndarray]:
        array = check_clips(clips, self.input)
        b, t = array.shape[:2]
        rows = self.batches(array.reshape(b * t, *array.shape[2:]) if self.input.kind == "frame" else array)
        if self.derive:
            rows |= self.derive(rows, t)
        return {name: rows[name] for name in self.arrays if name in rows}

    def clips_per_call(self, frames: int) -> int:
        """How many clips of that many frames fill whole batches."""
        return self.batches.whole(frames if self.input.kind == "frame" else 1)

    def ran_on(self, shape: tuple[int, int, int]) -> dict[str, str]:
        """Device and batch shapes, for the attributes of the features file. shape: (t, h, w) of the clips."""
        return self.batches.ran_on((*(shape[1:] if self.input.kind == "frame" else shape), 3))


@contextmanager
def repeatable(device: torch.device, precision: str) -> Iterator[None]:
    """Inference with the settings that make rows repeat; all of them are put back at the end.

    The thread count is that of the calling thread only. Mixed precision is autocast's, which keeps weights and the
    statistics of normalisation in float32.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    half = HALF.get(precision, torch.bfloat16)
    try:
        with torch.inference_mode(), torch.autocast(device.type, half, enabled=precision in HALF):
            if device.type == "cuda":
                with _CUDA, _cuda_settings("tf32" if precision == "tf32" else "ieee"):
                    yield
            else:
                yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _cuda_settings(arithmetic: str) -> Iterator[None]:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = (cudnn.benchmark, cudnn.deterministic, cudnn.conv.fp32_precision, matmul.fp32_precision)  # type: ignore[attr-defined]
    try:
        cudnn.benchmark, cudnn.deterministic = False, True
        cudnn.conv.fp32_precision = matmul.fp32_precision = arithmetic  # type: ignore[attr-defined]
        yield
    finally:
        cudnn.benchmark, cudnn.deterministic = before[:2]
        cudnn.conv.fp32_precision, matmul.fp32_precision = before[2:]  # type: ignore[attr-defined]
