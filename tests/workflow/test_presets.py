"""Named metrics in real runs of the workflow: the numbers of the stages alone, and what the table says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.linalg import sqrtm

from tests import stand_ins
from tests.pipeline import evaluated
from tests.workflow.project import ROOT, Project

pytestmark = pytest.mark.workflow

SHARED = ROOT.parent / "shared" / "data"
SAID = ("n_candidate", "n_reference", "protocol", "knobs", "warnings")


def presets(names: list[str], smaller: int = 1) -> dict[str, Any]:
    known = stand_ins.known()
    return {name: stand_ins.definition(known[name], smaller) for name in names}


def assert_same(project: Project, folder: Path) -> None:
    """The rows of a project's run are those that the stages give one by one."""
    datasets = {
        name: {key: str(project.folder / value) if key in ("source", "root") else value for key, value in said.items()}
        for name, said in project.config["datasets"].items()
    }
    alone = evaluated({**project.config, "datasets": datasets}, folder)
    rows = project.rows()
    assert len(rows) == len(alone.rows) > 0
    for row in rows:
        other = alone.row(row["metric"], row["candidate"])
        assert {key: row[key] for key in SAID} == {key: other[key] for key in SAID}
        assert row["value"] == pytest.approx(other["value"], rel=1e-12)  # this process may have more threads
        assert row["values"] == pytest.approx(other["values"], rel=1e-12)


def features_of(project: Project, dataset: str) -> np.ndarray:
    """(n, d) float64 of videogpt.fvd."""
    (file,) = (project.results / "features" / dataset).glob("16f-s1-native-*/stand_in_clip-*.h5")
    with h5py.File(file) as opened:
        return np.asarray(opened["features"]["values"][()], dtype=np.float64)


@pytest.mark.stress
def test_protocols_side_by_side_then_saved_statistics(tmp_path: Path) -> None:
    """Each in a line of its own, with what sets them apart; then one of them against another tool's file."""
    names = ["fid50k_compat", "videogpt.fvd", "aigve.pair_distance"]
    project = Project(tmp_path / "project", videos=0, device="cpu", metrics=names)
    for dataset, seed in (("real", 0), ("a", 50)):
        for number in range(3):
            project.video(dataset, number, seed=seed + number, length=20)
    project.config |= {"define": presets(names, smaller=16), "extractors": stand_ins.networks(project.folder)}
    project.run()
    assert_same(project, tmp_path / "alone")
    table = (project.results / "test" / "metrics.txt").read_text()
    lines = {line.split()[0]: line for line in table.splitlines() if line.startswith(tuple(names))}
    assert [lines[name].split()[2] for name in names] == ["data-juicer-compat", "videogpt", "aigve"]
    (apart,) = (line for line in table.splitlines() if "do not compare with one another" in line)
    assert apart.startswith("- fid50k_compat (data-juicer-compat), videogpt.fvd (videogpt) do not compare")
    for knob in ("size", "frames", "options.ddof", "options.fold", "options.weighting", "samples_by"):
        assert knob in apart.partition("differ in: ")[2]
    with_videos = {row["metric"]: row for row in project.rows()}
    assert with_videos["aigve.pair_distance"]["values"] == {"pairs": 3}

    real, fake = (features_of(project, dataset) for dataset in ("real", "a"))
    mean, cov = real.mean(0), 2 * np.cov(real, rowvar=False)
    np.savez(project.folder / "real.npz", mu=mean, sigma=cov)
    project.config |= {"evaluation": "saved", "metrics": ["videogpt.fvd"], "reference": "saved"}
    project.config["datasets"] = {"saved": {"source": "real.npz"}, "a": {"source": "videos/a"}}
    done = project.run()
    assert not set(done.jobs) & {"clips", "features", "merge", "probe"}, "what is there is used"
    assert_same(project, tmp_path / "alone_saved")
    (row,) = project.rows()
    assert (row["reference"], row["n_reference"], row["n_candidate"]) == ("saved", None, 3)
    assert any("real.npz does not say which network" in text for text in row["warnings"])
    both = np.trace(cov) + np.trace(np.cov(fake, rowvar=False)) - 2 * np.trace(sqrtm(cov @ np.cov(fake.T)).real)
    assert row["value"] == pytest.approx(np.sum((mean - fake.mean(0)) ** 2) + both, rel=1e-4)


@pytest.mark.stress
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no real videos in {SHARED}")
def test_real_videos_at_their_presets_sizes(tmp_path: Path) -> None:
    names = ["fvd2048_16f", "fid50k_compat", "recommended.cmmd", "stylegan-v.fvd2048_16f", "stylegan-v.is50k"]
    names += ["frechet_motion_lite0"]
    project = Project(tmp_path / "project", videos=0, datasets=("lavie", "cogvideox"), metrics=names, device="cpu")
    project.config["datasets"] = {
        name: {"source": str(SHARED / f"{name}.jsonl"), "root": str(SHARED / name)} for name in ("lavie", "cogvideox")
    }
    project.config |= {"define": presets(names), "extractors": stand_ins.networks(project.folder)}
    project.run()
    assert_same(project, tmp_path / "alone")
    assert all(row["value"] is not None for row in project.rows())
