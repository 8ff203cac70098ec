"""What is computed already is used again, and only what is stale runs: every case of the design, jobs counted."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.workflow.project import CLIPS, FRAMES, MOTION, Project

pytestmark = pytest.mark.workflow


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One shard in each dataset."""
    return Project(tmp_path / "project")


@pytest.fixture
def sharded(tmp_path: Path) -> Project:
    """Two shards in each dataset."""
    return Project(tmp_path / "project", shard_size=2)


def test_cold_then_nothing_to_do(sharded: Project) -> None:
    project, shards = sharded, 2 * 2
    cold = project.run()
    assert cold.jobs == Counter(
        probe=shards, manifest=2, screen=1, gate=1, clips=shards, features=shards, merge=2, metric=1, table=1
    )
    assert not list((project.results / "clips").rglob("*.h5"))
    assert project.run().idle
    assert project.run(cwd=project.folder.parent, ok=False).code != 0  # its relative sources are not there


ONE_SHARD = Counter(probe=1, manifest=1, screen=1, gate=1, clips=1, features=1, merge=1, metric=1, table=1)


def test_one_changed_video_redoes_one_shard(sharded: Project) -> None:
    sharded.run()
    sharded.video("a", 3, seed=7)
    assert sharded.run().jobs == ONE_SHARD


@pytest.mark.stress
def test_an_added_or_removed_video_redoes_one_shard(sharded: Project) -> None:
    sharded.run()
    added = sharded.video("a", 77, seed=8)
    assert sharded.run().jobs == ONE_SHARD
    added.unlink()
    assert sharded.run().jobs == ONE_SHARD
    assert sharded.run().idle


@pytest.mark.stress
def test_a_touched_video_gives_the_same_bits(project: Project) -> None:
    project.run()
    before = project.features(), project.rows()
    (project.folder / "videos/a/v1.mp4").touch()
    touched = project.run()
    assert (touched.jobs["probe"], touched.jobs["features"]) == (1, 1)
    assert (project.features(), project.rows()) == before
    assert project.run().idle


@pytest.mark.stress
def test_a_new_candidate_runs_no_job_of_the_reference(project: Project) -> None:
    project.run()
    for number in range(4):
        project.video("b", number, seed=300 + number)
    project.config["datasets"]["b"] = {"source": "videos/b"}
    run = project.run()
    assert run.jobs == ONE_SHARD
    assert not run.jobs_of("real")
    assert not run.jobs_of("a")


def test_a_metric_on_known_features_runs_only_metric_jobs(project: Project) -> None:
    project.run()
    project.config["define"]["motion"] = MOTION
    project.config["define"]["few"] = FRAMES | {"samples": 12}
    project.config["metrics"] = ["looks", "motion", "few"]
    assert project.run().jobs == Counter(metric=2, table=1)
    project.config["metrics"] = ["motion", "looks"]
    assert project.run().jobs == Counter(table=1)


@pytest.mark.stress
def test_a_second_extractor_redoes_no_finished_one(project: Project) -> None:
    """Its clips are made again, and Snakemake must not drag the finished features along with them."""
    project.run()
    before = project.features()
    project.config["define"]["lite0"] = FRAMES | {"extractor": "efficientnet_lite0", "array": "features"}
    project.config["metrics"] = ["looks", "lite0"]
    assert project.run().jobs == Counter(clips=2, features=2, merge=2, metric=1, table=1)
    assert before.items() <= project.features().items()
    assert project.run().idle


@pytest.mark.stress
def test_another_precision_is_another_extractor(project: Project) -> None:
    project.run()
    project.config["precision"] = "tf32"
    run = project.run()
    assert run.jobs == Counter(clips=2, features=2, merge=2, metric=1, table=1)
    project.config["precision"] = "float32"
    assert project.run().jobs == Counter(metric=1, table=1)  # the numbers alone: their files say which precision


@pytest.mark.stress
def test_the_seed_reruns_what_depends_on_it(project: Project) -> None:
    project.config["define"]["fixed"] = FRAMES | {"clips": CLIPS | {"start": "first"}}
    project.config["metrics"] = ["looks", "fixed"]
    project.run()
    first = project.rows()
    project.config["seed"] = 43
    assert project.run().jobs == Counter(clips=2, features=2, merge=2, metric=2, table=1)
    second = project.rows()
    assert first[0]["value"] != second[0]["value"]
    assert first[1]["value"] == second[1]["value"]
    project.config["seed"] = 42
    project.forget()
    assert project.run().jobs == Counter(metric=2, table=1)
    assert project.rows() == first


@pytest.mark.stress
def test_a_failed_gate_keeps_its_list_and_goes_on_when_mended(project: Project) -> None:
    project.run()
    (project.folder / "videos/real/v3.mp4").write_bytes(b"")
    failed = project.run(ok=False)
    assert failed.jobs["features"] == failed.jobs["clips"] == 0
    assert "v3.mp4" in (project.results / "test/rejected.jsonl").read_text()
    assert "v3.mp4" in (project.results / "manifests/real/rejected.jsonl").read_text()
    project.video("real", 3, seed=99)
    mended = project.run()
    assert mended.jobs_of("a") == Counter()
    assert mended.jobs["features"] == 1


@pytest.mark.stress
def test_video_added_while_an_extractor_changes(project: Project) -> None:
    project.run()
    project.video("real", 9, seed=50)
    project.config["precision"] = "tf32"
    run = project.run()
    assert run.jobs["features"] == run.jobs["clips"] == 2
    assert project.run().idle
    assert all(row["n_reference"] == 20 for row in project.rows())


@pytest.mark.stress
def test_other_working_directory_and_lost_records(project: Project) -> None:
    for dataset in project.config["datasets"].values():
        dataset["source"] = str(project.folder / dataset["source"])
    project.config["results"] = str(project.folder / "results")
    project.run()
    elsewhere = project.folder / "elsewhere"
    elsewhere.mkdir()
    assert project.run(cwd=elsewhere).idle
    project.video("real", 2, seed=51)
    assert project.run(cwd=elsewhere).jobs["features"] == 1
    project.forget()
    assert project.run().idle
    project.video("real", 2, seed=52)
    assert project.run().jobs["features"] == 1


@pytest.mark.stress
@pytest.mark.parametrize("force", [["-R", "features"], ["-F"]])
def test_forced_features_read_their_clips(project: Project, force: list[str]) -> None:
    project.run()
    before = project.features()
    forced = project.run(*force)
    assert forced.jobs["clips"] == forced.jobs["features"] == 2
    assert project.features() == before


@pytest.mark.stress
def test_samples_cost_no_more_than_they_need(tmp_path: Path) -> None:
    project = Project(
        tmp_path / "project", videos=16, shard_size=4, define={"few": FRAMES | {"samples": 8}}, metrics=["few"]
    )
    run = project.run()
    assert run.jobs["features"] == run.jobs["probe"] == 2 * 1  # of 2 x 4 shards
    assert [(row["n_candidate"], row["videos_candidate"]) for row in project.rows()] == [(8, 2)]
    project.config["define"]["many"] = FRAMES
    project.config["evaluation"] = "all"
    project.config["metrics"] = ["many"]
    project.run()
    assert project.rows()[0]["videos_candidate"] == 16
    project.config |= {"evaluation": "test", "metrics": ["few"]}
    assert set(project.run().jobs) <= {"screen", "gate", "metric", "table"}


@pytest.mark.stress
def test_draws_grow_by_doubling(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", videos=3, define={"more": FRAMES | {"samples": 20}}, metrics=["more"])
    project.run()
    (row,) = project.rows()
    assert (row["n_candidate"], row["clip_spec"]["clips_per_video"]) == (20, 2)
    assert any("not independent" in text for text in row["warnings"])


@pytest.mark.stress
def test_a_video_restored_behind_another_working_directory_is_seen(project: Project) -> None:
    """Snakemake's records are those of one working directory; times alone must tell."""
    for dataset in project.config["datasets"].values():
        dataset["source"] = str(project.folder / dataset["source"])
    project.config["results"] = str(project.folder / "results")
    project.run()
    first, video = project.rows(), project.folder / "videos/a/v1.mp4"
    old = video.with_suffix(".old")
    shutil.copy2(video, old)
    project.video("a", 1, seed=70)
    elsewhere = project.folder / "elsewhere"
    elsewhere.mkdir()
    project.run(cwd=elsewhere)
    assert project.rows() != first
    shutil.move(old, video)
    project.run()
    assert project.rows() == first


@pytest.mark.stress
def test_more_draws_and_back_are_never_stale(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", videos=3, define={"more": FRAMES | {"samples": 20}}, metrics=["more"])
    project.run()
    first = project.rows()
    added = [project.video(name, 10 + number, seed=80 + number) for name in ("real", "a") for number in range(3)]
    project.run()
    assert project.rows()[0]["clip_spec"]["clips_per_video"] == 1
    for path in added:
        path.unlink()
    project.run()
    assert project.rows() == first


@pytest.mark.stress
def test_kept_clips(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", videos=3, keep_clips=True)
    project.run()
    assert len(list((project.results / "clips").rglob("*.h5"))) == 2
    assert project.run().idle


@pytest.mark.stress
def test_runs_use_one_seed_each(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", videos=3, runs=3)
    project.run()
    (row,) = project.rows()
    assert row["runs"] == len(set(row["runs_values"])) == 3
    assert row["value"] == pytest.approx(sum(row["runs_values"]) / 3, rel=1e-12)
    assert row["std"] > 0
