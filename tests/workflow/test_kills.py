"""Killed at random moments, asked to stop, orphaned: the same command goes on, and the bits are the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults import (
    check_readable,
    check_same,
    moments,
    processes,
    stage_of,
    stopped_after,
    stopped_at,
    to_group,
    to_main,
    wait_until_gone,
)
from tests.record import record
from tests.workflow.project import CLIPS, FRAMES, MOTION, Project

pytestmark = [pytest.mark.workflow, pytest.mark.stress]

KILLS = 15
BLOCKS = {"reduce": "frechet", "extractor": "block_motion", "array": "motion", "clips": CLIPS}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "two_extractors": {"define": {"looks": FRAMES, "blocks": BLOCKS}, "metrics": ["looks", "blocks"]},
    "shards": {"shard_size": 2, "report": True},
    "keep_clips": {"keep_clips": True, "shard_size": 2, "define": {"looks": FRAMES, "moves": MOTION}},
    "two_evaluations": {},
}


def make(folder: Path, name: str) -> list[Project]:
    """A project's evaluations, on one results folder, in the order in which they are run."""
    first = Project(folder, **CONFIGURATIONS[name])
    if name != "two_evaluations":
        return [first]
    second = Project(folder, evaluation="second", datasets=("real", "b"), define={"moves": MOTION}, metrics=["moves"])
    return [first, second]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_killed_at_random_moments_again_and_again(name: str, tmp_path: Path) -> None:
    """Every attempt goes on where the last was killed; a project that is finished is begun anew."""
    untouched = make(tmp_path / "untouched", name)
    began = time.monotonic()
    for evaluation in untouched:
        evaluation.run()
    duration = (time.monotonic() - began) / len(untouched)

    seed = list(CONFIGURATIONS).index(name)
    killed: Counter[str] = Counter()
    rounds = 0
    projects = make(tmp_path / f"round{rounds}", name)
    for number, seconds in enumerate(moments(2 * KILLS, duration, seed)):
        run = stopped_after(projects[number % len(projects)], seconds)
        if run.code == -signal.SIGKILL:
            killed[stage_of(run)] += 1
            wait_until_gone(projects[0].folder)
        else:
            assert run.code == 0, run.text
            check_all(projects, untouched)
            rounds += 1
            projects = make(tmp_path / f"round{rounds}", name)
        if killed.total() == KILLS:
            break
    assert killed.total() == KILLS, killed
    check_all(projects, untouched)
    stages = ", ".join(f"{stage} {count}" for stage, count in killed.most_common())
    record(f"kills_{name}", kills=KILLS, while_running=stages, evaluations_compared=(rounds + 1) * len(projects))


def check_all(projects: list[Project], untouched: list[Project]) -> None:
    """Finish every evaluation and compare it with one that nothing happened to."""
    for project in projects:
        project.run()
        assert not list(project.folder.glob(".snakemake/locks/*"))
    for project, other in zip(projects, untouched, strict=True):
        check_same(project, other)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("untouched") / "project")
    project.run()
    return project


ASKED: dict[str, Callable[[int], None]] = {
    "ctrl_c": to_group(signal.SIGINT),
    "sigterm_group": to_group(signal.SIGTERM),
    "sigterm_main": to_main(signal.SIGTERM),
}


@pytest.mark.parametrize("name", ASKED)
def test_asked_to_stop(name: str, untouched: Project, tmp_path: Path) -> None:
    """Ctrl-C, `kill`, and what a batch system sends before its time limit."""
    stages = ("probe", "screen", "clips", "features", "metric")
    done, endless = 0, 0
    for stage in stages:
        project = Project(tmp_path / stage)
        try:
            run = stopped_at(project, stage, ASKED[name], after=0.6)
        except subprocess.TimeoutExpired:  # Snakemake does not always end, and was killed for it
            endless += 1
        else:
            done += run.code == 0  # the signal came too late, in the last job
            assert "/vidgauge/" not in tracebacks(run.text), run.text
        wait_until_gone(project.folder)
        project.run()
        check_same(project, untouched)
    assert done + endless < len(stages)
    record(name, stages=", ".join(stages), came_too_late=done, did_not_end=endless)


def tracebacks(text: str) -> str:
    """The lines of tracebacks, but those of the package's first import: nothing of ours can answer a signal by then."""
    lines = [line for line in text.splitlines() if line.startswith('  File "')]
    return "\n".join(line for line in lines if "/vidgauge/__init__.py" not in line)


@pytest.mark.parametrize("stage", ["probe", "clips", "features", "merge"])
def test_orphans_of_a_killed_run_do_no_harm(stage: str, untouched: Project, tmp_path: Path) -> None:
    """Only the main process is killed; its jobs run on, while the same command does the same jobs."""
    project = Project(tmp_path / "project")
    orphans: list[dict[int, list[str]]] = []

    def kill(process: int) -> None:
        to_main(signal.SIGKILL)(process)
        orphans.append(processes(project.folder))

    run = stopped_at(project, stage, kill)
    assert run.code == -signal.SIGKILL
    assert orphans[0]
    project.run()
    wait_until_gone(project.folder)
    project.run()
    check_same(project, untouched)
    record(f"orphans_{stage}", orphans=len(orphans[0]))


def test_a_second_evaluation_waits_its_turn_and_looking_is_allowed(untouched: Project, tmp_path: Path) -> None:
    """Two configurations on one results folder, and -n in the middle of a run, which changes nothing."""
    project = Project(tmp_path / "project")
    other = Project(tmp_path / "project", evaluation="other", define={"moves": MOTION}, metrics=["moves"])
    other_file = project.folder / "other.yaml"
    other_file.write_text(json.dumps(other.config))
    process = project.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip().removeprefix("local") == "rule features:":
                break
        os.killpg(process.pid, signal.SIGSTOP)
        refused = project.run("--configfile", str(other_file), ok=False)
        check_readable(refused.text)
        assert "in use by another run" in refused.text
        assert not refused.jobs
        assert project.run("-n").code == 0
        unknown = project.run("-n", "--configfile", str(other_file), ok=False)  # never listed
        check_readable(unknown.text)
        assert "nothing is known of this evaluation yet" in unknown.text
    finally:
        os.killpg(process.pid, signal.SIGCONT)
    process.communicate()
    assert process.returncode == 0
    assert project.rows() == untouched.rows()
    assert not set(project.run("--configfile", str(other_file)).jobs) & {"probe", "clips", "features"}
    record("two_runs_at_once", refused=1, dry_runs_in_between=2)
