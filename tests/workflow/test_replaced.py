"""A video that is replaced after it was probed, and processes that die: named, tried again, and the right numbers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.faults import check_readable, check_same, children, processes, stopped_at, wait_until_gone
from tests.record import record
from tests.workflow.project import Project

pytestmark = [pytest.mark.workflow, pytest.mark.stress]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("untouched") / "project")
    project.run()
    return project


@pytest.fixture(scope="module")
def with_the_new_one(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("new") / "project")
    project.video("a", 2, seed=7)
    project.run()
    return project


def while_stopped(project: Project, stage: str) -> str:
    """Replace a video when jobs of a stage begin: all processes are stopped for that moment. What the run said."""

    def replace(process: int) -> None:
        os.killpg(process, signal.SIGSTOP)
        project.video("a", 2, seed=7)
        os.killpg(process, signal.SIGCONT)

    return stopped_at(project, stage, replace, after=0).text


def test_between_probing_and_decoding(with_the_new_one: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    said = while_stopped(project, "clips")
    check_readable(said)
    assert "v2.mp4" in said
    assert not (project.results / "test/metrics.json").exists()
    project.run()
    check_same(project, with_the_new_one)
    record("replaced_before_decoding", found=1)


def test_between_two_runs(with_the_new_one: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.run("--until", "gate")
    project.video("a", 2, seed=7)
    project.run()
    check_same(project, with_the_new_one)


def test_with_the_same_size_and_time(with_the_new_one: Project, tmp_path: Path) -> None:
    """No listing can see that: the video's fingerprint does, and what the message advises helps."""
    project = Project(tmp_path / "project")
    video = project.folder / "videos/a/v2.mp4"
    other = project.video("a", 2, seed=7).read_bytes()
    video.write_bytes(project.video("a", 2, seed=102).read_bytes().ljust(len(other), b"\0"))  # the old one, as long
    size = video.stat().st_size
    project.run("--until", "gate")
    before = video.stat()
    video.write_bytes(other.ljust(size, b"\0"))
    os.utime(video, ns=(before.st_atime_ns, before.st_mtime_ns))
    failed = project.run(ok=False)
    check_readable(failed.text)
    assert str(video) in failed.text
    assert not (project.results / "test/metrics.json").exists()
    video.touch()
    project.run()
    assert project.features() == with_the_new_one.features()
    assert project.value("looks", "a") == with_the_new_one.value("looks", "a")
    record("replaced_with_the_same_size_and_time", found=1)


def workers_of(project: Project) -> list[int]:
    """The processes that read videos."""
    return [process for process, words in processes(project.folder).items() if "vidgauge.contained.child" in words]


def signal_workers(project: Project, number: int, times: int) -> int:
    """Start the workflow, send that many worker processes a signal as they come, and wait. How many were met."""
    process = project.start()
    met: set[int] = set()
    while process.poll() is None and len(met) < times:
        for worker in workers_of(project):
            if worker not in met and len(met) < times:
                os.kill(worker, number)
                met.add(worker)
        time.sleep(0.01)
    text, _ = process.communicate()
    check_readable(text)
    return len(met)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_worker_that_dies_once(number: int, untouched: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    assert signal_workers(project, number, times=1) == 1
    wait_until_gone(project.folder)
    project.run()
    check_same(project, untouched)
    record(f"worker_killed_once_{signal.Signals(number).name}", same_bits=1)


def test_workers_that_die_again_and_again(untouched: Project, tmp_path: Path) -> None:
    """Twelve in one run: a video is tried again or rejected by name, and all of them count when they are touched."""
    project = Project(tmp_path / "project")
    met = signal_workers(project, signal.SIGSEGV, times=12)
    assert met
    wait_until_gone(project.folder)
    for video in (project.folder / "videos").glob("*/*"):
        video.touch()  # those that ended their reader twice were rejected: touched, they are probed again
    project.run()
    check_same(project, untouched)
    record("workers_killed", workers_killed=met, same_bits=1)


def test_a_features_job_that_dies_once_is_done_again(untouched: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")

    def crash(process: int) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for shell in children(process):
                for job in children(shell):
                    if "features" in processes(project.folder).get(job, []):
                        os.kill(job, signal.SIGSEGV)
                        return
            time.sleep(0.01)
        pytest.fail("no features job was found")

    run = stopped_at(project, "features", crash, after=0)
    assert run.code == 0, run.text
    assert run.jobs["features"] == 3
    check_same(project, untouched)
    record("features_job_killed_by_SIGSEGV", jobs_done_again=1)
