"""A user's project in a scratch folder, and the real Snakemake run on it as a user runs it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import yaml

from tests.make_videos import encode, frames

ROOT = Path(__file__).parents[2]
CLIPS = {"frames": 4, "size": [24, 32]}
FRAMES = {"reduce": "frechet", "extractor": "pixel_grid", "array": "frame", "clips": CLIPS}
MOTION = {"reduce": "kernel_exact", "extractor": "pixel_grid", "array": "clip", "clips": CLIPS}


@cache
def encoded(seed: int, length: int) -> bytes:
    """A video's bytes, encoded once: x264 does not always give the same ones, and projects are to be compared."""
    with tempfile.TemporaryDirectory() as folder:
        return encode(Path(folder, "video.mp4"), frames(length, seed=seed)).read_bytes()


@dataclass(frozen=True)
class Run:
    """What one call of snakemake did."""

    code: int
    text: str

    @property
    def jobs(self) -> Counter[str]:
        """Jobs by rule, without the target's."""
        rules = re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):$", self.text, re.MULTILINE)
        return Counter(rule for rule in rules if rule != "all")

    def jobs_of(self, dataset: str) -> Counter[str]:
        """Jobs by rule whose wildcards name a dataset."""
        found = re.findall(
            rf"^(?:local)?(?:rule|checkpoint) (\w+):\n(?:    .*\n)*?    wildcards: .*dataset={dataset}\b",
            self.text,
            re.MULTILINE,
        )
        return Counter(found)

    @property
    def idle(self) -> bool:
        return "Nothing to be done" in self.text and not self.jobs


class Project:
    """Tiny videos and a configuration; `run` calls snakemake in a process of its own."""

    def __init__(
        self, folder: Path, *, videos: int = 4, datasets: tuple[str, ...] = ("real", "a"), **config: Any
    ) -> None:
        self.folder, self.root = folder, ROOT
        folder.mkdir(parents=True, exist_ok=True)
        for index, name in enumerate(datasets):
            for number in range(videos):
                self.video(name, number, seed=100 * index + number)
        self.config: dict[str, Any] = {
            "evaluation": "test",
            "reference": datasets[0],
            "datasets": {name: {"source": f"videos/{name}"} for name in datasets},
            "metrics": ["looks"],
            "define": {"looks": FRAMES},
            "report": False,  # tests of the report ask for it
        } | config

    def video(self, dataset: str, number: int, *, seed: int, length: int = 8) -> Path:
        """Write, or replace, one video of a dataset."""
        path = self.folder / "videos" / dataset / f"v{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(seed, length))
        return path

    def command(self, *arguments: str) -> list[str]:
        (self.folder / "mine.yaml").write_text(yaml.safe_dump(self.config, sort_keys=False))
        given = ["-s", str(self.root / "Snakefile"), "--configfile", str(self.folder / "mine.yaml"), "--cores", "2"]
        return [sys.executable, "-m", "snakemake", *given, *arguments]

    def run(self, *arguments: str, cwd: Path | None = None, ok: bool = True) -> Run:
        """Run the workflow. Fails the test, showing all output, if it does not end as expected."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=cwd or self.folder,
            env=environment(),
            text=True,
            capture_output=True,
            check=False,
        )
        run = Run(done.returncode, done.stdout + done.stderr)
        assert (run.code == 0) == ok, run.text
        return run

    def start(self, *arguments: str, **more_environment: str) -> subprocess.Popen[str]:
        """Start the workflow in a process group of its own, to be killed."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=environment() | more_environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def results(self) -> Path:
        return self.folder / self.config.get("results", "results")

    def rows(self) -> list[dict[str, Any]]:
        return list(json.loads((self.results / self.config["evaluation"] / "metrics.json").read_text())["results"])

    def value(self, metric: str, candidate: str) -> float:
        (row,) = (row for row in self.rows() if (row["metric"], row["candidate"]) == (metric, candidate))
        return float(row["value"])

    def features(self) -> dict[str, str]:
        """A digest of every array of every merged features file, by path below results."""
        files = sorted((self.results / "features").glob("*/*/*.h5"))
        return {str(file.relative_to(self.results)): digest(file) for file in files}

    def copy_vidgauge(self) -> Path:
        """Run a copy of the workflow from now on, which a test may change. The folder it lies in."""
        self.root = self.folder / "vidgauge"
        for name in ("workflow", "profiles", "envs"):
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Snakefile", self.root)
        return self.root

    def later(self) -> None:
        """Let the clock go on, so that what is written next is newer on any file system."""
        time.sleep(0.05)

    def forget(self) -> None:
        """Delete Snakemake's own records."""
        shutil.rmtree(self.folder / ".snakemake", ignore_errors=True)


def environment() -> dict[str, str]:
    """The surroundings of a user's shell: nothing of pytest's, and no helping of ours."""
    hidden = ("PYTEST", "PYTHONPATH", "COV_", "VIDGAUGE", "PYTHONDONTWRITEBYTECODE")
    return {key: value for key, value in os.environ.items() if not key.startswith(hidden)}


def digest(file: Path) -> str:
    """sha256 over all arrays of an HDF5 file, in the order of their names."""
    sha = hashlib.sha256()

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            value = item[()]
            sha.update(name.encode())
            sha.update(value.tobytes() if value.dtype != object else repr(value.tolist()).encode())

    with h5py.File(file) as opened:
        opened.visititems(add)
    return sha.hexdigest()
