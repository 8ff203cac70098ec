"""Growth: what a further video costs, from 10^2 to 10^4 of them.

Tiny videos and no network (`benchmarks/scale.py`), so that what vidgauge adds to the work itself is all there is. One
shard for each dataset at every size: otherwise what is measured is how many jobs are started, which `shard_size` says.
Processor seconds, since a machine's other work goes into the seconds of the clock.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import scale
from benchmarks.performance import processes
from benchmarks.performance.rows import Row

FOLDER = Path(tempfile.gettempdir()) / "vidgauge-performance" / "growth"
SIZES = (100, 1000, 10000)
SHARD_SIZE = 16384
SAMPLES = 50
"""Of the kernel distance, whose time grows with the square of its samples, not with the videos."""


def rows(*, quick: bool = False) -> Iterator[Row]:
    """The rows of this section."""
    sizes = (20, 60, 100) if quick else SIZES
    costs = [processes.stages(processes.watched(command(), prepared(size))) for size in sizes]
    names = list(dict.fromkeys(name for cost in costs for name in cost))
    ms = [
        {name: 1e3 * (high.get(name, 0.0) - low.get(name, 0.0)) / (many - few) for name in names}
        for few, many, low, high in zip(sizes, sizes[1:], costs, costs[1:], strict=False)
    ]
    first, last = ms
    parts = (f"{name} {first[name]:.2f} and {last[name]:.2f}" for name in names if max(first[name], last[name]) > 0.05)
    yield Row(
        f"a further video from {sizes[1]:,} to {sizes[2]:,}, against one from {sizes[0]:,} to {sizes[1]:,}: "
        "processor time of the whole run",
        sum(last.values()) / sum(first.values()),
        at_most=1.1,
        note=f"{sum(first.values()):.1f} and {sum(last.values()):.1f} ms; by stage: {', '.join(parts)}. "
        "What jobs cost without a video, which is in neither: "
        f"{sum(costs[0].values()) - sum(first.values()) * sizes[0] / 1e3:.1f} s",
    )


def prepared(videos: int, *, keep: bool = False) -> Path:
    """A folder with the videos, which are kept, a configuration, and no results unless those there are to be kept."""
    work = FOLDER / f"{videos}"
    scale.make_videos(work / "videos", videos)
    for made in () if keep else ("results", ".snakemake"):
        shutil.rmtree(work / made, ignore_errors=True)
    define = scale.CONFIG["define"]
    config = {
        **scale.CONFIG,
        "define": define | {"kernel": define["kernel"] | {"samples": SAMPLES}},
        "datasets": {name: {"source": f"videos/{name}"} for name in ("real", "a")},
        "shard_size": SHARD_SIZE,
        "report": False,
    }
    (work / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return work


def command(*more: str) -> list[str]:
    """The workflow, in a prepared folder."""
    given = ["--configfile", "config.json", "--cores", "2", *more]
    return processes.snakemake(scale.ROOT / "Snakefile", *given)
