"""Clips per second of I3D, plain module against fast form, in one process: `python benchmarks/i3d.py --batch 2`.

Pseudo-random weights and clips; float32 on the CPU, one thread of torch's per caller, as networks are run. The two take
turns, and what is compared are medians: on a busy machine single measurements mean little.
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

from vidgauge.extractors._i3d import I3D, fast


def seeded(seed: int) -> I3D:
    """The plain module with weights that keep activations in range through all layers."""
    draw = torch.Generator().manual_seed(seed)
    network = I3D().requires_grad_(False).eval()
    for name, tensor in network.state_dict().items():
        if name.endswith("conv3d.weight"):
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=draw)
        elif name.endswith(("bn.weight", "running_var")):
            tensor.uniform_(0.8, 1.2, generator=draw)
        elif name.endswith(("bias", "running_mean")):
            tensor.normal_(0, 0.05, generator=draw)
    return network


def seconds(network: nn.Module, clips: torch.Tensor, callers: ThreadPoolExecutor, threads: int) -> float:
    """How long all callers together take for one batch each."""

    def call(_: int) -> None:
        torch.set_num_threads(1)
        with torch.inference_mode():
            network(clips)

    start = time.perf_counter()
    list(callers.map(call, range(threads)))
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1, help="callers at the same time (default 1)")
    parser.add_argument("--batch", type=int, default=2, help="clips per call (default 2)")
    parser.add_argument("--frames", type=int, default=16, help="frames per clip (default 16)")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each (default 7)")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()

    torch.set_num_threads(1)
    plain = seeded(asked.seed)
    quick = fast(plain)
    draw = torch.Generator().manual_seed(asked.seed)
    clips = torch.rand((asked.batch, 3, asked.frames, 224, 224), generator=draw) * 2 - 1  # default memory format
    with torch.inference_mode():
        pairs = list(zip(quick(clips), plain(clips), strict=True))
    deviation = max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)

    times: dict[str, list[float]] = {"plain": [], "fast": []}
    with ThreadPoolExecutor(asked.threads) as callers:
        for measured in range(-1, asked.rounds):  # the first does not count
            for name, network in (("plain", plain), ("fast", quick)):
                took = seconds(network, clips, callers, asked.threads)
                if measured >= 0:
                    times[name].append(took)
    rates = {name: asked.threads * asked.batch / statistics.median(took) for name, took in times.items()}
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {asked.threads} caller(s), ", end="")
    print(f"clips ({asked.batch}, 3, {asked.frames}, 224, 224), {asked.rounds} rounds")
    for name, rate in rates.items():
        print(f"{name:6}{rate:8.3f} clips/s (best {asked.threads * asked.batch / min(times[name]):.3f})")
    print(f"ratio {rates['fast'] / rates['plain']:8.2f}")
    print(f"deviation {deviation:.1e} of the largest value")


if __name__ == "__main__":
    main()
