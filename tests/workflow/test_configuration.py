"""What a user sees who edits config.yaml: no trace of the demo, and one clear paragraph for every slip."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflow.project import CLIPS, FRAMES, ROOT, Project, environment

pytestmark = pytest.mark.workflow

SHARED = ROOT.parent / "shared" / "data"


@pytest.mark.stress
def test_a_users_configfile_shows_no_trace_of_the_demo(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", videos=2)
    project.run()
    written = "".join(path.read_text() for path in project.results.rglob("*.json"))
    assert "demo" not in written
    assert "lite0" not in written
    assert sorted(path.name for path in (project.results / "manifests").iterdir()) == ["a", "real"]


@pytest.mark.stress
def test_config_on_the_command_line(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", videos=2)
    project.run("--config", "evaluation=other", "seed=7")
    assert json.loads((project.results / "other/metrics.json").read_text())["results"][0]["seed"] == 7


SLIPS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "misspelt key": ({"metrcs": ["looks"]}, ["metrcs", "did you mean 'metrics'"]),
    "misspelt inner key": (
        {"define": {"looks": FRAMES | {"clips": CLIPS | {"strde": 2}}}},
        ["define.looks.clips.strde", "stride"],
    ),
    "unknown metric": ({"metrics": ["look"]}, ["metrics[0]", "did you mean 'looks'"]),
    "missing reference": ({"reference": "reel"}, ["reference: 'reel'", "did you mean 'real'"]),
    "null reference": ({"reference": None}, ["metrics[0]", "compares with a reference"]),
    "wrong type": (
        {"define": {"looks": FRAMES | {"clips": CLIPS | {"frames": "16f"}}}},
        ["define.looks.clips.frames", "'16f'"],
    ),
    "unknown extractor": ({"define": {"looks": FRAMES | {"extractor": "i4d"}}}, ["define.looks.extractor", "'i4d'"]),
    "unknown array": (
        {"define": {"looks": FRAMES | {"array": "frames"}}},
        ["define.looks.array", "did you mean 'frame'"],
    ),
    "bad option": ({"define": {"looks": FRAMES | {"options": {"dof": 1}}}}, ["define.looks.options", "ddof"]),
    "no source": (
        {"datasets": {"real": {"source": "videos/real"}, "a": {"source": "videos/aa"}}},
        ["datasets.a", "videos/aa"],
    ),
    "frames no video has": ({"define": {"looks": FRAMES | {"clips": CLIPS | {"frames": 99}}}}, ["looks", "99"]),
    "reserved evaluation": ({"evaluation": "features"}, ["evaluation", "features"]),
}


FEW = (
    "misspelt key",
    "unknown metric",
    "missing reference",
    "no source",
    "frames no video has",
)  # the rest: unit tests


@pytest.mark.parametrize("slip", [pytest.param(s, marks=() if s in FEW else pytest.mark.stress) for s in SLIPS])
def test_every_slip_is_one_paragraph_that_names_the_key(slip: str, tmp_path: Path) -> None:
    change, wanted = SLIPS[slip]
    project = Project(tmp_path / "project", videos=2, shard_size=8)
    project.config |= change
    failed = project.run(ok=False)
    for text in wanted:
        assert text in failed.text, failed.text
    assert "Traceback" not in failed.text
    assert not set(failed.jobs) & {"clips", "features"}


def test_all_slips_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", videos=2)
    project.config |= {"metrcs": 1, "seed": "x", "device": "tpu"}
    failed = project.run(ok=False)
    assert all(text in failed.text for text in ("metrcs", "seed", "device"))


@pytest.mark.stress
def test_a_name_bound_to_another_source_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", videos=2, datasets=("real", "a", "b"))
    del project.config["datasets"]["b"]
    project.run()
    project.config["datasets"]["a"] = {"source": "videos/b"}
    failed = project.run(ok=False)
    assert "datasets.a" in failed.text
    assert "another source" in failed.text


def test_lint_and_format_are_clean() -> None:
    for command in (["-m", "snakemake", "--lint"], ["-m", "snakefmt", "--check", "Snakefile", "workflow"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment(), text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.stress
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no real videos in {SHARED}")
def test_the_shipped_config_edited_for_real_videos(tmp_path: Path) -> None:
    """The demo's configuration with other datasets: camera as the reference, two generators as candidates."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    names = {"real": "camera", "lavie": "lavie", "cogvideox": "cogvideox"}
    config |= {"evaluation": "generators", "results": str(tmp_path / "results")}
    config["datasets"] = {
        name: {"source": str(SHARED / f"{folder}.jsonl"), "root": str(SHARED / folder)}
        for name, folder in names.items()
    }
    mine = tmp_path / "config.yaml"
    mine.write_text(yaml.safe_dump(config))
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-s",
        str(ROOT / "Snakefile"),
        "--configfile",
        str(mine),
        "--cores",
        "2",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "results/generators/metrics.json").read_text())["results"]
    assert {row["candidate"] for row in rows} == {"lavie", "cogvideox"}
    assert {row["videos_candidate"] for row in rows if row["candidate"] == "lavie"} == {11}
    undefined = {row["metric"] for row in rows if row["value"] is None}
    assert undefined == {"density_coverage_motion_lite0"}  # five neighbours among four reference videos
    assert all(any("undefined" in text for text in row["warnings"]) for row in rows if row["value"] is None)
