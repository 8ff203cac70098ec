"""`vidgauge compare`, run as a user runs it: the table, the cache shared with a configuration, errors, Ctrl-C."""

from __future__ import annotations

import fcntl
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.workflow.project import ROOT, Project, environment

pytestmark = pytest.mark.workflow

QUESTION = ["videos/real", "videos/a", "--metric", "looks", "--define", "define.yaml", "--cores", "2"]
TABLE = Counter(screen=1, gate=1, metric=1, table=1)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project", videos=2)
    (project.folder / "define.yaml").write_text(yaml.safe_dump(project.config["define"]))
    return project


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """vidgauge compare, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "vidgauge", "compare", *arguments],
        cwd=project.folder,
        env=environment() | {"PYTHONPATH": str(ROOT / "workflow")},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ask(project: Project, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What it writes to stdout and stderr, but for how far it is."""
    process = start(project, *arguments)
    out, err = process.communicate()
    assert process.returncode == code, out + err
    return out, re.sub(r"^compare: \d+ of \d+ steps .*\n", "", err, flags=re.MULTILINE)


NOTES = {"written.json", ".verified.json"}  # of what was looked at: no results


def made(project: Project) -> dict[Path, int]:
    """Every result but the tables, and when it was written."""
    folders = [folder for name in ("manifests", "features") for folder in (project.results / name).rglob("*")]
    return {path: path.stat().st_mtime_ns for path in folders if path.is_file() and path.name not in NOTES}


@pytest.mark.stress
def test_a_question_twice_and_then_as_a_configuration(project: Project) -> None:
    table, noise = ask(project, *QUESTION)
    (folder,) = project.results.glob("compare-*")
    assert table == f"{(folder / 'metrics.txt').read_text()}\nResults: results/{folder.name}/\n"
    assert "a against real" in table
    assert noise == ""
    before = made(project)
    assert ask(project, *QUESTION) == (table, "")
    assert made(project) == before
    assert project.run().jobs == TABLE  # another evaluation, over the same names and sources
    assert project.features().keys() == {str(path.relative_to(project.results)) for path in before if _merged(path)}


@pytest.mark.stress
def test_a_configurations_features_are_found_under_its_own_names(project: Project) -> None:
    datasets = project.config["datasets"]
    project.config |= {"reference": "truth", "datasets": {"truth": datasets["real"], "step10k": datasets["a"]}}
    project.run()
    before = {path: time for path, time in made(project).items() if _merged(path)}
    table, _ = ask(project, *QUESTION)
    assert "step10k against truth" in table
    assert {path: time for path, time in made(project).items() if _merged(path)} == before
    (file,) = project.results.glob("compare-*/config.yaml")
    project.config = yaml.safe_load(file.read_text())
    assert project.run().idle  # what it wrote is a configuration like any other


def _merged(path: Path) -> bool:
    return path.suffix == ".h5" and not path.stem.isdecimal()


def test_errors_are_those_of_the_jobs_alone(project: Project) -> None:
    (project.folder / "videos/a/v1.mp4").write_bytes(b"")
    out, err = ask(project, *QUESTION, code=1)
    assert out == ""
    log, said, *_ = err.splitlines()
    assert log.startswith("results/logs/gate/compare-")
    assert said == "vidgauge: Bad videos: 1 in a. By reason: empty 1."
    assert "rule" not in err


def test_errors_before_any_job(project: Project) -> None:
    out, err = ask(project, "videos/real", "videos/b", *QUESTION[2:], code=2)
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith(f"datasets.b: {project.folder}/videos/b: does not exist")
    project.results.mkdir(exist_ok=True)
    with (project.results / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("process 1")
        lock.flush()
        out, err = ask(project, *QUESTION, code=1)
    assert (out, len(err.splitlines())) == ("", 1)
    assert "results is in use by another run (process 1)" in err


@pytest.mark.stress
def test_a_dry_run_runs_nothing(project: Project) -> None:
    (project.folder / "default").mkdir()  # which Snakemake would take for a profile
    out, _ = ask(project, *QUESTION, "-n")
    assert "This was a dry-run" in out
    assert not list(project.results.glob("compare-*/metrics.txt"))


@pytest.mark.stress
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_leaves_nothing_behind_and_goes_on_later(project: Project, number: signal.Signals) -> None:
    process = start(project, *QUESTION)
    _wait_for(project.results / "manifests/real/shards/0.jsonl")
    process.send_signal(number)
    out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert err.endswith("vidgauge: stopped. The same command goes on where this one ended.\n")
    with (project.results / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails where Snakemake still runs
    assert not _running_in(project.folder)
    assert "a against real" in ask(project, *QUESTION)[0]


def _wait_for(path: Path, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, f"{path} was not made"
        time.sleep(0.05)


def _running_in(folder: Path) -> list[str]:
    """Processes whose working directory is a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append((process / "cmdline").read_text())
        except OSError:  # it has ended, or is another user's
            continue
    return found
