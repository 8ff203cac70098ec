"""What made the results: the same for the same work, with what differs from run to run in one place."""

from __future__ import annotations

import json
import os
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import vidgauge
from tests.unit.test_table import PLAN, row
from vidgauge.report import provenance as module
from vidgauge.report.provenance import config_digest, git_revision, provenance

RUN = {"started": 1767225600.0, "command": ["snakemake", "--cores", "8"], "cores": 8}
WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, **WHO}
    done = subprocess.run(
        ["git", "-C", folder, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit, which has a tag."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    git(tmp_path, "tag", "--annotate", "v1", "--message", "v1")
    return tmp_path


def test_what_made_the_numbers() -> None:
    found = provenance(PLAN, [])
    assert found["vidgauge"] == vidgauge.__version__
    assert found["config"] == PLAN["config"]
    assert found["config_digest"] == config_digest(PLAN["config"])
    assert found["metrics"] == PLAN["metrics"]
    assert found["packages"]["numpy"] == metadata.version("numpy")
    assert {"torch", "av", "scipy", "h5py"} <= set(found["packages"])
    assert found["platform"]


def test_what_rows_know_is_gathered() -> None:
    made = {"a": {"device": "cpu", "versions": {"numpy": "2"}}}
    rows: list[dict[str, Any]] = [
        row(candidate_digest="1" * 64, reference_digest="2" * 64, weights="i3d", weights_sha256="3" * 64),
        row("motion", candidate_digest="4" * 64, reference_digest="2" * 64, precision="float32", device="cpu"),
        row("motion", "b", reference=None, extractor="net", device="cpu", made_with=made),
        row("other", "b", reference=None, extractor="net", device="cpu", made_with=made),
    ]
    found = provenance(PLAN, rows)
    assert found["manifests"] == {"a": ["1" * 64, "4" * 64], "real": ["2" * 64]}
    assert found["weights"] == {"i3d": "3" * 64}
    assert found["precision"] == ["float32"]
    assert {"extractor": "net", "device": "cpu", "made_with": made} in found["features"]
    assert len(found["features"]) == 3
    json.dumps(found)


def test_two_runs_differ_under_made_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    first = provenance(PLAN, [row()])
    monkeypatch.setattr(module.socket, "gethostname", lambda: "elsewhere")
    second = provenance(PLAN, [row()], RUN)
    assert second["made"]["host"] == "elsewhere"
    assert second["made"]["at"] >= first["made"]["at"]
    assert {key for key in first if first[key] != second[key]} == {"made"}
    assert list(first["made"]) == list(second["made"]) == ["at", "host", "started", "command", "cores"]
    assert (first["made"]["command"], first["made"]["started"]) == (None, None)


def test_how_the_run_was_started() -> None:
    made = provenance(PLAN, [], RUN)["made"]
    assert made["started"] == "2026-01-01T00:00:00+00:00"
    assert (made["command"], made["cores"]) == (RUN["command"], 8)


def test_the_digest_of_a_configuration_knows_no_order() -> None:
    assert config_digest({"a": 1, "b": [2, 3]}) == config_digest({"b": [2, 3], "a": 1})
    assert config_digest({"a": 1}) != config_digest({"a": 2})
    assert len(config_digest({})) == 64


def test_the_commit_and_whether_files_differ(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    assert git_revision(checkout) == commit
    (checkout / "new").write_text("results, say")
    assert git_revision(checkout) == commit
    (checkout / "file").write_text("two")
    assert git_revision(checkout) == f"{commit}-dirty"


def test_another_repository_is_not_asked(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installed package lies in the user's own repository; a hook of that one names it in its variables."""
    inner = checkout / "venv" / "vidgauge"
    inner.mkdir(parents=True)
    assert git_revision(inner) is None
    commit = git(checkout, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert git_revision(checkout) == commit


def test_what_is_not_known_is_null(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    assert git_revision(empty) is None  # no commit

    def slow(*arguments: Any, timeout: float, **options: Any) -> None:
        raise subprocess.TimeoutExpired("git", timeout)

    monkeypatch.setattr(module.subprocess, "run", slow)
    assert git_revision(checkout) is None
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(empty))
    assert git_revision(checkout) is None  # no git
