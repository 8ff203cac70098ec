"""The demo, as shipped: its table shows the known order, and is sure of it; two halves of one set are a tie."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflow.project import ROOT, environment

pytestmark = [pytest.mark.workflow, pytest.mark.stress]

ORDER = {  # single frames: the scrambled ones look right
    "frechet_frames_lite0": ["scrambled", "mild", "strong"],
    "kernel_frames_lite0": ["scrambled", "mild", "strong"],
    "frechet_motion_lite0": ["mild", "scrambled", "strong"],
    "kernel_motion_lite0": ["mild", "scrambled", "strong"],
    "precision_recall_motion_lite0": ["mild", "scrambled", "strong"],
    "density_coverage_motion_lite0": ["mild", "scrambled", "strong"],
}
DISTANCES = [metric for metric in ORDER if metric.startswith(("frechet", "kernel"))]
SEPARATE = [metric for metric in DISTANCES if metric != "frechet_frames_lite0"]  # two of its intervals all but touch


def results(folder: Path, *arguments: str, evaluation: str = "demo", videos: int | None = None) -> dict[str, Any]:
    """metrics.json of a run on the demo's videos, which are made if they are not there."""
    env, more = environment() | {"PYTHONPATH": str(ROOT / "workflow")}, ["--videos", str(videos)] if videos else []
    subprocess.run([sys.executable, "-m", "vidgauge", "demo-data", "demo-data", *more], cwd=folder, env=env, check=True)
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "2", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads((folder / "results" / evaluation / "metrics.json").read_text()))


def test_the_demo_shows_the_known_order_and_is_sure_of_it(tmp_path: Path) -> None:
    found = results(tmp_path)
    rows = {(row["metric"], row["candidate"]): row for row in found["results"]}
    for metric, order in ORDER.items():
        ranked = [rows[metric, name] for name in order]
        sign = 1 if ranked[0]["better"] == "lower" else -1
        values = [sign * row["value"] for row in ranked]
        assert values == sorted(values), metric
        if metric in SEPARATE:
            for better, worse in pairwise(ranked):  # intervals that do not overlap
                assert better["ci95"][1] < worse["ci95"][0], metric
    told = {(one["metric"], one["a"], one["b"]): one["better"] for one in found["differences"]}
    for metric in DISTANCES:
        assert told[metric, "mild", "scrambled"] == ORDER[metric][0]
    assert (tmp_path / "results/demo/report.html").stat().st_size > 1e6


def test_two_samples_of_one_distribution_are_a_tie(tmp_path: Path) -> None:
    """The first and the last of the mildly damaged videos, as candidates of their own against the real ones."""
    videos = 64
    config: dict[str, Any] = {
        "evaluation": "tie",
        "reference": "real",
        "datasets": {"real": {"source": "demo-data/real"}},
        "metrics": DISTANCES,
        "report": False,
    }
    subprocess.run(
        [sys.executable, "-m", "vidgauge", "demo-data", "demo-data", "--videos", str(videos)],
        cwd=tmp_path,
        env=environment() | {"PYTHONPATH": str(ROOT / "workflow")},
        check=True,
    )
    lines = (tmp_path / "demo-data/mild.jsonl").read_text().splitlines(keepends=True)
    for name, part in (("first", lines[: videos // 2]), ("last", lines[videos // 2 :])):
        (tmp_path / f"demo-data/{name}.jsonl").write_text("".join(part))
        config["datasets"][name] = {"source": f"demo-data/{name}.jsonl"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    found = results(tmp_path, "--configfile", "mine.yaml", evaluation="tie", videos=videos)
    assert [one["metric"] for one in found["differences"]] == DISTANCES
    for one in found["differences"]:
        assert one["distinguishable"] is False, one["sentence"]
        assert one["better"] is None
    assert " = " in (tmp_path / "results/tie/metrics.txt").read_text()
