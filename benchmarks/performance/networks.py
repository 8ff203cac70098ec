"""Networks

Clips or frames per second as vidgauge runs a network (two callers with one thread of torch's each, preprocessing
included) against the plain module (its library's, of I3D our own; eager float32, channels first, one caller with two
threads, pixels ready as floats). Random weights cost what the real ones cost. The device's peak is the rate of a large
matrix product.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.performance.rows import Row
from benchmarks.performance.timing import Took, in_turns
from vidgauge import extractors
from vidgauge.specs import Precision

if TYPE_CHECKING:
    import torch
    from torch import nn

WORKERS = 2  # callers of ours; threads of the plain module
FRAMES = {"r3d_18": 8, "vjepa2_vitl": 4}  # of a clip; others 16
NOT_ON_A_CPU = ("videomae_v2_ssv2",)  # half a minute a clip
QUICK = ("efficientnet_lite0", "i3d_kinetics400")
BUDGET, MOST = 12.0, 9  # seconds of turns for each network, besides a first one; rounds
ON_A_GPU = ("i3d_kinetics400", "videomae_v2_ssv2")


@dataclass(frozen=True)
class Rates:
    """What was measured of one network: items (clips or frames) a second, and the share of the device's peak."""

    ours: float
    plain: float
    item: str
    share: float  # of what a large matrix product makes on the device at the same precision, by counted operations

    @property
    def note(self) -> str:
        """The absolute figures."""
        return (
            f"{self.ours:.3g} against {self.plain:.3g} {self.item} a second; "
            f"{100 * self.share:.0f} % of the rate of a matrix product"
        )


def rows(*, quick: bool = False) -> Iterator[Row]:
    """One row for each network on the CPU, then those of a GPU."""
    import torch

    from benchmarks.plain import MODULES

    for name in QUICK if quick else [name for name in MODULES if name not in NOT_ON_A_CPU]:
        rates = measured(name, "cpu", "float32", 0 if quick else BUDGET)
        yield Row(f"`{name}`, CPU: rate against the plain module", rates.ours / rates.plain, note=rates.note)
    there = torch.cuda.is_available()
    for name in ON_A_GPU:
        half = measured(name, "cuda", "bfloat16", BUDGET) if there else None
        full = measured(name, "cuda", "float32", BUDGET) if there else None
        yield Row(
            f"`{name}`, GPU, bfloat16: share of the device's peak",
            100 * half.share if half else None,
            "%",
            at_least=40,
            note=half.note if half else "no GPU here",
        )
        yield Row(
            f"`{name}`, GPU, float32: rate against the plain module",
            full.ours / full.plain if full else None,
            at_least=2,
            note=full.note if full else "no GPU here",
        )


def measured(name: str, device: str, precision: Precision, budget: float) -> Rates:
    """A network as vidgauge runs it at that precision, and its plain float32 module, in turns for `budget` seconds."""
    import torch

    from benchmarks.plain import plain
    from benchmarks.stand_ins import network

    spec = extractors.spec(name)
    frames, item = (1, "frames") if spec.input.kind == "frame" else (FRAMES.get(name, 16), "clips")
    batch = spec.gpu_batch if device == "cuda" else spec.batch
    run, _ = network(name, device, precision)
    module, shape = plain(name, frames)
    module = module.to(device)
    side = shape[-1]
    clips = np.random.default_rng(0).integers(0, 256, (batch, frames, side, side, 3), np.uint8)
    pixels = torch.from_numpy(clips).to(device).reshape(batch, *shape)  # which pixel is where costs nothing
    if name != "inception_2015":  # which takes bytes
        pixels = pixels.float().div(127.5).sub(1)

    def plainly() -> None:
        with torch.inference_mode():
            module(pixels)
        if device == "cuda":
            torch.cuda.synchronize()

    with ThreadPoolExecutor(WORKERS) as callers, _threads(WORKERS):
        size, product = matrix_product(device, precision)
        turns: dict[str, Callable[[], Any]] = {
            "ours": lambda: list(callers.map(run, [clips] * WORKERS)),
            "plain": plainly,
            "product": product,
        }
        took = in_budget(turns, budget)
    ours, theirs = batch * WORKERS / took["ours"].wall, batch / took["plain"].wall
    share = ours * operations(module, pixels) / batch * took["product"].wall / size
    return Rates(ours, theirs, item, share)


def in_budget(turns: dict[str, Callable[[], Any]], budget: float) -> dict[str, Took]:
    """`in_turns`, for as many rounds as fit into so many seconds, one at least, after a first that does not count."""
    start = time.perf_counter()
    in_turns(turns, rounds=1, warm=False)
    rounds = int(budget / (time.perf_counter() - start))
    return in_turns(turns, rounds=max(1, min(MOST, rounds)), warm=False)


def operations(module: nn.Module, x: torch.Tensor) -> int:
    """Floating-point operations of a call, as torch counts them: matrix products, convolutions and attention.

    Nothing is computed: the tensors have shapes and no values.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils.flop_counter import FlopCounterMode

    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.no_grad(), FlopCounterMode(display=False) as counter:
        tensors = (*module.named_parameters(), *module.named_buffers())
        hollow = {name: mode.from_tensor(tensor) for name, tensor in tensors}
        torch.func.functional_call(module, hollow, (mode.from_tensor(x),))
    return int(counter.get_total_flops())


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """So many threads of torch's for what this thread calls."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def matrix_product(device: str, precision: Precision) -> tuple[int, Callable[[], None]]:
    """The operations of a large matrix product, and a function that computes it: the device's peak, in practice."""
    import torch

    size = 8192 if device == "cuda" else 2048
    kind = getattr(torch, precision)
    left, right = (torch.ones((size, size), dtype=kind, device=device) for _ in range(2))

    def product() -> None:
        left @ right
        if device == "cuda":
            torch.cuda.synchronize()

    return 2 * size**3, product
