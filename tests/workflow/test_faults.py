"""Kills, two runs at once, and every kind of bad video: nothing is lost, nothing passes in silence."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.make_videos import cut, spoil
from tests.workflow.project import CLIPS, FRAMES, ROOT, Project, digest, environment
from vidgauge.store.merge import merge

pytestmark = pytest.mark.workflow

STAGES = [
    "features",
    *(pytest.param(stage, marks=pytest.mark.stress) for stage in ("probe", "manifest", "screen", "gate", "clips")),
    *(pytest.param(stage, marks=pytest.mark.stress) for stage in ("merge", "metric", "table")),
]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("untouched") / "project")
    project.run()
    return project


def kill_at(project: Project, stage: str) -> str:
    """Start the workflow and SIGKILL its whole process group as soon as a job of that stage has begun."""
    process = project.start()
    seen = []
    assert process.stdout is not None
    for line in process.stdout:
        seen.append(line)
        if line.strip().removeprefix("local") in (f"rule {stage}:", f"checkpoint {stage}:"):
            time.sleep(0.15)  # into the job
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL, "".join(seen)
    return "".join(seen)


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_any_stage_then_the_same_command(stage: str, untouched: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    kill_at(project, stage)
    project.run()
    assert project.features() == untouched.features()
    assert project.rows() == untouched.rows()
    assert not [path for path in project.results.rglob("*") if path.name.endswith(".tmp") and "listing" in str(path)]


def test_features_that_run_without_clips_make_them_again(untouched: Project, tmp_path: Path) -> None:
    """Snakemake may rerun finished features for a reason of its own; their clips are long gone."""
    (merged,) = (untouched.results / "features/a").glob("*/*.h5")
    shard = untouched.results / "manifests/a/shards/0.jsonl"
    asked = json.dumps({"spec": CLIPS, "seed": 42, "draws": 1})
    command = [
        sys.executable,
        "-m",
        "vidgauge",
        "features",
        "--extractor",
        "pixel_grid",
        "--out",
        str(tmp_path / "0.h5"),
    ]
    env = environment() | {"PYTHONPATH": str(ROOT / "workflow")}
    subprocess.run([*command, "--videos", str(shard), "--spec", asked], env=env, check=True)
    merge([tmp_path / "0.h5"], tmp_path / "merged.h5")
    assert digest(tmp_path / "merged.h5") == digest(merged)
    refused = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert (refused.returncode, "no clips files" in refused.stderr) == (1, True)


def test_two_runs_at_once_are_refused_in_one_sentence(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    process = project.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(("rule probe:", "localrule probe:")):
                break
        os.killpg(process.pid, signal.SIGSTOP)
        second = project.run(ok=False)
        assert "in use by another run" in second.text
        assert "Traceback" not in second.text
        assert not second.jobs
        assert project.run("-n").code == 0  # looking is allowed
    finally:
        os.killpg(process.pid, signal.SIGCONT)
    process.communicate()
    assert process.returncode == 0


def bad_manifest(project: Project, dataset: str) -> list[str]:
    """Every kind of bad video among the good ones of a dataset; returns the reasons that must be found."""
    folder = project.folder / "videos" / dataset
    good = sorted(path.name for path in folder.glob("*.mp4"))
    (folder / "empty.mp4").touch()
    (folder / "noise.mp4").write_bytes(b"no video at all " * 400)
    (folder / "folder.mp4").mkdir()
    cut(folder / good[0], folder / "cut.mp4")
    entries = [*good, "empty.mp4", "noise.mp4", "folder.mp4", "cut.mp4", "gone.mp4", good[1], "../../outside.mp4"]
    lines = [json.dumps({"videos": [name]}) for name in entries] + ["{not json", '{"text": "no videos"}']
    (folder / "list.jsonl").write_text("\n".join(lines) + "\n")
    project.config["datasets"][dataset] = {"source": str(folder / "list.jsonl"), "root": str(folder)}
    return [
        "empty",
        "not-a-video",
        "folder",
        "truncated",
        "missing",
        "duplicate",
        "outside-root",
        "not-json",
        "no-videos-key",
    ]


def test_all_bad_videos_of_all_datasets_in_one_run(untouched: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    reasons = {name: bad_manifest(project, name) for name in ("real", "a")}
    failed = project.run(ok=False)
    assert not set(failed.jobs) & {"clips", "features", "metric"}
    rejected = [json.loads(line) for line in (project.results / "test/rejected.jsonl").read_text().splitlines()]
    for dataset, wanted in reasons.items():
        found = [bad for bad in rejected if bad["dataset"] == dataset]
        assert sorted(bad["reason"] for bad in found) == sorted(wanted)
        assert all(bad["line"] and bad["detail"] for bad in found)
        assert all(bad["path"] for bad in found if bad["reason"] not in ("not-json", "no-videos-key"))
    for reason in reasons["real"]:
        assert reason in failed.text, reason

    project.config["bad_videos"] = {"action": "reject"}
    project.run()
    assert project.rows() == untouched.rows()
    project.config["bad_videos"] = {"action": "reject", "max_fraction": 0.1}
    assert "max_fraction" in project.run(ok=False).text


@pytest.mark.stress
def test_damage_that_only_decoding_shows(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", videos=4)
    path = project.folder / "videos/a/v0.mp4"
    whole = path.with_name("whole")
    shutil.copy(path, whole)
    spoil(whole, path, start=0.55, share=0.2)
    whole.unlink()
    failed = project.run(ok=False)
    assert "v0.mp4" in failed.text
    project.config["bad_videos"] = {"action": "reject"}
    project.run()
    (row,) = project.rows()
    assert row["videos_candidate"] == 3
    assert row["n_reference"] == 16


@pytest.mark.stress
def test_too_short_for_one_evaluation_is_fine_for_another(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", videos=3)
    project.video("a", 9, seed=9, length=3)
    failed = project.run(ok=False)
    assert "too-short" in failed.text
    assert "v9.mp4" in failed.text
    project.config["define"]["looks"] = FRAMES | {"clips": {"frames": 3, "size": [24, 32]}}
    project.config["evaluation"] = "shorter"
    project.run()
    assert project.rows()[0]["videos_candidate"] == 4


def test_disk_full_is_one_paragraph(untouched: Project, tmp_path: Path) -> None:
    """A file size limit stands in for a full disk: the write fails in the same way, in the middle of a file."""
    shard = untouched.results / "manifests/a/shards/0.jsonl"
    spec = json.dumps({"spec": {"frames": 8, "size": [480, 640]}, "seed": 1, "draws": 1})
    command = (
        f"ulimit -f 100; trap '' XFSZ; {sys.executable} -m vidgauge clips {shard} --spec '{spec}' --out {tmp_path}/c.h5"
    )
    env = environment() | {"PYTHONPATH": str(ROOT / "workflow")}
    done = subprocess.run(["bash", "-c", command], env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"vidgauge: {tmp_path}/c.h5: File too large\n"
    assert not list(tmp_path.glob("*c.h5*"))
