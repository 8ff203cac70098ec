"""How far each precision moves features and a Fréchet distance: `python benchmarks/precision.py`.

Writes docs/precision.md: every network on the demo's real and mildly damaged scenes, against itself at float32.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from pages import table, write
from stand_ins import PRECISIONS, measurable, network

from vidgauge import extractors
from vidgauge.demo.make import make_frames
from vidgauge.metrics import frechet_distance
from vidgauge.specs import Network

PAGE = Path(__file__).parents[1] / "docs/precision.md"
FRAMES, TOO_LONG = 16, 30.0  # of a clip; seconds that a clip may take
Rows = dict[str, np.ndarray]  # by dataset, of the network's first array


def clips(dataset: str, videos: int, frames: int) -> np.ndarray:
    """(videos, frames, h, w, 3) uint8 of the demo's scenes, before they are encoded."""
    return np.stack([make_frames(dataset, index)[0][:frames] for index in range(videos)])


def rows(run: Network, name: str, videos: int) -> Rows:
    """Features of both sets; networks that see single frames get one of each video."""
    spec = extractors.spec(name)
    frames = 1 if spec.input.kind == "frame" else FRAMES
    found: Rows = {}
    with ThreadPoolExecutor(2) as callers:
        for dataset in ("real", "mild"):
            halves = np.array_split(clips(dataset, videos, frames), 2)
            found[dataset] = np.concatenate([part[next(iter(spec.arrays))] for part in callers.map(run, halves)])
    return found


def line(name: str, device: str, videos: int) -> tuple[str, ...]:
    """The table's line of a network."""
    others = PRECISIONS[device][1:]
    run, own = network(name, device, "float32")
    frames = 1 if extractors.spec(name).input.kind == "frame" else FRAMES
    start = time.perf_counter()
    run(clips("real", 1, frames))
    seconds = time.perf_counter() - start
    if seconds > TOO_LONG:
        print(name, f"takes {seconds:.0f} s a clip: left out", flush=True)
        return (f"`{name}`", "", f"not measured: {seconds:.0f} s a clip", *[""] * (2 * len(others)), "")
    videos = min(videos, max(4, int(60 / seconds)))
    exact = rows(run, name, videos)
    distance, cells = frechet_distance(exact["real"], exact["mild"]), []
    for precision in others:
        run, _ = network(name, device, precision)
        found = rows(run, name, videos)
        off = np.abs(found["real"].astype(np.float64) - exact["real"])
        moved = frechet_distance(found["real"], found["mild"]) / distance - 1
        cells += [f"{off.max() / np.abs(exact['real']).max():.1e}", f"{100 * moved:+.2g} %"]
        print(name, precision, *cells[-2:], flush=True)
    return (f"`{name}`", str(videos), f"{distance:.5g}", *cells, "its own" if own else "random")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=list(PRECISIONS), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--videos", type=int, default=24, help="of each set (default 24)")
    parser.add_argument("--only", nargs="+", default=measurable(), help="these networks; nothing is written then")
    asked = parser.parse_args()
    lines = [line(name, asked.device, asked.videos) for name in asked.only]
    if asked.only == measurable():
        others = PRECISIONS[asked.device][1:]
        columns = [text for name in others for text in (f"{name}: features", f"{name}: distance")]
        head = ("network", "videos", "distance at float32", *columns, "weights")
        write(PAGE, "Precision", INTRODUCTION, asked.device, table(head, lines))


INTRODUCTION = """How far a precision moves what comes out, against float32 on the same device: the largest deviation
of a feature, as a share of the largest feature, and the change of a Fréchet distance between the demo's real and mildly
damaged scenes (networks that see frames get one frame of each video). Made by `python benchmarks/precision.py`. With
random weights the size of the effect is a hint only: run the command where the real ones are. tf32 and float16 exist on
CUDA GPUs alone.

float32 is the default: published numbers were made with it, and the tests hold it to their references. A result names
its precision, and features of two precisions are never mixed."""


if __name__ == "__main__":
    main()
