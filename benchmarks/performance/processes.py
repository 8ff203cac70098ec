"""What the Python processes below a command did: their words, processor seconds, and whether they imported torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

NOTE = """
import atexit, json, os, sys, time

def note():
    times = os.times()
    seconds = times.user + times.system, times.children_user + times.children_system
    said = {"words": sys.orig_argv, "own": seconds[0], "below": seconds[1], "torch": "torch" in sys.modules}
    with open(os.path.join(os.environ["VIDGAUGE_NOTES"], f"{os.getpid()}-{time.monotonic_ns()}"), "w") as file:
        json.dump(said, file)

atexit.register(note)
"""
"""Python imports a module of the name sitecustomize, wherever it finds one, before anything else."""


@dataclass(frozen=True)
class Process:
    """A Python process that came to its end. own, below: processor seconds of itself and of its ended children."""

    words: Sequence[str]
    own: float
    below: float
    torch: bool

    @property
    def stage(self) -> str | None:
        """The command of vidgauge that it is; None for Snakemake and for what a command starts itself."""
        return self.words[3] if list(self.words[1:3]) == ["-m", "vidgauge"] else None


def watched(words: Sequence[str], folder: Path) -> list[Process]:
    """Run a command to its end, without an output. RuntimeError with what it said where it fails."""
    with tempfile.TemporaryDirectory() as scratch:
        notes = Path(scratch, "notes")
        notes.mkdir()
        Path(scratch, "sitecustomize.py").write_text(NOTE, encoding="utf-8")
        path = os.pathsep.join(filter(None, [scratch, os.environ.get("PYTHONPATH")]))
        run(words, folder, PYTHONPATH=path, VIDGAUGE_NOTES=str(notes))
        return [Process(**json.loads(note.read_bytes())) for note in notes.iterdir()]


def run(words: Sequence[str], folder: Path, **environment: str) -> str:
    """Run a command to its end, for what it said. RuntimeError with it where it fails."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} in {folder} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def stages(processes: Iterable[Process]) -> dict[str, float]:
    """Processor seconds of each command of vidgauge, all its processes together, and of Snakemake itself."""
    found: dict[str, float] = defaultdict(float)
    for process in processes:
        if process.stage:
            found[process.stage] += process.own + process.below
        elif process.words[1:3] == ["-m", "snakemake"]:
            found["snakemake"] += process.own
    return dict(found)


def snakemake(snakefile: Path, *words: str) -> list[str]:
    """The command that runs a workflow with this Python."""
    return [sys.executable, "-m", "snakemake", "-s", str(snakefile), *words]
