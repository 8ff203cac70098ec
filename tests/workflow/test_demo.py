"""The demo, as shipped: its table shows the known order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.project import ROOT, environment

pytestmark = [pytest.mark.workflow, pytest.mark.stress]


def test_the_demo_shows_the_known_order(tmp_path: Path) -> None:
    env = environment() | {"PYTHONPATH": str(ROOT / "workflow")}
    subprocess.run([sys.executable, "-m", "vidgauge", "demo-data", "demo-data"], cwd=tmp_path, env=env, check=True)
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "2"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "results/demo/metrics.json").read_text())["results"]
    value = {(row["metric"], row["candidate"]): row["value"] for row in rows}
    for metric in ("frechet_frames_lite0", "kernel_frames_lite0"):  # single frames: the scrambled ones look right
        assert value[metric, "scrambled"] < value[metric, "mild"] < value[metric, "strong"]
    for metric in ("frechet_motion_lite0", "kernel_motion_lite0"):
        assert value[metric, "mild"] < value[metric, "scrambled"] < value[metric, "strong"]
    for metric in ("precision_recall_motion_lite0", "density_coverage_motion_lite0"):
        assert value[metric, "mild"] > value[metric, "scrambled"] > value[metric, "strong"]
