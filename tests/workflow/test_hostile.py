"""Names that a shell would run: folders, videos and columns are data, whatever they look like."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.hostile import NAMES
from tests.workflow.project import Project

pytestmark = [pytest.mark.workflow, pytest.mark.stress]

FOLDER = 'it\'s "a" $(touch pwned) `touch pwned`; touch pwned #\n& here'


def test_no_name_is_run(tmp_path: Path) -> None:
    project = Project(tmp_path / FOLDER, videos=2, report=True)
    good = (project.folder / "videos/a/v0.mp4").read_bytes()
    written = [name for name in NAMES if name.isprintable() or "\n" in name]
    for name in written:
        (project.folder / "videos/a" / name).write_bytes(good)
    listed = project.folder / "videos/a/list of $(touch pwned) 'a'.jsonl"
    text = "</script><script>alert(1)</script> {{ 7 * 7 }} $(touch pwned)"
    lines = [json.dumps({"video": name, "text": text, "pair": text}) for name in ["v0.mp4", "v1.mp4", *written]]
    listed.write_text("\n".join(lines) + "\n")
    project.config["datasets"]["a"] = {"source": f"videos/a/{listed.name}"}
    run = project.run()
    assert "Traceback" not in run.text
    (row,) = project.rows()
    assert row["videos_candidate"] == 2 + len(written)
    assert not [path for top in (tmp_path, Path.cwd()) for path in top.rglob("pwned*")]
    page = (project.results / "test/report.html").read_text()
    assert "<script>alert(1)" not in page
    assert project.run().idle


def test_a_pipe_and_a_playlist_among_the_videos(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", videos=3, bad_videos={"action": "reject"})
    os.mkfifo(project.folder / "videos/a/pipe.mp4")
    (project.folder / "videos/a/list.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\n{project.folder}/videos/real/v0.mp4\n")
    (project.folder / "videos/a/device.mp4").symlink_to("/dev/zero")
    project.run()
    rejected = (json.loads(line) for line in (project.results / "test/rejected.jsonl").read_text().splitlines())
    assert {Path(bad["path"]).name: bad["reason"] for bad in rejected} == {
        "pipe.mp4": "not-a-file",
        "list.mp4": "not-a-video",
        "device.mp4": "not-a-file",
    }
    assert project.rows()[0]["videos_candidate"] == 3
