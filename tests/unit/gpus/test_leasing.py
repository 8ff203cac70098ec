"""One GPU for one job at a time: real processes, real locks, GPUs that a program on PATH makes up."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Timer
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.gpus.machine import Machine
from vidgauge.errors import VidgaugeError
from vidgauge.gpus import Gpu, lease, leasing
from vidgauge.gpus.leasing import preferred

WORKFLOW = Path(leasing.__file__).parents[2]

HOLD = """
import os, sys
from vidgauge.gpus import lease, leasing
leasing.POLL = 0.05
with lease():
    print(os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
    {inside}
    sys.stdin.read()
"""

FORK = """
    child = os.fork()
    if not child:
        os.closerange(0, 3)  # so that nobody waits for it but this test
        time.sleep(600)
    print(child, flush=True)
"""

PATIENCE = 60.0
"""Seconds that a job lives at most."""

Job = subprocess.Popen[str]


@pytest.fixture
def start(machine: Machine) -> Iterator[Callable[..., Job]]:
    """Start a job that leases a GPU, prints it, and holds it until its input ends."""
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with ExitStack() as stack:

        def job(inside: str = "pass", **environ: str) -> Job:
            env = {**machine.environment, "PYTHONPATH": str(WORKFLOW), **environ}
            code = HOLD.format(inside=inside)
            found = stack.enter_context(subprocess.Popen([sys.executable, "-c", code], env=env, text=True, **pipes))
            stack.callback(found.kill)
            limit = Timer(PATIENCE, found.kill)  # a lease that is never given back must fail, not hang
            limit.start()
            stack.callback(limit.cancel)
            return found

        yield job


def line(stream: Any) -> str:
    return stream.readline().strip()


def test_four_jobs_have_four_gpus_and_a_fifth_that_of_one_that_was_killed(
    machine: Machine, start: Callable[..., Job]
) -> None:
    machine.has([0, 0, 0, 0])
    jobs = [start() for _ in range(4)]
    gpus = [line(job.stdout) for job in jobs]
    assert sorted(gpus) == ["GPU-0", "GPU-1", "GPU-2", "GPU-3"]
    fifth = start()
    said = line(fifth.stderr)
    assert said.startswith("vidgauge: waiting for a GPU: jobs of this user (processes ")
    assert all(f"{job.pid}" in said for job in jobs)
    jobs[2].kill()
    assert line(fifth.stdout) == gpus[2]
    assert fifth.communicate("")[1] == ""  # it is said once


def test_a_child_does_not_keep_the_lease_of_a_job_that_was_killed(machine: Machine, start: Callable[..., Job]) -> None:
    machine.has([0])
    job = start(f"import time{FORK}")
    assert line(job.stdout) == "GPU-0"
    child = int(line(job.stdout))
    try:
        job.kill()
        job.wait()
        os.kill(child, 0)  # it lives
        after = start()
        assert line(after.stdout) == "GPU-0"
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def test_a_job_on_gpus_of_its_own_does_not_wait(machine: Machine, start: Callable[..., Job]) -> None:
    """As on SLURM, where each job is told which ones are its own."""
    machine.has([0, 0, 0])
    assert line(start(CUDA_VISIBLE_DEVICES="2").stdout) == "GPU-2"
    assert line(start(CUDA_VISIBLE_DEVICES="GPU-1,GPU-2").stdout) == "GPU-1"
    assert line(start(CUDA_VISIBLE_DEVICES="2,0").stdout) == "GPU-0"


def gpu(used: int, processes: dict[int, int | None] | None = None, index: int = 0) -> Gpu:
    return Gpu(f"GPU-{index}", index, "x", used, 80000, processes or {})


def test_preferred() -> None:
    idle, emptier, desktop = gpu(500), gpu(4, index=1), gpu(900, index=2)
    full, computed = gpu(70000, {7: 69000}, 3), gpu(4000, {8: 3900}, 4)
    asked = [full, idle, computed, emptier, desktop]
    assert preferred(asked) == [emptier, idle, desktop, computed, full]
    assert preferred(asked, ours={8}) == [emptier, idle, desktop, computed, full]
    assert preferred([full, computed], ours={7, 8})[0] == computed
    assert preferred([gpu(2000, {8: 1900}), gpu(1500, {7: 10}, 1)], ours={8})[0].index == 0
    assert preferred([Gpu("1"), Gpu("0")]) == [Gpu("1"), Gpu("0")]


@pytest.mark.parametrize(
    ("used", "processes", "taken", "warned"),
    [
        ([0, 0, 0], "", 0, None),
        ([0, 300, 0], "GPU-0, 7, [N/A]\n", 2, None),
        ([9000, 0], "", 1, None),
        (
            [9000, 60000],
            "GPU-0, 7, 4000\nGPU-0, 8, 4000\nGPU-1, 9, 59000\n",
            0,
            "9000 of 80000 MiB, 2 processes",
        ),
        (
            [0],
            "GPU-0, 7, 0\n",
            0,
            "0 of 80000 MiB, 1 process",
        ),
        (
            [2000],  # as in a container, where processes outside it are not seen
            "",
            0,
            "2000 of 80000 MiB, unseen processes",
        ),
    ],
)
def test_what_others_use_is_taken_last(
    machine: Machine, used: list[int], processes: str, taken: int, warned: str | None
) -> None:
    machine.has(used, processes)
    said: list[str] = []
    with lease(say=said.append) as found:
        assert found is not None
        assert found.index == taken
    text = f"GPU 0 (NVIDIA H100, GPU-0) is used by others as well, and no GPU is free of them: {warned}"
    assert said == ([text] if warned else [])


def test_the_job_before_is_no_stranger(machine: Machine, start: Callable[..., Job]) -> None:
    """While it ends it still has memory; its lock is free already, or this one could not be here."""
    machine.has([0])
    job = start()
    assert line(job.stdout) == "GPU-0"
    job.communicate("")
    machine.has([5000], f"GPU-0, {job.pid}, 4500\n")
    with lease(say=lambda text: pytest.fail(text)) as found:
        assert found is not None


def test_what_it_changes_is_put_back(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.has([0, 0])
    with lease():
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-0"
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    seen = []
    with pytest.raises(ZeroDivisionError), lease():
        seen.append(1 / (os.environ["CUDA_VISIBLE_DEVICES"] != "GPU-1"))
    assert (os.environ["CUDA_VISIBLE_DEVICES"], seen) == ("1,0", [])
    with lease() as again:
        assert again is not None
        assert again.id == "GPU-1"


@pytest.mark.parametrize(("device", "uses_gpu"), [("cpu", True), ("auto", False), ("cuda:1", True)])
def test_no_lease_where_no_gpu_is_to_be_chosen(machine: Machine, device: str, uses_gpu: bool) -> None:
    machine.has([0])
    with lease(device, uses_gpu) as found:
        assert found is None
        assert "CUDA_VISIBLE_DEVICES" not in os.environ
    assert not list(machine.locks.iterdir())


def test_no_lease_where_it_is_too_late(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.has([0, 0])
    with lease() as outer, lease() as inner:
        assert outer is not None
        assert inner is None
        assert os.environ["CUDA_VISIBLE_DEVICES"] == outer.id
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: True)))
    with lease() as found:
        assert found is None


def test_no_gpus_change_nothing(machine: Machine) -> None:
    machine.has([])
    with lease() as found:
        assert found is None
    assert not list(machine.locks.iterdir())


def test_an_id_is_no_path(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.has([0])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-../../../x")
    with lease():
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "MIG-../../../x"
        (folder,) = machine.locks.iterdir()
        assert [path.name for path in folder.iterdir()] == ["MIG-_________x"]


@pytest.mark.parametrize("wrong", ["open", "link", "file"])
def test_a_folder_that_others_could_change_is_refused(machine: Machine, wrong: str) -> None:
    machine.has([0])
    folder = machine.locks / f"vidgauge-gpus-{os.getuid()}"
    if wrong == "open":
        folder.mkdir()
        folder.chmod(0o770)
    elif wrong == "link":
        (machine.folder / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(machine.folder / "elsewhere")
    else:
        folder.touch(0o600)
    with pytest.raises(VidgaugeError, match=rf"{folder}: is no folder that this user alone can change"), lease():
        pass


def test_a_link_in_the_place_of_a_lock_is_not_followed(machine: Machine) -> None:
    machine.has([0])
    with lease():
        pass
    (folder,) = machine.locks.iterdir()
    (folder / "GPU-0").unlink()
    (folder / "GPU-0").symlink_to(machine.folder / "victim")
    with pytest.raises(OSError, match="GPU-0"), lease():
        pass
    assert not (machine.folder / "victim").exists()


def test_a_wait_ends_when_the_gpu_is_given_back(machine: Machine, monkeypatch: pytest.MonkeyPatch, start: Any) -> None:
    machine.has([0])
    job = start()
    assert line(job.stdout) == "GPU-0"
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            job.communicate("")

    monkeypatch.setattr(leasing, "time", SimpleNamespace(sleep=sleep))
    said: list[str] = []
    with lease(say=said.append) as found:
        assert found is not None
    assert slept == [leasing.POLL] * 2
    name = "GPU 0 (NVIDIA H100, GPU-0)"
    assert said == [
        f"waiting for a GPU: jobs of this user (processes {job.pid}) have all that this one may use: {name}"
    ]


@pytest.mark.gpu
def test_a_real_gpu() -> None:
    """In a process of its own, for CUDA must not have started: it then shows the leased GPU alone."""
    if shutil.which("nvidia-smi") is None:
        pytest.skip("no nvidia-smi")
    code = """
from vidgauge.gpus import lease
with lease("cuda") as gpu:
    import torch
    torch.zeros(1, device="cuda")
    print(torch.cuda.device_count(), gpu.id, torch.cuda.get_device_properties(0).uuid)
"""
    env = {**os.environ, "PYTHONPATH": str(WORKFLOW)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    count, leased, seen = done.stdout.split()
    assert count == "1"
    assert leased.removeprefix("GPU-") == seen.removeprefix("GPU-")
