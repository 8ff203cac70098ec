"""Files from the future come back to now, in their order; all others stay as they are."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from vidgauge.manifest.clock import bring_back

DAY = 86_400 * 10**9


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "demo/plan").mkdir(parents=True)
    (tmp_path / "demo/plan/evaluation.json").touch()
    return tmp_path


def put(path: Path, later: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    when = time.time_ns() + later
    os.utime(path, ns=(when, when))
    return path


def test_the_future_comes_back_in_order(results: Path) -> None:
    second = put(results / "features/real/c/e.h5", 2 * DAY)
    third = put(results / "demo/metrics/a/m.json", 3 * DAY)
    first = put(results / "manifests/real/shards/0.jsonl", DAY)
    put(results / "benchmarks/features/real/c/e/0.tsv", 4 * DAY)
    before = time.time_ns()
    assert bring_back(results) == 4
    times = [path.stat().st_mtime_ns for path in (first, second, third)]
    assert times == sorted(set(times))
    assert before - DAY / 100 < times[0]
    new = results / "demo/new"
    new.touch()
    assert times[-1] < new.stat().st_mtime_ns
    assert bring_back(results) == 0


def test_files_of_one_time_keep_one_time(results: Path) -> None:
    one = put(results / "clips/real/c/0.h5", DAY)
    other = results / "clips/real/c/1.h5"
    other.touch()
    os.utime(other, ns=(one.stat().st_mtime_ns,) * 2)
    bring_back(results)
    assert one.stat().st_mtime_ns == other.stat().st_mtime_ns


def test_the_past_stays(results: Path) -> None:
    old = put(results / "manifests/real/videos.jsonl", -DAY)
    was = old.stat().st_mtime_ns
    put(results / "features/real/c/e.h5", DAY)
    assert bring_back(results) == 1
    assert old.stat().st_mtime_ns == was


def test_only_what_the_workflow_made(results: Path) -> None:
    """Results may be a folder with other things in it: those are nobody's business."""
    mine = put(results / "videos/mine.mp4", DAY)
    was = mine.stat().st_mtime_ns
    assert bring_back(results) == 0
    assert mine.stat().st_mtime_ns == was
    assert sorted(path.name for path in results.iterdir()) == ["demo", "videos"]


def test_nothing_there_yet(tmp_path: Path) -> None:
    assert bring_back(tmp_path) == 0
