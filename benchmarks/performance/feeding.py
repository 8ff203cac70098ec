"""Feeding the network

The share of their time that the threads which call a network wait: for clips that are read, and for rows that are
written. From each thread's first call to its last return, in the features stage over a clips file with two threads.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import get_ident
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.performance.rows import Row
from vidgauge.extractors import loading
from vidgauge.extractors.own import NetworkAsked
from vidgauge.extractors.run import extract
from vidgauge.specs import Network
from vidgauge.store.clips import Group, write_clips

WORKERS = 2
SHAPE = (16, 224, 224)  # of a clip
CLIPS = {"i3d_kinetics400": 24, "efficientnet_lite0": 48}  # a slow network, and a fast one
ON_A_GPU = 40  # times as many clips


class Timed:
    """A network that notes when each thread is in it."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.calls: dict[int, list[tuple[float, float]]] = defaultdict(list)  # of a thread: start and end of each

    def __call__(self, clips: np.ndarray) -> dict[str, np.ndarray]:
        start = time.perf_counter()
        rows = self.network(clips)
        self.calls[get_ident()].append((start, time.perf_counter()))
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)

    @property
    def waited(self) -> float:
        """The share of all threads' time between calls, 0..1."""
        inside = sum(end - start for calls in self.calls.values() for start, end in calls)
        return 1 - inside / sum(calls[-1][1] - calls[0][0] for calls in self.calls.values())


def rows(*, quick: bool = False) -> Iterator[Row]:
    """One row for each network on the CPU, then those of a GPU."""
    import torch

    for device, most in (("cpu", 3), ("cuda", 10)):
        there = device == "cpu" or torch.cuda.is_available()
        for name, clips in CLIPS.items():
            number = clips // 6 if quick else clips * (ON_A_GPU if device == "cuda" else 1)
            waited, note = _share(name, device, number) if there else (None, "no GPU here")
            what = f"`{name}`, {device.upper().replace('CUDA', 'GPU')}: time its threads wait for data"
            yield Row(what, waited, "%", at_most=most, note=note)


def _share(name: str, device: str, clips: int) -> tuple[float, str]:
    from benchmarks.stand_ins import network

    run, _ = network(name, device, "float32")
    run(np.zeros((1, *SHAPE, 3), np.uint8))  # a first call sets much up
    timed = Timed(run)
    with (
        TemporaryDirectory() as folder,
        patch.object(loading, "weights_asked", lambda *_: None),
        patch.object(loading, "built", lambda *_, **__: timed),
    ):
        source = _clips_file(Path(folder, "clips.h5"), clips)
        start = time.perf_counter()
        extract([source], Path(folder, "out.h5"), network=NetworkAsked(name=name), device=device, workers=WORKERS)
        whole = time.perf_counter() - start
    calls = [call for of in timed.calls.values() for call in of]
    inside = max(end for _, end in calls) - min(start for start, _ in calls)
    said = f"{clips} clips, {len(calls)} calls; of {whole:.2f} s for the file, {inside:.2f} from first call to last"
    return 100 * timed.waited, said


def _clips_file(path: Path, clips: int) -> Path:
    draw = np.random.default_rng(0)
    with write_clips(path, Group("clips", {"frames": SHAPE[0], "seed": None}, SHAPE)) as (writer,):
        for number in range(clips):
            frames = draw.integers(0, 256, (*SHAPE, 3), np.uint8)
            writer.append(f"v{number:05d}", 0, 0, range(SHAPE[0]), frames)
    return path
