"""Disks that fill up or turn read-only, and logs that cannot be written: said in words, and nothing is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import check_readable, check_same, disk, names, stopped_at
from tests.record import record
from tests.workflow.project import FRAMES, ROOT, Project, Run, environment
from vidgauge.manifest.listing import write_listing
from vidgauge.manifest.probing import probe_shard

pytestmark = pytest.mark.workflow

LARGE = {"frames": 8, "size": [240, 320]}  # 7 MB of clips for four videos
SETTINGS = {"define": {"looks": FRAMES | {"clips": LARGE}}, "keep_clips": True}
STEP = 4096  # bytes of a block of a tmpfs

STAGES = {"clips": 500_000, "features": 2 * STEP, "merge": STEP, "probe": 0, "manifest": 0, "metric": 0, "table": STEP}
"""Bytes that are left when a job of a stage begins."""


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("untouched") / "project", **SETTINGS)
    project.run()
    return project


def listing(project: Project) -> Path:
    """A listing of its only candidate video, as the workflow writes it."""
    folder = project.folder / "videos/a"
    write_listing(project.folder / "a", folder, None, 1024, probe_version=1)
    return project.folder / "a/listing/0.jsonl"


def clips_job(shard: Path, spec: str, out: Path) -> Run:
    """A job as its rule calls it, its log beside what it makes."""
    words = [sys.executable, "-m", "vidgauge", "clips", str(shard), "--spec", spec, "--out", str(out)]
    log = out.with_name("log")
    with log.open("w") as errors:
        env = environment() | {"PYTHONPATH": str(ROOT / "workflow")}
        done = subprocess.run(words, env=env, text=True, stdout=subprocess.PIPE, stderr=errors, check=False)
    return Run(done.returncode, log.read_text() + done.stdout)


def test_a_job_on_a_full_disk_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    """Also where its own log is on that disk, and where HDF5 would crash as it closes the file."""
    shard = tmp_path / "shard.jsonl"
    probe_shard(listing(Project(tmp_path / "project", videos=1)), shard, contained=False)
    spec = json.dumps({"spec": LARGE, "seed": 1, "draws": 1})
    with disk(tmp_path / "small", "4m") as small:
        out, clip = small.folder / "c.h5", 8 * 240 * 320 * 3
        refused = f"{small.folder}: no space for the clips of 1 video: it needs 2 MB more"
        for leave, said in ((3 * STEP, refused), (clip, f"{out}: No space left on device\n")):
            small.fill(leave)
            run = clips_job(shard, spec, out)
            assert (run.code, run.text.count("\n")) == (1, 1)
            assert run.text.startswith(f"vidgauge: {said}")
            assert {path.name for path in small.folder.iterdir()} == {"ballast", "log"}
            small.relieve()


@pytest.mark.stress
@pytest.mark.parametrize("stage", STAGES)
def test_a_disk_that_fills_up_in_the_middle(stage: str, untouched: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", **SETTINGS)
    with disk(project.results, "64m") as small:
        run = stopped_at(project, stage, lambda _: small.fill(STAGES[stage]), after=0)
        assert run.code != 0
        check_readable(run.text)
        assert "no space" in run.text.lower(), run.text  # before it begins, or in the middle of a file
        assert not [name for name in names(project) if name.endswith(".tmp")]
        small.relieve()
        again = project.run()
        order = ("probe", "manifest", "clips", "features", "merge", "metric", "table")
        # What was finished stays. The stage before may have been under way, for the other dataset.
        assert not set(again.jobs) & set(order[: max(0, order.index(stage) - 1)])
        check_same(project, untouched)
    record(f"disk_full_{stage}", bytes_left=STAGES[stage], jobs_done_again=again.jobs.total())


@pytest.mark.stress
def test_a_disk_too_small_is_refused_before_anything_is_decoded(untouched: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", **SETTINGS)
    with disk(project.results, "2m") as small:
        refused = project.run(ok=False)
        check_readable(refused.text)
        assert "room" in refused.text
        assert not refused.jobs
        small.resize("64m")
        project.run()
        check_same(project, untouched)
    record("disk_too_small", refused_before_any_job=1)


@pytest.mark.stress
def test_a_disk_of_a_few_blocks(tmp_path: Path) -> None:
    """Not even the listings fit."""
    project = Project(tmp_path / "project")
    with disk(project.results, "16k") as small:
        refused = project.run(ok=False)
        check_readable(refused.text)
        assert "No space left on device" in refused.text
        assert not refused.jobs
        small.resize("64m")
        project.run()
    record("disk_too_small_for_listings", refused_before_any_job=1)


def test_a_read_only_results_folder_is_refused_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", videos=1)
    with disk(project.results, "1m") as mounted:
        mounted.read_only(True)
        refused = project.run(ok=False)
        check_readable(refused.text)
        assert "Read-only file system" in refused.text
        assert not refused.jobs


@pytest.mark.stress
@pytest.mark.parametrize("stage", ["probe", "clips", "features", "metric"])
def test_a_log_that_cannot_be_written(stage: str, untouched: Project, tmp_path: Path) -> None:
    """A folder is where the log should be. It is named; nothing is lost, and without it all is well. Snakemake wants to
    show the log of a job that failed, and adds a traceback of its own."""
    project = Project(tmp_path / "project", **SETTINGS)
    log = next((untouched.results / "logs" / stage).rglob("*.log"))
    in_the_way = project.results / log.relative_to(untouched.results)
    (in_the_way / "something").mkdir(parents=True)
    failed = project.run(ok=False)
    assert str(in_the_way.relative_to(project.folder)) in failed.text
    shutil.rmtree(in_the_way)
    again = project.run()
    assert not set(again.jobs) & set(("probe", "manifest", "screen") if stage != "probe" else ())
    check_same(project, untouched)
    record(f"unwritable_log_{stage}", jobs_done_again=again.jobs.total())
