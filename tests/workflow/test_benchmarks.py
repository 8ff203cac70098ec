"""The measuring scripts run; what they measure is not judged here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.performance.__main__ import SECTIONS
from tests.workflow.project import ROOT, environment

pytestmark = pytest.mark.stress


def lines(script: str, *arguments: str) -> list[str]:
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_throughput() -> None:
    found = lines("throughput.py", "--device", "cpu", "--only", "efficientnet_lite0")
    assert [line.split()[:2] for line in found] == [["efficientnet_lite0", name] for name in ("float32", "bfloat16")]
    assert all(float(line.split()[2]) > 0 for line in found)


def test_precision() -> None:
    (found,) = lines("precision.py", "--device", "cpu", "--videos", "3", "--only", "efficientnet_lite0")
    moved = re.fullmatch(r"efficientnet_lite0 bfloat16 (\S+) [+-](\S+) %", found)
    assert moved is not None
    assert 0 < float(moved[1]) < 0.5


def test_scale(tmp_path: Path) -> None:
    page, result = tmp_path / "scale.md", tmp_path / "scale.json"
    shutil.copy(ROOT / "docs/scale.md", page)
    given = ["--folder", str(tmp_path / "work"), "--json", str(result), "--page", str(page)]
    lines("scale.py", "--videos", "200", "--shard-size", "32", "--cores", "2", *given)
    (found,) = json.loads(result.read_text())["sizes"]
    jobs = {stage: of["jobs"] for stage, of in found["stages"].items()}
    assert (jobs["probe"], jobs["clips"], jobs["features"], jobs["merge"], jobs["metric"]) == (8, 8, 8, 2, 2)
    assert all(of["mb"] > 10 for of in found["stages"].values())
    assert sum(of["files"] for of in found["folders"].values()) < 200 + 50  # less than two for each video
    assert found["page_bytes"] > 100_000
    assert "| probe | " in page.read_text()
    assert sorted(path.name for path in (tmp_path / "work/200/videos").iterdir()) == ["a", "complete", "real"]


def test_every_section_of_make_bench_runs() -> None:
    """Of the smallest sizes; the page and the figures are those of a whole run."""
    kept = [ROOT / "docs/performance.md", ROOT / "benchmarks/performance.json"]
    before = [path.read_bytes() for path in kept]
    command = [sys.executable, "-m", "benchmarks.performance", "--quick"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^\(\w+: \d+ s\)$", done.stdout, re.MULTILINE)) == len(SECTIONS)
    assert [path.read_bytes() for path in kept] == before
