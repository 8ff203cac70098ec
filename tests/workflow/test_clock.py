"""A clock that jumped: a workflow that goes by files' times still sees every change, and makes no more than it must."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.faults import check_same
from tests.record import record
from tests.workflow.project import Project

pytestmark = [pytest.mark.workflow, pytest.mark.stress]

DAY = 24 * 3600 * 10**9  # nanoseconds
ONE_SHARD = Counter(probe=1, manifest=1, screen=1, gate=1, clips=1, features=1, merge=1, metric=1, table=1)


def shift(folder: Path, nanoseconds: int) -> int:
    """Move the times of all files, as a clock that was wrong when they were written would have them; how many."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        found = path.stat()
        os.utime(path, ns=(found.st_atime_ns + nanoseconds, found.st_mtime_ns + nanoseconds))
    return len(files)


@pytest.mark.parametrize("days", [1, -1])
def test_results_of_another_day(days: int, tmp_path: Path) -> None:
    """Written by a clock a day ahead, or behind: nothing is to be done, and a new video makes its shard stale."""
    project = Project(tmp_path / "project", shard_size=2)
    project.run()
    shifted = shift(project.results, days * DAY)
    assert project.run().idle
    project.video("a", 3, seed=7)
    assert project.run().jobs == ONE_SHARD
    assert project.run().idle
    anew = Project(tmp_path / "anew", shard_size=2)
    anew.video("a", 3, seed=7)
    anew.run()
    check_same(project, anew)
    record(f"clock_{'ahead' if days > 0 else 'behind'}", files_shifted=shifted, stale_shards_found=1)


def test_a_video_from_the_future(tmp_path: Path) -> None:
    """A video's time is compared with nothing but the time it had: a change into the future and back are two."""
    project = Project(tmp_path / "project", shard_size=2)
    shift(project.folder / "videos", DAY)
    project.run()
    assert project.run().idle
    video = project.video("a", 3, seed=7)
    shift(video.parent, 2 * DAY)
    assert project.run().jobs["features"] == 2  # both shards of the dataset: all of its times are others
    assert project.run().idle
    anew = Project(tmp_path / "anew", shard_size=2)
    anew.video("a", 3, seed=7)
    anew.run()
    assert project.features() == anew.features()


def test_a_clock_set_back_in_the_middle(tmp_path: Path) -> None:
    """What the first half wrote lies in the future of the second."""
    project = Project(tmp_path / "project", shard_size=2)
    project.run("--until", "clips", "--notemp")
    shift(project.results, DAY)
    project.run()
    assert project.run().idle
    anew = Project(tmp_path / "anew", shard_size=2)
    anew.run()
    assert project.features() == anew.features()
    assert project.rows() == anew.rows()
    record("clock_set_back_in_the_middle", runs=1)


def test_a_shard_that_is_missing_in_results_from_the_future(tmp_path: Path) -> None:
    """Snakemake looks at what is missing by the times of all that its job once made, benchmarks too."""
    project = Project(tmp_path / "project")
    project.run()
    for file in project.results.glob("features/a/*/*/0.h5"):
        file.unlink()
    shift(project.results, DAY)
    project.video("a", 3, seed=7)
    assert project.run().jobs["features"] == 1
    anew = Project(tmp_path / "anew")
    anew.video("a", 3, seed=7)
    anew.run()
    check_same(project, anew)
