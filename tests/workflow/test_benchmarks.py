"""The measuring scripts run; what they measure is not judged here."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

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


def test_i3d() -> None:
    found = lines("i3d.py", "--batch", "1", "--frames", "9", "--rounds", "1")
    assert any(line.startswith("ratio") for line in found)
    assert float(next(line for line in found if line.startswith("deviation")).split()[1]) < 1e-4
