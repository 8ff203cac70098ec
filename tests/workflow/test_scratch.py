"""Decoded clips on the disk: few at a time, and refused before the run where they cannot fit."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

import pytest

from tests.workflow.project import FRAMES, MOTION, Project

pytestmark = pytest.mark.workflow


def test_clips_that_cannot_fit_are_refused_before_any_job(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    huge = {"frames": 4096, "size": [20_000, 20_000]}  # 5 TB a clip
    project.config["define"]["looks"] = FRAMES | {"clips": huge | {"short": "loop"}}
    refused = project.run(ok=False)
    assert "results/clips: no room for the clips of one shard: those of 4 videos of real take" in refused.text
    assert "Traceback" not in refused.text
    assert not refused.jobs
    assert project.run("-n").code == 0  # looking is allowed


@pytest.mark.stress
def test_few_shards_of_clips_are_on_the_disk_at_once(tmp_path: Path) -> None:
    """Two networks read each; with one core, two files may wait, and a third is being written."""
    project = Project(tmp_path / "project", videos=8, shard_size=1, metrics=["looks", "moves"])
    project.config["define"] = {"looks": FRAMES, "moves": MOTION | {"extractor": "block_motion", "array": "motion"}}
    most, done = 0, Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.02):
            most = max(most, len(list(project.results.glob("clips/*/*/*.h5"))))

    watcher = Thread(target=watch)
    watcher.start()
    run = project.run("--cores", "1")
    done.set()
    watcher.join()
    assert run.jobs["clips"] > 8
    assert 1 <= most <= 2
    assert not list(project.results.glob("clips/*/*/*.h5"))
    assert project.run().idle
