"""Faults on purpose: kills at chosen and random moments, disks that are full or read-only, and what must hold after."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.workflow.project import Project, Run

BEGINS = re.compile(r"^(?:local)?(?:rule|checkpoint) (\w+):$", re.MULTILINE)
PATIENCE = 120
"""Seconds in which what was killed must be gone."""


# Kills ---------------------------------------------------------------------------------------------------------------


def moments(count: int, duration: float, seed: int) -> list[float]:
    """Random times in (0, duration), spread over all of it: one in each of `count` equal parts, in random order."""
    rng = random.Random(seed)  # noqa: S311 - for tests
    times = [(part + rng.random()) * duration / count for part in range(count)]
    rng.shuffle(times)
    return times


def stopped_after(project: Project, seconds: float, *arguments: str, number: int = signal.SIGKILL) -> Run:
    """Start the workflow and send its whole process group a signal after a time, unless it ends before."""
    process = project.start(*arguments)
    try:
        text, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, number)
        text, _ = process.communicate(timeout=PATIENCE)
    return Run(process.returncode, text)


def stopped_at(
    project: Project, stage: str, stop: Callable[[int], object], *arguments: str, after: float = 0.15, **more: str
) -> Run:
    """Start the workflow, call `stop` with its process id as soon as a job of that stage has begun, and wait.

    after: seconds into the job. more: environment variables. Fails where the run ends without such a job.
    """
    process = project.start(*arguments, **more)
    seen: list[str] = []
    assert process.stdout is not None
    try:
        for line in process.stdout:
            seen.append(line)
            if BEGINS.findall(line) == [stage]:
                time.sleep(after)
                stop(process.pid)
                break
        else:
            pytest.fail(f"no job of {stage}:\n{''.join(seen)}")
        text, _ = process.communicate(timeout=PATIENCE)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Run(process.returncode, "".join(seen) + text)


def to_group(number: int) -> Callable[[int], None]:
    """Send a signal to a process and all that it started."""
    return lambda process: os.killpg(process, number)


def to_main(number: int) -> Callable[[int], None]:
    """Send a signal to a process alone."""
    return lambda process: os.kill(process, number)


def stage_of(run: Run) -> str:
    """The stage that began last, "start" before the first."""
    return BEGINS.findall(run.text)[-1] if BEGINS.search(run.text) else "start"


# Processes -----------------------------------------------------------------------------------------------------------


def processes(folder: Path) -> dict[int, list[str]]:
    """The words of every running process that works in a folder or names it: {process id: words}."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if str(folder) in str((entry / "cwd").readlink()) or any(str(folder) in word for word in words):
                found[int(entry.name)] = words
        except OSError:  # it has ended, or is a zombie: what was killed and not yet waited for
            continue
    return found


def wait_until_gone(folder: Path) -> None:
    """Wait for the end of all processes of a folder. Fails where some stay."""
    until = time.monotonic() + PATIENCE
    while left := processes(folder):
        assert time.monotonic() < until, left
        time.sleep(0.1)


def children(process: int) -> list[int]:
    """The processes that a process started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            name_and_rest = entry.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(name_and_rest[1]) == process:
            found.append(int(entry.parent.name))
    return found


# What must hold after a fault ----------------------------------------------------------------------------------------


def names(project: Project) -> set[str]:
    """Every file in the results folder, and every folder with a hidden name; but logs, and what only saves time."""
    paths = [path for path in project.results.rglob("*") if path.is_file() or path.name.startswith(".")]
    found = {str(path.relative_to(project.results)) for path in paths}
    return {name for name in found if not name.startswith(("logs/", "benchmarks/", "features/.verified.json"))}


def check_same(project: Project, untouched: Project) -> None:
    """The same bits and the same files as a run that nothing happened to, and no process left."""
    assert project.features() == untouched.features()
    assert project.rows() == untouched.rows()
    assert names(project) == names(untouched)
    wait_until_gone(project.folder)


def check_readable(text: str) -> None:
    """No traceback, no crash: what went wrong is said in words."""
    for bad in ("Traceback (most recent call last)", "Segmentation fault", "core dumped", "terminate called"):
        assert bad not in text, text


# Disks ---------------------------------------------------------------------------------------------------------------


class Disk:
    """A small disk of its own at a folder: a tmpfs, which fills up, grows and turns read-only as real ones do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ballast = folder / "ballast"

    def resize(self, size: str) -> None:
        self._mount("-o", f"remount,size={size}", str(self.folder))

    def fill(self, leave: int) -> None:
        """Let another's file take all space but `leave` bytes."""
        with self.ballast.open("ab") as file:
            while (size := self.free() - leave) > 0:
                with suppress(OSError):  # a job has taken some of it in between
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)

    def relieve(self) -> None:
        """Remove that file."""
        self.ballast.unlink()

    def free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def read_only(self, on: bool) -> None:
        """Turn it, where no file there is open for writing."""
        self._mount("-o", f"remount,{'ro' if on else 'rw'}", str(self.folder))

    @staticmethod
    def _mount(*arguments: str) -> None:
        subprocess.run(["mount", *arguments], check=True, capture_output=True)


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Disk]:
    """Mount a disk of a size ("4m") at a folder. Skips the test where that needs rights which are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "vidgauge-test", str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no program `mount` here")
    if done.returncode:
        pytest.skip(f"no disk of its own can be mounted: {done.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        wait_until_gone(folder)
        subprocess.run(["umount", str(folder)], check=True)
