"""`vidgauge compare`: the names it gives, the configuration it writes, what it says without running anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from vidgauge import compare as module
from vidgauge.compare import (
    Place,
    bindings,
    compare,
    configuration,
    evaluation_name,
    failure,
    name_datasets,
    place_of,
)
from vidgauge.config import load
from vidgauge.errors import UsageError
from vidgauge.manifest.listing import write_listing

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
DEFINE = "looks: {reduce: frechet, extractor: pixel_grid, clips: {frames: 4, size: [24, 32]}}\n"

sources = st.lists(st.text("aA_é .-*[é=7", min_size=1, max_size=6), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
places = sources.map(lambda source: {"source": source, "root": source})
names = st.text("ab", min_size=1, max_size=2)


def unnamed(*places: Place) -> list[tuple[str | None, Place]]:
    return [(None, place) for place in places]


def at(source: str) -> Place:
    return {"source": source, "root": source}


@given(st.lists(places, max_size=6, unique_by=str), st.dictionaries(names, places, max_size=3))
def test_names_are_valid_different_and_stable(asked: list[Place], bound: dict[str, Place]) -> None:
    bound = {name: place for name, place in bound.items() if list(bound.values()).count(place) == 1}
    first = name_datasets(unnamed(*asked), bound)
    assert len(set(first)) == len(asked)
    assert all(PLAIN.fullmatch(name) for name in first)
    for name, place in zip(first, asked, strict=True):
        assert bound.get(name, place) == place  # no binding is given another meaning
    after = bound | dict(zip(first, asked, strict=True))  # what a run leaves in the results folder
    assert name_datasets(unnamed(*asked), after) == first
    assert name_datasets(unnamed(*reversed(asked)), after) == first[::-1]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/runs/step10k", "step10k"),
        ("/runs/step10k.jsonl", "step10k"),
        ("/runs/v1.5/*.mp4", "v1.5"),
        ("/runs/*/samples", "samples"),
        ("/runs/my videos (2)", "my-videos-2"),
        ("/runs/.hidden", "hidden"),
        ("/runs/参考", "videos"),
        ("/", "videos"),
    ],
)
def test_a_name_is_the_last_part_of_the_path(source: str, name: str) -> None:
    assert name_datasets(unnamed(at(source)), {}) == [name]


@pytest.mark.parametrize(("folder", "name"), [("v1.5", "v1.5"), ("run [2]", "run-2")])
def test_a_folder_keeps_what_looks_like_a_suffix_or_a_pattern(tmp_path: Path, folder: str, name: str) -> None:
    (tmp_path / folder).mkdir()
    assert name_datasets(unnamed(place_of(str(tmp_path / folder))), {}) == [name]


def test_a_taken_name_gets_a_digest_of_the_place() -> None:
    bound = {"real": at("/a/real")}
    (name,) = name_datasets(unnamed(at("/b/real")), bound)
    assert re.fullmatch(r"real-[0-9a-f]{8}", name)
    assert name_datasets(unnamed(at("/a/real"), at("/b/real")), {}) == ["real", name]
    (longer,) = name_datasets(unnamed(at("/b/real")), {**bound, name: at("/elsewhere")})
    assert longer.startswith(name)
    assert len(longer) == len(name) + 1


def test_a_name_bound_to_more_than_the_source_is_not_used_again() -> None:
    bound = {"real": at("/a/real") | {"where": {"split": "test"}}, "all": {"source": "/a/real", "root": "/a"}}
    assert name_datasets(unnamed(at("/a/real")), bound)[0].startswith("real-")
    assert name_datasets(unnamed(at("/a/real")), {**bound, "again": at("/a/real")}) == ["again"]


def test_chosen_names_go_first_and_are_no_others() -> None:
    chosen = [(None, at("/a/x")), ("x", at("/b/y"))]
    first, second = name_datasets(chosen, {})
    assert first.startswith("x-")
    assert second == "x"
    for twice in ([("x", at("/a")), ("x", at("/b"))], unnamed(at("/a"), at("/a"))):
        with pytest.raises(UsageError, match="is there twice; give one another name: NAME=PATH"):
            name_datasets(twice, {})


def test_one_source_under_a_second_name_is_possible() -> None:
    given = [(None, at("/a/real")), ("again", at("/a/real"))]
    assert name_datasets(given, {}) == ["real", "again"]
    assert name_datasets(given, {"again": at("/a/real"), "real": at("/a/real")}) == ["real", "again"]


def test_bindings_are_those_of_the_results_folder(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").touch()
    (tmp_path / "link").symlink_to("videos")
    folder = tmp_path / "results" / "manifests" / "known"
    write_listing(folder, tmp_path / "videos", None, 1024, probe_version=1)
    bound = bindings(tmp_path / "results")
    assert list(bound) == ["known"]
    for path in (tmp_path / "videos", tmp_path / "link"):
        assert name_datasets(unnamed(place_of(str(path))), bound) == ["known"]
    assert bindings(tmp_path / "nowhere") == {}


def test_a_configuration_holds_only_what_is_no_default() -> None:
    config = configuration(
        {"real": "/real", "a": "/a"}, reference="real", metrics=["m"], seed=42, runs=2, device=None, results="results"
    )
    datasets = {"real": {"source": "/real"}, "a": {"source": "/a"}}
    assert config == {"reference": "real", "datasets": datasets, "metrics": ["m"], "runs": 2}
    assert "reference" not in configuration({"a": "/a"}, reference=None, metrics=["m"])


def test_an_evaluations_name_stands_for_what_is_asked_alone() -> None:
    asked: dict[str, Any] = {"datasets": {"a": {"source": "/a"}}, "metrics": ["m"]}
    name = evaluation_name(asked)
    assert re.fullmatch(r"compare-[0-9a-f]{8}", name)
    assert evaluation_name(asked | {"results": "there", "weights": "/w", "device": "cpu"}) == name
    assert evaluation_name(asked | {"seed": 7}) != name


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "define.yaml").write_text(DEFINE)
    for name in ("real", "a", "lr=0.1"):
        (tmp_path / name).mkdir()
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(compare, ["--define", "define.yaml", *arguments])


def saved(*arguments: str) -> dict[str, Any]:
    """The configuration that a command writes, checked."""
    result = call(*arguments, "--save", "mine.yaml")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = yaml.safe_load(Path("mine.yaml").read_text())
    load(found)
    return found


def test_save_writes_the_configuration_and_runs_nothing(here: Path) -> None:
    config = saved("real", "new=a", "--metric", "looks", "--seed", "7", "--bad-videos", "reject", "--weights", "w")
    assert config.pop("evaluation").startswith("compare-")
    assert config == {
        "report": False,
        "reference": "real",
        "datasets": {"real": {"source": str(here / "real")}, "new": {"source": str(here / "a")}},
        "metrics": ["looks"],
        "define": yaml.safe_load(DEFINE),
        "bad_videos": {"action": "reject"},
        "seed": 7,
        "weights": str(here / "w"),
    }
    assert not (here / "results").exists()
    first = (here / "mine.yaml").read_text().splitlines()[0]
    assert first.startswith("# made by: vidgauge compare --define define.yaml real new=a --metric looks --seed 7 ")


def test_a_path_with_an_equals_sign_is_a_path(here: Path) -> None:
    config = saved("real", "lr=0.1", "./lr=0.2", "--metric", "looks", "--name", "rates")
    assert config["evaluation"] == "rates"
    assert [dataset["source"] for dataset in config["datasets"].values()] == [
        str(here / name) for name in ("real", "lr=0.1", "lr=0.2")
    ]


def test_no_reference(here: Path) -> None:
    config = saved("real", "a", "--no-reference", "--metric", "inception_score_lite0")
    assert "reference" not in config
    assert list(config["datasets"]) == ["real", "a"]


def test_a_line_break_in_a_path_stays_in_the_comment(here: Path) -> None:
    config = saved("real", "a\nevaluation: other", "--metric", "looks")
    assert config["evaluation"].startswith("compare-")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["real", "a", "--metric", "look"], "metrics[0]: unknown metric 'look'; did you mean 'looks'?"),
        (["real", "--metric", "looks"], "only the reference 'real' is there"),
        (["real", "a", "--metric", "looks", "--no-reference"], "compares with a reference, but reference is null"),
        (["real", "a b=a", "--metric", "looks"], "'a b' cannot name files"),
        (["real", "x=", "--metric", "looks"], "'x=': names no dataset"),
        (["real", "a", "--metric", "looks", "--name", "../out"], "'../out' cannot name files"),
        (["real", "a", "--metric", "looks", "--name", "features"], "is a folder that results need"),
        (["real", "a", "--metric", "looks", "--save", "define.yaml"], "was not written by `vidgauge compare`"),
        (["real", "a", "--metric", "looks", "--define", "list.yaml"], "list.yaml: should hold what stands under"),
        (["real", "a", "--metric", "looks", "--define", "bad.yaml"], "bad.yaml: is no YAML"),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_is_written(here: Path, arguments: list[str], text: str) -> None:
    (here / "list.yaml").write_text("- looks\n")
    (here / "bad.yaml").write_text("looks: {\n")
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    result = call(*arguments)
    assert isinstance(result.exception, UsageError)
    assert text in str(result.exception)
    assert {path: path.stat().st_mtime_ns for path in here.rglob("*")} == before


def test_a_package_without_its_workflow_says_so(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROJECT", here)
    result = call("real", "a", "--metric", "looks")
    assert isinstance(result.exception, UsageError)
    assert f"{here / 'Snakefile'}: is not there" in str(result.exception)


OPENING = "Using workflow specific profile /p for setting defaults.\nBuilding DAG of jobs...\n"
BAR = "=" * 20


def job(log: str) -> str:
    return f"[now]\nError in rule gate:\n    log: x (check)\n{log}\n"


def test_a_failure_shows_the_logs_of_the_failed_jobs() -> None:
    logs = [f"Logfile {name}.log:\n{BAR}\nvidgauge: {name}\n  is bad\n{BAR}" for name in "ab"]
    text = OPENING + job(logs[0]) + "Removing output\n" + job(logs[1]) + "WorkflowError:\n"
    assert failure(text) == "a.log:\nvidgauge: a\n  is bad\nb.log:\nvidgauge: b\n  is bad"


def test_a_failure_without_a_log_shows_all() -> None:
    assert failure(OPENING + "results is in use by another run\n") == "results is in use by another run"
    text = job("Logfile a.log: empty file") + job(f"Logfile b.log:\n{BAR}\nvidgauge: b\n{BAR}")
    assert failure(OPENING + text) == text.strip()
