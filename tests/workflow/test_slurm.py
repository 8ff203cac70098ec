"""The workflow on a SLURM cluster of one node, through profiles/slurm: the bits of a local run, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.slurm import Cluster, cluster
from tests.stand_ins import networks
from tests.workflow.project import CLIPS, FRAMES, ROOT, Project, digest
from tests.workflow.test_demo import results

__all__ = ["cluster"]  # a fixture

pytestmark = pytest.mark.workflow

PROFILE = ["--workflow-profile", str(ROOT / "profiles/slurm")]
# A test has no other node's file system to wait for, and asks soon how a job is.
HASTE = ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"]


class Submitted(Project):
    """A project whose jobs go to SLURM, as long as `on_slurm` is true."""

    on_slurm = True

    def command(self, *arguments: str) -> list[str]:
        if not self.on_slurm:
            return super().command(*arguments)
        common = super().command()
        return [*common[: common.index("--cores")], *PROFILE, *HASTE, *arguments]


@pytest.fixture(autouse=True)
def submit_node(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)


@dataclass(frozen=True)
class Unfinished:
    """A project whose clips are made, the features that are wanted of it, and the digests that they are to have."""

    project: Submitted
    wanted: tuple[str, ...]
    bits: dict[str, str]


@pytest.fixture(scope="module")
def made_here(tmp_path_factory: pytest.TempPathFactory) -> Unfinished:
    project = Submitted(tmp_path_factory.mktemp("unfinished") / "project", keep_clips=True)
    project.on_slurm = False
    project.run()
    project.on_slurm = True
    bits = project.features()
    return Unfinished(project, tuple(f"results/{file}" for file in bits), bits)


@pytest.fixture
def unfinished(made_here: Unfinished) -> Unfinished:
    for path in (made_here.project.results / "features").rglob("*.h5"):
        path.unlink()
    return made_here


def submitted(cluster: Cluster, already: int) -> list[str]:
    """The calls of sbatch after the first ones."""
    return cluster.calls("sbatch")[already:]


def test_jobs_on_slurm_make_what_local_ones_make(cluster: Cluster, tmp_path: Path) -> None:
    project = Submitted(tmp_path / "project")
    shards = [f"results/manifests/{name}/shards/0.jsonl" for name in ("a", "real")]
    run = project.run(*shards, "--set-resources", "probe:gpu=1")
    assert run.jobs == {"probe": 2}
    assert "Traceback" not in run.text
    assert all("--mem 4000 " in call and "--gpus=1 " in call for call in cluster.calls("sbatch")[-2:])
    steps = cluster.calls("srun")[-2:]
    assert sorted(step.split()[0] for step in steps) == ["CUDA_VISIBLE_DEVICES=0", "CUDA_VISIBLE_DEVICES=1"]
    made = [(project.folder / shard).read_text() for shard in shards]
    for shard in shards:
        (project.folder / shard).unlink()
    project.on_slurm = False
    project.run(*shards)
    assert [(project.folder / shard).read_text() for shard in shards] == made


def running(cluster: Cluster) -> str:
    """The number of a job that runs."""
    for _ in range(600):
        if numbers := cluster.ask("squeue", "--noheader", "--states=RUNNING", "--format=%i").split():
            return numbers[0]
        time.sleep(0.1)
    raise AssertionError("no job runs")


@pytest.fixture
def started(unfinished: Unfinished) -> Iterator[list[subprocess.Popen[str]]]:
    """What a test started, ended with it."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.stress
def test_a_cancelled_job_is_tried_again_with_more_memory(
    unfinished: Unfinished, cluster: Cluster, started: list[subprocess.Popen[str]]
) -> None:
    before = len(cluster.calls("sbatch"))
    started.append(unfinished.project.start(*unfinished.wanted))
    cluster.ask("scancel", running(cluster))
    text, _ = started[0].communicate()
    assert started[0].returncode == 0, text
    assert "CANCELLED" in text
    assert unfinished.project.features() == unfinished.bits
    calls = [call for call in submitted(cluster, before) if "--comment rule_features" in call]
    *first, second = calls
    assert [("--mem 16000 " in call, "-t 240 " in call) for call in first] == [(True, True)] * 2
    assert ("--mem 32000 " in second, "-t 480 " in second) == (True, True)


@pytest.mark.stress
def test_after_a_kill_of_snakemake_the_same_command_finishes(
    unfinished: Unfinished, cluster: Cluster, started: list[subprocess.Popen[str]]
) -> None:
    """Its jobs go on, and may finish what the next run has begun: with the same bits."""
    started.append(unfinished.project.start(*unfinished.wanted))
    running(cluster)
    os.killpg(started[0].pid, signal.SIGKILL)
    unfinished.project.run(*unfinished.wanted)
    assert unfinished.project.features() == unfinished.bits


@pytest.mark.stress
def test_a_job_that_fails_says_why(cluster: Cluster, tmp_path: Path) -> None:
    project = Submitted(tmp_path / "project")
    project.video("a", 9, seed=9).write_bytes(b"no video at all " * 400)
    project.on_slurm = False
    project.run("--until", "screen")
    project.on_slurm = True
    failed = project.run("--retries", "0", ok=False)
    assert "Error in checkpoint gate" in failed.text or "Error in rule gate" in failed.text
    assert "not-a-video" in failed.text
    assert "v9.mp4" in failed.text
    assert set(failed.jobs) == {"gate"}


@pytest.mark.stress
def test_a_whole_run_and_what_it_asks_for(cluster: Cluster, tmp_path: Path) -> None:
    """A network asks for a GPU, which nobody has here; what needs none asks for none. Shards may go as arrays."""
    network = {"reduce": "frechet", "extractor": "stand_in_frame", "clips": CLIPS}
    config = {
        "metrics": ["looks", "seen"],
        "define": {"looks": FRAMES, "seen": network},
        "extractors": {"stand_in_frame": networks(tmp_path)["stand_in_frame"]},
        "shard_size": 2,
    }
    local, remote = Project(tmp_path / "local", **config), Submitted(tmp_path / "remote", **config)
    here = local.run()
    before = len(cluster.calls("sbatch"))
    run = remote.run("--jobs", "1000", "--slurm-array-jobs", "probe, clips")
    assert remote.features() == local.features()
    assert remote.rows() == local.rows()
    assert run.jobs == here.jobs
    calls = submitted(cluster, before)
    assert sum("--array=1-" in call for call in calls) >= 2
    assert len(calls) < sum(run.jobs.values())
    features = [call for call in calls if "--comment rule_features" in call]
    assert [("--gpus=1 " in call) for call in features] == [("stand_in" in call) for call in features]
    assert sum("--gpus=" in call for call in calls) == run.jobs["features"] // 2
    assert remote.run().idle
    wanted = [f"results/{file}" for file in remote.features()]
    for path in (remote.results / "features").rglob("*.h5"):
        path.unlink()
    remote.config["device"] = "cpu"
    before = len(cluster.calls("sbatch"))
    assert remote.run(*wanted).jobs["features"] == 8
    assert not any("--gpus=" in call for call in submitted(cluster, before))
    assert remote.features() == local.features()


@pytest.mark.stress
def test_the_demo_on_slurm_is_the_demo_here(cluster: Cluster, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    expected = results(here, videos=8)
    assert results(there, *PROFILE, *HASTE, "--cores", "64", videos=8)["results"] == expected["results"]
    files = sorted(path.relative_to(here) for path in (here / "results/features").glob("*/*/*.h5"))
    assert files
    assert [digest(there / file) for file in files] == [digest(here / file) for file in files]
