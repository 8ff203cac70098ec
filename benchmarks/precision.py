"""How far each precision moves features and a Fréchet distance: `python benchmarks/precision.py`.

Writes docs/precision.md: every network on the demo's real and mildly damaged scenes, against itself at float32.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from stand_ins import PRECISIONS, device_text, measurable, network

from vidgauge import extractors
from vidgauge.demo.make import make_frames
from vidgauge.metrics import frechet_distance
from vidgauge.specs import Precision

PAGE = Path(__file__).parents[1] / "docs/precision.md"
FRAMES = 16
Rows = dict[str, np.ndarray]  # by dataset, of the network's first array


def clips(dataset: str, videos: int, frames: int) -> np.ndarray:
    """(videos, frames, h, w, 3) uint8 of the demo's scenes, before they are encoded."""
    return np.stack([make_frames(dataset, index)[0][:frames] for index in range(videos)])


def rows(name: str, device: str, precision: Precision, videos: int) -> tuple[Rows, bool]:
    """Features of both sets; networks that see single frames get one of each video."""
    spec = extractors.spec(name)
    frames = 1 if spec.input.kind == "frame" else FRAMES
    run, own = network(name, device, precision)
    first = next(iter(spec.arrays)) if own or name != "vgg16_fc2" else "fc2_relu"
    return {dataset: run(clips(dataset, videos, frames))[first] for dataset in ("real", "mild")}, own


def line(name: str, device: str, videos: int) -> tuple[str, ...]:
    """The table's line of a network."""
    exact, own = rows(name, device, "float32", videos)
    distance, cells = frechet_distance(exact["real"], exact["mild"]), []
    for precision in PRECISIONS[device][1:]:
        found, _ = rows(name, device, precision, videos)
        off = np.abs(found["real"].astype(np.float64) - exact["real"])
        moved = frechet_distance(found["real"], found["mild"]) / distance - 1
        cells += [f"{off.max() / np.abs(exact['real']).max():.1e}", f"{100 * moved:+.2g} %"]
        print(name, precision, *cells[-2:], flush=True)
    return (f"`{name}`", f"{distance:.5g}", *cells, "its own" if own else "random")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=list(PRECISIONS), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--videos", type=int, default=24, help="of each set (default 24)")
    parser.add_argument("--only", nargs="+", default=measurable(), help="these networks; nothing is written then")
    asked = parser.parse_args()
    lines = [line(name, asked.device, asked.videos) for name in asked.only]
    if asked.only == measurable():
        PAGE.write_text(page(asked.device, asked.videos, lines))


def page(device: str, videos: int, lines: list[tuple[str, ...]]) -> str:
    """docs/precision.md."""
    others = [name for name in PRECISIONS[device] if name != "float32"]
    columns = [text for name in others for text in (f"{name}: features", f"{name}: distance")]
    head = ("network", "distance at float32", *columns, "weights")
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines))
    missing = sorted({name for names in PRECISIONS.values() for name in names} - set(PRECISIONS[device]))
    unseen = f"\n{', '.join(missing)}: not measured; the device does not have them.\n" if missing else ""
    return f"""# Precision

How far a precision moves what comes out, against float32 on the same device: the largest deviation of a feature, as a
share of the largest feature, and the change of a Fréchet distance between the demo's real and mildly damaged scenes
({videos} of each; networks that see frames get one frame of each). Made by `python benchmarks/precision.py`. With
random weights the size of the effect is a hint only: run the command where the real ones are.

## {device}: {device_text(device)}

{table}
{unseen}
float32 is the default: published numbers were made with it, and the tests hold it to their references. A result names
its precision, and features of two precisions are never mixed.
"""


if __name__ == "__main__":
    main()
