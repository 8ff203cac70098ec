"""What another program does to clips and features is found when the same command is run again, and made anew."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.workflow.project import Project

pytestmark = [pytest.mark.workflow, pytest.mark.stress]


def scribble(file: Path) -> None:
    """Write over the middle of a file, and give it the time that it had."""
    before = file.stat()
    with file.open("r+b") as opened:
        opened.seek(before.st_size // 2)
        opened.write(b"another program's" * 3)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_damaged_files_are_found_and_made_anew(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", datasets=("real", "a", "b"), keep_clips=True)
    project.run()
    before = project.features(), project.rows()
    (merged,) = project.results.glob("features/real/*/*.h5")
    (shard,) = project.results.glob("features/a/*/*/0.h5")
    (clips,) = project.results.glob("clips/b/*/0.h5")
    scribble(merged)
    scribble(shard)
    next(project.results.glob("features/a/*/*.h5")).unlink()  # which is made again of its shards
    scribble(clips)
    again = project.run()
    for file in (merged, shard, clips):
        assert f"vidgauge: {file.relative_to(project.folder)} does not hold what was written (sha256" in again.text
        assert file.exists()
    assert (project.features(), project.rows()) == before
    assert again.jobs == Counter(clips=1, features=1, merge=2, metric=2, table=1)
    assert project.run().idle
