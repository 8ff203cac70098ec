"""A clock that jumped: files from the future hide every later change from a workflow that goes by files' times."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Beside the folders of evaluations. Snakemake takes a benchmark for an output, so its time counts as well.
_SHARED = ("manifests", "clips", "features", "weights", "benchmarks", "logs")
_STEP = 1_000  # nanoseconds between two files that are brought back: they keep their order


def bring_back(results: Path) -> int:
    """Give files of the workflow that come from the future times just before now, in their order; how many there were.

    To be called before anything is written that may be newer, also by a dry run, which is to tell the truth. Now is
    what the file system calls now, which may be another machine's clock. Files from the past stay as they are: all that
    a clock set back can do is to make too much anew.
    """
    later = _files_after(results, _now(results))
    times = sorted(set(later.values()))
    place = {time: len(times) - number for number, time in enumerate(times)}
    now = _now(results)
    for path, time in later.items():
        back = now - place[time] * _STEP
        with suppress(FileNotFoundError):  # jobs that outlived a killed run rename their files
            os.utime(path, ns=(back, back))
    return len(later)


def _now(results: Path) -> int:
    """The file system's time, in nanoseconds: that of a file which is touched for it."""
    touched = results / ".now"
    touched.touch()
    time = touched.stat().st_mtime_ns
    touched.unlink()
    return time


def _files_after(results: Path, now: int) -> dict[Path, int]:
    """{file: its time} of those that are newer."""
    found = {}
    for folder in _folders(results):
        for place, _, names in os.walk(folder):
            for path in (Path(place, name) for name in names if not name.endswith(".tmp")):
                with suppress(FileNotFoundError):
                    time = path.lstat().st_mtime_ns
                    if time > now and not path.is_symlink():
                        found[path] = time
    return found


def _folders(results: Path) -> Iterator[Path]:
    """The folders that the workflow made: results may be a folder that holds other things too."""
    yield from (results / name for name in _SHARED)
    yield from (plan.parent.parent for plan in results.glob("*/plan/evaluation.json"))
