"""The same numbers to the last bit, however the work is cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.workflow.project import MOTION, Project

pytestmark = pytest.mark.workflow

LITE0 = {
    "reduce": "frechet",
    "extractor": "efficientnet_lite0",
    "array": "motion",
    "clips": {"frames": 4, "size": [64, 64]},
}


def make(folder: Path, *, lines: str, shard_size: int, define: dict) -> Project:
    """The same videos, listed in some order and cut into some number of shards."""
    project = Project(folder, videos=4, define=define, metrics=list(define), shard_size=shard_size)
    for name in ("real", "a"):
        names = sorted(path.name for path in (folder / "videos" / name).glob("*.mp4"))
        ordered = {"forward": names, "backward": names[::-1]}[lines]
        source = folder / "videos" / name / "list.jsonl"
        source.write_text("".join(json.dumps({"videos": [name]}) + "\n" for name in ordered))
        project.config["datasets"][name] = {"source": str(source)}
    return project


@pytest.mark.parametrize(
    "define",
    [
        pytest.param({"motion": MOTION}, id="pixel_grid", marks=pytest.mark.stress),
        pytest.param({"lite0": LITE0}, id="efficientnet_lite0", marks=pytest.mark.stress),
    ],
)
def test_shards_cores_and_order_change_no_bit(define: dict, tmp_path: Path) -> None:
    one = make(tmp_path / "one", lines="forward", shard_size=1024, define=define)
    four = make(tmp_path / "four", lines="backward", shard_size=1, define=define)
    assert one.run("--cores", "1").jobs["features"] == 2
    assert four.run("--cores", "2").jobs["features"] > 4
    assert one.features() == four.features()
    assert one.rows() == four.rows()


@pytest.mark.stress
def test_samples_draws_and_rejects_know_no_shards(tmp_path: Path) -> None:
    """Few videos, more samples than there are first draws, and some videos too short for a clip."""
    define = {"motion": MOTION | {"samples": 7}, "few": MOTION | {"samples": 3}}
    projects = [
        make(tmp_path / name, lines="forward", shard_size=size, define=define)
        for name, size in (("one", 99), ("many", 2))
    ]
    for project in projects:
        project.config["bad_videos"] = {"action": "reject"}
        for number in (0, 3):
            project.video("a", number, seed=number, length=2)
        project.run()
    one, many = (project.rows() for project in projects)
    assert one == many
    assert [row["videos_candidate"] for row in one] == [2, 2]


@pytest.mark.stress
def test_the_order_of_a_manifest_is_no_change(tmp_path: Path) -> None:
    project = make(tmp_path / "project", lines="forward", shard_size=2, define={"motion": MOTION})
    project.run()
    source = tmp_path / "project/videos/a/list.jsonl"
    source.write_text("".join(sorted(source.read_text().splitlines(keepends=True), reverse=True)))
    run = project.run()
    assert not set(run.jobs) & {"probe", "clips", "features", "merge", "metric"}
