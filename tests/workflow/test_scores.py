"""Scores of single videos, from mp4 and prompt to videos.csv: text, pairs, screening, ratings, and what is redone."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny_models
from tests.make_videos import encode, frames
from tests.workflow.project import Project

pytestmark = pytest.mark.workflow

EVERY_FRAME = {"frames": 1, "start": "each", "clips_per_video": "all"}
CLIP = EVERY_FRAME | {"size": 224, "crop": "center", "resize": "bicubic", "backend": "pil"}
PICK = {"reduce": "mean", "extractor": "pickscore", "column": "pickscore", "clips": CLIP}
PAIR = {"reduce": "mean", "extractor": "psnr_ssim", "column": "psnr_cmq", "clips": EVERY_FRAME | {"size": "native"}}
STATIC = {"reduce": "mean", "extractor": "frame_statistics", "column": "static_share", "clips": {"frames": 8}}
TEXTS = ["a dog runs", "كلب يجري على الشاطئ", "🏖️ a beach 🌊", "", "x" * 10_000]


def manifest(project: Project, name: str, texts: list[str], **columns: list[Any]) -> None:
    """A manifest of a dataset's videos, with their texts and other columns."""
    lines = [
        {"videos": [f"videos/{name}/v{n}.mp4"], "text": text} | {key: of[n] for key, of in columns.items()}
        for n, text in enumerate(texts)
    ]
    (project.folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")


def table(project: Project) -> list[dict[str, str]]:
    with (project.results / "test" / "videos.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def written(tmp_path: Path) -> Project:
    """Five videos with texts, and a tiny CLIP in the official layout in the place of PickScore's."""
    project = Project(tmp_path / "project", videos=len(TEXTS), datasets=("a",), reference=None)
    project.config |= {
        "datasets": {"a": {"source": "a.jsonl"}},
        "metrics": ["pick"],
        "define": {"pick": PICK},
        "extractors": {"pickscore": {"trust": True}},
        "weights": "weights",
    }
    tiny_models.clip(project.folder / "weights" / "pickscore_v1")
    manifest(project, "a", TEXTS, human=[{"overall": n} for n in range(len(TEXTS))])
    return project


def test_from_video_and_prompt_to_a_line(written: Project) -> None:
    cold = written.run()
    assert cold.jobs == Counter(
        probe=1, manifest=1, screen=1, gate=1, clips=1, features=2, merge=1, metric=1, videos=1, table=1
    )
    lines = table(written)
    assert [line["text"] for line in lines] == TEXTS
    assert [line["id"] for line in lines] == [f"videos/a/v{n}.mp4" for n in range(5)]
    scores = [line["pickscore"] for line in lines]
    assert scores[3] == ""  # its prompt says nothing
    assert len({float(score) for score in scores if score}) == 4
    (row,) = written.rows()
    assert row["value"] == pytest.approx(np.mean([float(score) for score in scores if score]))
    assert (row["videos_candidate"], row["column"], row["better"]) == (4, "pickscore", "higher")
    assert any("a: 1 of 5 videos has no pickscore (no text)" in text for text in row["warnings"])
    told = json.loads((written.results / "test" / "metrics.json").read_text())["single"]
    (of_score, _) = told["human"]
    assert (of_score["score"], of_score["aspect"], of_score["videos"]) == ("pickscore", "overall", 4)


@pytest.mark.stress
def test_what_another_prompt_and_another_rating_cost(written: Project) -> None:
    written.run()
    assert written.run().idle
    scores = [line["pickscore"] for line in table(written)]
    (of_score, _) = json.loads((written.results / "test" / "metrics.json").read_text())["single"]["human"]
    written.later()
    manifest(written, "a", ["a cat sleeps", *TEXTS[1:]], human=[{"overall": n} for n in range(len(TEXTS))])
    again = written.run()  # another prompt costs the text tower, and neither a decode nor a pass over frames
    assert again.jobs == Counter(manifest=1, screen=1, gate=1, features=1, merge=1, metric=1, videos=1, table=1)
    changed = [line["pickscore"] != score for line, score in zip(table(written), scores, strict=True)]
    assert changed == [True, False, False, False, False]

    written.later()
    manifest(written, "a", ["a cat sleeps", *TEXTS[1:]], human=[{"overall": -n} for n in range(len(TEXTS))])
    assert "features" not in written.run().jobs
    (after, _) = json.loads((written.results / "test" / "metrics.json").read_text())["single"]["human"]
    assert after["spearman"]["value"] == pytest.approx(-of_score["spearman"]["value"], abs=0.5)
    assert table(written)[1]["human.overall"] == "-1.0"


def test_a_dataset_without_texts_is_refused_in_words(written: Project) -> None:
    written.config["datasets"] = {"a": {"source": "videos/a"}}
    failed = written.run(ok=False)
    assert "datasets.a: pick reads a text for each video, and not one of a has one" in failed.text


def test_each_video_beside_its_own_reference(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", metrics=["pair"], define={"pair": PAIR})
    project.video("a", 0, seed=0)  # its own partner, bit for bit
    project.run()
    values = {line["id"]: float(line["psnr_cmq"]) for line in table(project)}
    assert values["v0.mp4"] == 100
    assert all(5 < values[f"v{n}.mp4"] < 60 for n in (1, 2, 3))
    (row,) = project.rows()
    assert row["value"] == pytest.approx(np.mean(list(values.values())))
    assert row["knobs"]["partners"] == "real"


@pytest.mark.stress
def test_what_one_more_pair_costs(tmp_path: Path) -> None:
    """The shards that it falls into; another rating costs no network."""
    project = Project(tmp_path / "project", videos=8, metrics=["pair"], define={"pair": PAIR}, shard_size=2)
    for name in ("real", "a"):
        project.config["datasets"][name] = {"source": f"{name}.jsonl"}
        manifest(project, name, ["x"] * 8)
    cold = project.run()
    assert (cold.jobs["clips"], cold.jobs["partners"], cold.jobs["features"]) == (4, 4, 4)
    assert not list((project.results / "clips").rglob("*.h5"))  # nobody has any more use for them
    assert project.run().idle
    before, digest = table(project), project.rows()[0]["partners_digest"]

    project.later()
    manifest(project, "real", ["another"] * 8, human=[{"overall": n} for n in range(8)])
    manifest(project, "a", ["another"] * 8, human=[{"overall": n} for n in range(8)])
    again = project.run()
    assert not {"clips", "partners", "features"} & again.jobs.keys()
    assert project.rows()[0]["partners_digest"] == digest

    project.later()
    for index, name in enumerate(("real", "a")):
        project.video(name, 8, seed=300 + index, length=20)  # longer than all others
        manifest(project, name, ["another"] * 9, human=[{"overall": n} for n in range(9)])
    again = project.run()
    assert (again.jobs["clips"], again.jobs["partners"], again.jobs["features"]) == (1, 1, 1)
    scores = {line["id"]: line["psnr_cmq"] for line in table(project)}
    assert {line["id"]: line["psnr_cmq"] for line in before}.items() <= scores.items()
    assert len(scores) == 9
    assert project.rows()[0]["partners_digest"] != digest

    project.later()
    project.video("real", 3, seed=400)  # the partner of one: its candidate's shard, and no more
    again = project.run()
    assert (again.jobs["partners"], again.jobs["features"]) == (1, 1)
    changed = {line["id"] for line in table(project) if line["psnr_cmq"] != scores[line["id"]]}
    assert changed == {"videos/a/v3.mp4"}


@pytest.mark.stress
def test_partners_are_decoded_once_for_all_networks(tmp_path: Path) -> None:
    clips = EVERY_FRAME | {"size": [64, 64]}
    both = {"psnr": PAIR | {"clips": clips}, "lpips": {"reduce": "mean", "extractor": "lpips_alex", "clips": clips}}
    project = Project(tmp_path / "project", metrics=["psnr"], define=both, weights="weights", shard_size=2)
    first = project.run()
    project.config["metrics"] = ["psnr", "lpips"]
    project.run("--until", "gate")  # another metric is another evaluation to the gate
    shards = first.jobs["features"]
    more = project.run("-n", "--forcerun", "features")
    assert (more.jobs["partners"], more.jobs["clips"], more.jobs["features"]) == (shards, shards, 2 * shards)


@pytest.mark.stress
def test_pairs_that_do_not_fit(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", metrics=["pair"], define={"pair": PAIR})
    project.run()
    project.later()
    project.video("a", 77, seed=8)
    project.video("a", 1, seed=101, length=6)
    failed = project.run(ok=False)
    assert "Bad videos: 2 in a. By reason: unequal-length 1, unpaired 1" in failed.text
    assert "v77.mp4: unpaired: has no partner of its own among the usable videos of the reference" in failed.text
    assert "has 6 frames, its partner" in failed.text
    assert "features" not in failed.jobs  # told before any network runs
    project.config["bad_videos"] = {"action": "reject", "max_fraction": 0.5}
    project.run()
    assert [line["id"] for line in table(project) if line["psnr_cmq"]] == [f"v{n}.mp4" for n in (0, 2, 3)]
    assert not any("left out" in text for text in project.rows()[0]["warnings"])
    project.config["define"]["pair"] = PAIR | {"unequal": "trim"}
    project.run()
    assert [line["id"] for line in table(project) if line["psnr_cmq"]] == [f"v{n}.mp4" for n in range(4)]
    assert project.rows()[0]["n_candidate"] == 8 + 6 + 8 + 8


def test_broken_videos_are_named(tmp_path: Path) -> None:
    still = STATIC | {"clips": {"frames": 8, "size": "native", "start": "spread"}}
    project = Project(tmp_path / "project", datasets=("a",), reference=None, report=True)
    project.config |= {"metrics": ["still"], "define": {"still": still}}
    good = frames(8, noise=3)
    encode(project.folder / "videos/a/v1.mp4", np.zeros_like(good))
    encode(project.folder / "videos/a/v2.mp4", np.repeat(good[:1], 8, axis=0))
    flickering = good.copy()
    flickering[1::2] //= 4
    encode(project.folder / "videos/a/v3.mp4", flickering)
    project.run()
    named = {line["id"]: line["broken"] for line in table(project)}
    assert named == {"v0.mp4": "", "v1.mp4": "black frozen", "v2.mp4": "frozen", "v3.mp4": "flickering"}
    told = json.loads((project.results / "test" / "metrics.json").read_text())["single"]
    assert [video["id"] for video in told["broken"]] == ["v1.mp4", "v2.mp4", "v3.mp4"]
    assert {video["id"] for video in told["worst"][0]["videos"][:2]} == {"v1.mp4", "v2.mp4"}
    page = (project.results / "test" / "report.html").read_text()
    assert "Broken videos" in page
    assert "black and frozen" in page
