"""Clips or frames per second of every network at every precision of a device: `python benchmarks/throughput.py`.

Writes docs/throughput.md. What counts there are ratios within one column: absolute rates are this machine's alone.
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from pages import table, write
from stand_ins import PRECISIONS, measurable, network

from vidgauge import extractors
from vidgauge.specs import Network

PAGE = Path(__file__).parents[1] / "docs/throughput.md"
FRAMES, SIDE, BUDGET = 16, 224, 12.0  # of a clip; pixels; seconds for each measurement


def rate(run: Network, batch: int, frames: int, workers: int) -> float:
    """Clips of that many frames per second, the median of several calls by all workers at once, after a first one."""
    clips = np.random.default_rng(0).integers(0, 256, (batch, frames, SIDE, SIDE, 3), np.uint8)
    run(clips)
    times: list[float] = []
    with ThreadPoolExecutor(workers) as callers:
        while not times or (sum(times) < BUDGET and len(times) < 15):
            start = time.perf_counter()
            list(callers.map(run, [clips] * workers))
            times.append(time.perf_counter() - start)
    return batch * workers / statistics.median(times)


def line(name: str, device: str, workers: int) -> tuple[str, ...]:
    """The table's line of a network."""
    spec, cells, own = extractors.spec(name), [], False
    frames, items = (1, "frames") if spec.input.kind == "frame" else (FRAMES, "clips")
    batch = spec.gpu_batch if device == "cuda" else spec.batch
    for precision in PRECISIONS[device]:
        run, own = network(name, device, precision)
        cells.append(f"{rate(run, batch, frames, workers):.3g}")
        del run
        print(name, precision, cells[-1], flush=True)
    return (f"`{name}`", f"{batch} {items}", *cells, "its own" if own else "random")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=list(PRECISIONS), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=2, help="threads that call the network, as of a job (default 2)")
    parser.add_argument("--only", nargs="+", default=measurable(), help="these networks; nothing is written then")
    asked = parser.parse_args()
    lines = [line(name, asked.device, asked.workers) for name in asked.only]
    if asked.only == measurable():
        head = ("network", "batch", *PRECISIONS[asked.device], "weights")
        write(PAGE, "Throughput", INTRODUCTION, asked.device, table(head, lines))


INTRODUCTION = f"""Clips of {FRAMES} frames a second, or frames a second for networks that see single ones, of {SIDE} x
{SIDE} pixels; preprocessing is included, decoding is not. Batches are those that vidgauge always uses on the device;
two threads call the network, with one thread of torch's each. Made by `python benchmarks/throughput.py`; rates are the
machine's, so compare lines and columns with one another. Random weights cost what the real ones cost. `c3d_ucf101` and
the archives of I3D, Inception and VGG16 are programs that cannot be had without their weights.

I3D's module is run with BatchNorm folded, channels last and packed weights; outputs agree with the plain module's
within 6e-7 of the largest value. How much faster each network is than the plain module is among the
rows of [performance](performance.md): `make bench`."""


if __name__ == "__main__":
    main()
