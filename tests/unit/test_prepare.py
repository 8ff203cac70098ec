"""What happens while the rules are read: listings with all problems at once, plans written only where they differ."""

from __future__ import annotations

import importlib.metadata
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vidgauge import plan
from vidgauge import prepare as preparing
from vidgauge.config import Config, load
from vidgauge.errors import UsageError
from vidgauge.manifest.listing import read_dataset
from vidgauge.metric import metrics
from vidgauge.prepare import checked, joined_shards, prepare, write_listings, write_plans

LOOKS = {"reduce": "frechet", "extractor": "pixel_grid"}
OLD = 10**18  # ns, a time long ago


def fake_workflow(**keys: Any) -> SimpleNamespace:
    """What `checked` and `prepare` ask of Snakemake."""
    usual = {"configfiles": [], "is_main_process": True, "local_exec": True, "deployment_settings": None}
    return SimpleNamespace(**usual | keys)


def configured(folder: Path, /, **changes: Any) -> Config:
    """An evaluation of folders with three files each that are no videos: a listing opens none."""
    for name in ("real", "a"):
        for number in range(3):
            path = folder / "videos" / name / f"v{number}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"video")
    raw = {
        "evaluation": "test",
        "reference": "real",
        "datasets": {name: {"source": str(folder / "videos" / name)} for name in ("real", "a")},
        "metrics": ["looks", "frames"],
        "define": {"looks": LOOKS, "frames": LOOKS | {"array": "frame"}},
        "results": str(folder / "results"),
    }
    return load(raw | changes)


def written(config: Config, folder: Path) -> set[str]:
    """The plans that a parse writes anew; all others keep their time."""
    manifests, plans = folder / "manifests", folder / "plans"
    before = {path: path.read_bytes() for path in plans.rglob("*.json")}
    for path in before:
        os.utime(path, ns=(OLD, OLD))
    write_listings(config, manifests)
    write_plans(config, manifests, plans)
    after = {path: path.stat().st_mtime_ns for path in plans.rglob("*.json")}
    new = {path for path, time in after.items() if time != OLD}
    assert all(before.get(path) != path.read_bytes() for path in new)
    assert all(before[path] == path.read_bytes() for path in set(before) - new)
    return {str(path.relative_to(plans)) for path in new}


MAPS = {"maps/looks.json"}  # both metrics rest on the same features
PLANS = {"screen.json", "gate.json", "evaluation.json", "metrics/looks.json", "metrics/frames.json", *MAPS}


def test_plans_hold_what_jobs_read(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert written(config, tmp_path) == PLANS

    def read(name: str) -> Any:
        return json.loads((tmp_path / "plans" / name).read_text())

    assert read("screen.json") == {
        "version": plan.SCREEN_VERSION,
        "listed": {"real": [3], "a": [3]},
        "needs": plan.needs(config),
    }
    assert read("gate.json") == {"bad_videos": {"action": "fail", "max_fraction": 1.0}}
    assert read("evaluation.json")["config"] == config.model_dump(mode="json")
    assert list(read("evaluation.json")["metrics"]) == ["looks", "frames"]
    for name, metric in metrics(config).items():
        wanted = plan.metric_plan(config, metric)
        assert read(f"metrics/{name}.json") == wanted == read("evaluation.json")["metrics"][name]


def test_another_file_of_statistics_is_seen(tmp_path: Path) -> None:
    """Also one that is older than the results: what a plan says of it differs, and the plan is written anew."""
    for name in ("one.npz", "two.npz"):
        (tmp_path / name).write_bytes(name.encode())
        os.utime(tmp_path / name, (1, 1))

    def changed(name: str) -> set[str]:
        sources = {"real": {"source": str(tmp_path / name)}, "a": {"source": str(tmp_path / "videos" / "a")}}
        return written(configured(tmp_path, datasets=sources), tmp_path)

    assert changed("one.npz") == PLANS
    assert changed("one.npz") == set()
    assert changed("two.npz") == PLANS - {"screen.json", "gate.json", *MAPS}
    (tmp_path / "two.npz").write_bytes(b"other bytes, as old")
    os.utime(tmp_path / "two.npz", (1, 1))
    assert changed("two.npz") == PLANS - {"screen.json", "gate.json", *MAPS}
    with pytest.raises(UsageError, match=r"datasets\.real: .*gone\.npz: there is no such file of saved statistics"):
        changed("gone.npz")


@pytest.mark.parametrize(
    ("changes", "new"),
    [
        ({}, set()),
        ({"device": "cpu"}, {"evaluation.json"}),
        ({"bad_videos": {"action": "reject"}}, PLANS - {"screen.json", *MAPS}),
        ({"seed": 1}, PLANS - {"screen.json", "gate.json"}),
        ({"metrics": ["looks"]}, {"evaluation.json", *MAPS}),
        (
            {"define": {"looks": LOOKS | {"samples": 9}, "frames": LOOKS | {"array": "frame"}}},
            {"evaluation.json", "metrics/looks.json", "maps/looks.json"},
        ),
        (
            {"define": {"looks": LOOKS | {"clips": {"frames": 4}}, "frames": LOOKS | {"array": "frame"}}},
            {"screen.json", "evaluation.json", "metrics/looks.json", "maps/looks.json", "maps/frames.json"},
        ),
    ],
)
def test_plans_are_written_only_where_they_differ(tmp_path: Path, changes: dict[str, Any], new: set[str]) -> None:
    written(configured(tmp_path), tmp_path)
    assert written(configured(tmp_path, **changes), tmp_path) == new


def test_a_new_video_is_a_matter_of_screening_alone(tmp_path: Path) -> None:
    written(configured(tmp_path), tmp_path)
    (tmp_path / "videos" / "a" / "new.mp4").write_bytes(b"video")
    assert written(configured(tmp_path), tmp_path) == {"screen.json"}


def test_listings_are_cut_into_shards(tmp_path: Path) -> None:
    write_listings(configured(tmp_path, shard_size=2), tmp_path / "manifests")
    listed = read_dataset(tmp_path / "manifests" / "a")
    assert (listed.shards, sum(listed.counts)) == (2, 3)
    assert listed.source == str((tmp_path / "videos" / "a").resolve())


def test_problems_of_all_datasets_at_once(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    sources = {
        "real": {"source": str(videos / "reel")},
        "a": {"source": str(videos / "a")},
        "b": {"source": str(tmp_path / "notes.txt")},
        "c": {"source": str(videos / "a"), "root": str(tmp_path / "nowhere")},
    }
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UsageError) as caught:
        write_listings(configured(tmp_path, datasets=sources), tmp_path / "manifests")
    lines = str(caught.value).split("\n")
    assert [line.split(": ")[0] for line in lines] == ["datasets.real", "datasets.b", "datasets.c"]
    for line, text in zip(lines, ("reel", "notes.txt", "nowhere"), strict=True):
        assert text in line
    assert read_dataset(tmp_path / "manifests" / "a").counts == [3]  # the good one is listed all the same


def test_joined_shards_are_those_needed_or_made_before(tmp_path: Path) -> None:
    file, pattern = tmp_path / "folder" / "merged.json", str(tmp_path / "folder" / "{shard}.h5")
    assert joined_shards(file, pattern, 1, 4) == 1
    os.utime(file, ns=(OLD, OLD))
    assert joined_shards(file, pattern, 1, 4) == 1
    assert file.stat().st_mtime_ns == OLD
    assert joined_shards(file, pattern, 3, 4) == 3
    assert file.stat().st_mtime_ns != OLD  # a number that grows shows as a newer file
    assert joined_shards(file, pattern, 1, 4) == 1  # what was planned, in a dry run say, but never made is forgotten
    (tmp_path / "folder" / "2.h5").touch()
    assert joined_shards(file, pattern, 1, 4) == 3
    assert (
        joined_shards(file, pattern, 1, 2) == 1
    )  # a shard beyond those that the dataset is cut into now counts no more


def test_a_bad_configuration_ends_with_all_problems(capsys: pytest.CaptureFixture[str]) -> None:
    workflow = fake_workflow(configfiles=["mine.yaml"])
    with pytest.raises(SystemExit) as caught:
        checked({"metrcs": 1, "seed": "x"}, workflow)
    assert caught.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith("vidgauge: mine.yaml: ")
    assert all(key in text for key in ("metrcs", "seed", "evaluation", "datasets"))
    assert "Traceback" not in text


def test_a_good_configuration_is_given_back(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert checked(config.model_dump(mode="json"), fake_workflow()) == config


def test_job_processes_write_nothing(tmp_path: Path) -> None:
    config = configured(tmp_path)
    prepare(config, fake_workflow(is_main_process=False), manifests=tmp_path / "manifests", plans=tmp_path / "plans")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["videos"]


@pytest.mark.parametrize(("main", "local", "gpu", "stops"), [(1, 1, 0, 1), (1, 1, 1, 0), (1, 0, 0, 0), (0, 1, 0, 0)])
def test_a_gpu_that_is_not_there_is_missed_before_any_work(
    main: int, local: int, gpu: int, stops: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """But a cluster's jobs may run on nodes without one, and its head node needs none."""
    monkeypatch.setattr("vidgauge.prepare.has_gpu", lambda: bool(gpu))
    workflow = fake_workflow(configfiles=["mine.yaml"], is_main_process=bool(main), local_exec=bool(local))
    raw = {
        "evaluation": "t",
        "datasets": {"a": {"source": "a"}},
        "metrics": ["inception_score_lite0"],
        "device": "cuda",
    }
    if not stops:
        assert checked(raw, workflow).device == "cuda"
        return
    with pytest.raises(SystemExit):
        checked(raw, workflow)
    assert "device: cuda, but this machine shows no GPU" in capsys.readouterr().err


def test_an_extra_that_is_not_installed_is_missed_before_any_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    define = {"m": {"reduce": "frechet", "extractor": "vjepa2_vitl"}}
    raw = {"evaluation": "t", "reference": "real", "datasets": {"real": {"source": "x"}, "a": {"source": "y"}}}
    raw |= {"metrics": ["m"], "define": define}
    assert checked(raw, fake_workflow())

    def version(name: str) -> str:
        if name == "transformers":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr("vidgauge.prepare.version", version)
    with pytest.raises(SystemExit) as caught:
        checked(raw, fake_workflow())
    assert caught.value.code == 2
    text = capsys.readouterr().err
    assert "m rests on vjepa2_vitl, which needs the package transformers" in text
    assert "pip install -e '.[hub]'" in text
    assert checked(raw, fake_workflow(is_main_process=False))
    conda = SimpleNamespace(deployment_method={"conda"})
    assert checked(raw, fake_workflow(deployment_settings=conda))  # jobs have an environment of their own


def test_a_map_that_cannot_be_drawn_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "installed", lambda library: library != "scikit-learn")
    wanted = r"mine.yaml: map: tsne needs the package scikit-learn. .*\[tsne\].* Or use map: pca"
    with pytest.raises(UsageError, match=wanted):
        preparing.refuse_missing_libraries(configured(tmp_path, map="tsne"), "mine.yaml")
    preparing.refuse_missing_libraries(configured(tmp_path, map="tsne", report=False), "mine.yaml")
    preparing.refuse_missing_libraries(configured(tmp_path), "mine.yaml")
