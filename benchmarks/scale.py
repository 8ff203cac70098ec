"""What many videos cost: time and memory of each stage, files and bytes, for 10^2 to 10^5 tiny clips.

    python benchmarks/scale.py                                  # 100, 1,000, 10,000; into docs/scale.md and scale.json
    python benchmarks/scale.py --videos 100 1000 10000 100000   # on a quiet machine, some hours
    python benchmarks/scale.py --videos 100000 --dry            # the parse and the dry run alone, written nowhere

The videos are kept and used again: 8 frames of 32 x 24 in H.264, encoded four times, each copy made a video of its own
by a box at its end that players skip. Half of them are the reference, half the candidate. Nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import struct
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.scale_page import write_page
from tests.make_videos import encode, frames

ROOT = Path(__file__).parents[1]
LARGEST_FOLDER = 10_000
CLIPS = {"frames": 4, "size": [24, 32]}
CONFIG: dict[str, Any] = {
    "evaluation": "scale",
    "reference": "real",
    "metrics": ["frechet", "kernel"],
    "define": {
        "frechet": {"reduce": "frechet", "extractor": "pixel_grid", "array": "clip", "clips": CLIPS},
        "kernel": {"reduce": "kernel", "extractor": "pixel_grid", "array": "clip", "clips": CLIPS},
    },
}
LOOK = 0.05  # seconds between two looks at the processes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, nargs="+", default=[100, 1000, 10000], help="of both datasets together")
    parser.add_argument("--shard-size", type=int, default=1024)
    parser.add_argument("--samples", type=int, help="of each dataset, default: all")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--no-report", action="store_true", help="without maps and page, which see all pairs of videos")
    parser.add_argument("--dry", action="store_true", help="parse and dry run alone; nothing is written to the docs")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "vidgauge-scale")
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "scale.json")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "scale.md")
    given = parser.parse_args()
    empty = measure_empty(given.folder)
    print(f"empty Snakefile {empty['seconds']:.1f} s {empty['mb']:.0f} MB", flush=True)
    found = []
    for videos in sorted(given.videos):
        work = prepared(given, videos)
        one = measure_dry(work, given.cores) if given.dry else measure(work, given.cores)
        found.append({"videos": videos, "shard_size": given.shard_size, **one})
        print(json.dumps(found[-1]), flush=True)
    if not given.dry:
        result = {"cores": given.cores, "empty": empty, "sizes": found}
        given.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        write_page(given.page, result)


def prepared(given: argparse.Namespace, videos: int) -> Path:
    """A folder with the videos, a configuration, and no results."""
    work = given.folder / f"{videos}"
    make_videos(work / "videos", videos)
    shutil.rmtree(work / "results", ignore_errors=True)
    shutil.rmtree(work / ".snakemake", ignore_errors=True)
    datasets = {name: {"source": f"videos/{name}"} for name in ("real", "a")}
    define = {name: {**one, "samples": given.samples} for name, one in CONFIG["define"].items()}
    config = {**CONFIG, "datasets": datasets, "define": define, "shard_size": given.shard_size}
    (work / "scale.json").write_text(json.dumps({**config, "report": not given.no_report}), encoding="utf-8")
    return work


def make_videos(folder: Path, videos: int) -> None:
    """`videos` files of different bytes in two datasets, in folders of at most LARGEST_FOLDER."""
    if (folder / "complete").exists():
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "video.mp4")
        encoded = [encode(path, frames(8, 24, 32, seed=seed)).read_bytes() for seed in range(4)]
    for number in range(videos):
        name, place = ("real", "a")[number % 2], number // 2
        home = folder / name / f"{place // LARGEST_FOLDER:04d}"
        home.mkdir(parents=True, exist_ok=True)
        (home / f"{place:08d}.mp4").write_bytes(encoded[place % 4] + struct.pack(">I4sQ", 16, b"free", number))
    (folder / "complete").touch()


@dataclass
class Job:
    """A process of the workflow with those that it started."""

    stage: str
    began: float
    ended: float = 0.0
    bytes: dict[int, int] = field(default_factory=dict)  # the most that each of its processes held


def measure_empty(folder: Path) -> dict[str, Any]:
    """What Snakemake costs with nothing to do."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Snakefile").write_text("rule all:\n    output: []\n", encoding="utf-8")
    return whole(*watched([sys.executable, "-m", "snakemake", "-n", "-s", str(folder / "Snakefile")], folder))


def measure_dry(work: Path, cores: int) -> dict[str, Any]:
    """Two dry runs: one that writes the listing, and one that finds it as it is."""
    runs = [whole(*watched(command(cores, "-n", "--quiet"), work)) for _ in range(2)]
    return {"dry": runs[0], "dry_again": runs[1]}


def measure(work: Path, cores: int) -> dict[str, Any]:
    """Dry runs, a whole run with its stages, a second one, and what it left on the disk."""
    found = measure_dry(work, cores)
    jobs = watched(command(cores), work)
    again = watched(command(cores), work)
    if "Nothing to be done" not in (said := (work / "log").read_text(encoding="utf-8")):
        sys.exit(f"{work}: the second run had something to do:\n{said}")
    return {
        **found,
        "run": whole(*jobs),
        "again": whole(*again),
        "stages": stages(jobs),
        "folders": folders(work),
        "page_bytes": size(work / "results" / "scale" / "report.html"),
    }


def command(cores: int, *more: str) -> list[str]:
    given = ["-s", str(ROOT / "Snakefile"), "--configfile", "scale.json", "--cores", str(cores)]
    return [sys.executable, "-m", "snakemake", *given, *more]


def watched(words: list[str], folder: Path) -> list[Job]:
    """Run a command and look at its processes until it ends: itself first, then every command of vidgauge.

    What a process held at most the kernel says (VmHWM, which counts mapped files too), so that no peak is missed
    between two looks but those of the last moments.
    """
    with (folder / "log").open("wb") as log:
        process = psutil.Popen(words, cwd=folder, stdout=log, stderr=log)
        main, found = Job("snakemake", time.monotonic()), {}
        while process.poll() is None:
            look(process, main, found)
            time.sleep(LOOK)
    main.ended = time.monotonic()
    if process.returncode:
        sys.exit(f"{' '.join(words)} in {folder} ended with {process.returncode}:\n{(folder / 'log').read_text()}")
    return [main, *found.values()]


def look(process: psutil.Process, main: Job, found: dict[int, Job]) -> None:
    """Note what each process holds, in the job that it belongs to."""
    now = time.monotonic()
    note(process.pid, main)
    try:
        below = process.children(recursive=True)
    except psutil.Error:
        return
    owner: dict[int, Job] = {}
    for child in below:  # parents come before their children
        try:
            words, parent = child.cmdline(), child.ppid()
        except psutil.Error:
            continue
        if child.pid not in found and words[1:3] == ["-m", "vidgauge"] and parent not in owner:
            found[child.pid] = Job(words[3], now)
        job = owner.get(parent) or found.get(child.pid)
        if job is not None:
            owner[child.pid] = job
            job.ended = now
            note(child.pid, job)


def note(number: int, job: Job) -> None:
    try:
        status = Path(f"/proc/{number}/status").read_text(encoding="utf-8")
        peak = int(status.split("VmHWM:")[1].split()[0]) << 10
    except (OSError, IndexError):  # it has just ended
        return
    job.bytes[number] = max(peak, job.bytes.get(number, 0))


def whole(main: Job, *_: Job) -> dict[str, Any]:
    """Wall seconds and megabytes of the main process."""
    return {"seconds": round(main.ended - main.began, 2), "mb": round(max(main.bytes.values(), default=0) / 1e6, 1)}


def stages(jobs: list[Job]) -> dict[str, dict[str, Any]]:
    """Of each rule: jobs, their seconds together, and the megabytes of the largest, all its processes together."""
    found: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        found[job.stage].append(job)
    return {
        stage: {
            "jobs": len(those),
            "seconds": round(sum(job.ended - job.began for job in those), 2),
            "mb": round(max(sum(job.bytes.values()) for job in those) / 1e6, 1),
        }
        for stage, those in found.items()
    }


def folders(work: Path) -> dict[str, dict[str, int]]:
    """Files and bytes below results, by folder, and of what Snakemake notes for itself."""
    found = {}
    for folder in [*sorted((work / "results").iterdir()), work / ".snakemake"]:
        files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
        if files:
            found[folder.name] = {"files": len(files), "bytes": sum(map(size, files))}
    return found


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


if __name__ == "__main__":
    main()
