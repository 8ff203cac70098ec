"""Weights in the workflow: fetched once and only where they are needed, trusted only where that is said."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.extractors import pseudo
from tests.workflow.project import CLIPS, FRAMES, Project

pytestmark = pytest.mark.workflow

MINE = {"reduce": "frechet", "extractor": "mine", "clips": CLIPS}
FVD = {"reduce": "frechet", "extractor": "i3d_kinetics400", "clips": CLIPS | {"frames": 9}}


class Corners(torch.nn.Module):
    """A network of a user: three numbers of each clip."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(1)
        return torch.stack([flat.mean(1), flat.std(1), flat[:, 0]], dim=1) * self.factor


class StandIn(torch.nn.Module):
    """Called as the published I3D archive is."""

    def forward(
        self, x: torch.Tensor, rescale: bool = False, resize: bool = False, return_features: bool = False
    ) -> torch.Tensor:
        assert rescale
        assert resize
        assert return_features
        return x.flatten(1)[:, :400]


@pytest.mark.stress
def test_a_network_of_ones_own(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", metrics=["mine", "looks"], define={"mine": MINE, "looks": FRAMES})
    network = pseudo.scripted(Corners(1.0), project.folder / "corners.pt")
    keys: dict[str, Any] = {"torchscript": "corners.pt", "input": {"layout": "BCTHW"}}
    project.config["extractors"] = {"mine": keys}
    refused = project.run(ok=False)
    assert (
        "extractors.mine: corners.pt is a program that would be run; give its sha256, or say that you trust it"
        in refused.text
    )
    project.config["extractors"] = {"mine": keys | {"trust": True, "licence": "mine alone"}}
    cold = project.run()
    assert cold.jobs["weights"] == 0
    row = next(row for row in project.rows() if row["metric"] == "mine")
    digest = hashlib.sha256(network.read_bytes()).hexdigest()
    assert (row["weights"], row["weights_sha256"], row["weights_verified"]) == ("corners.pt", digest, False)
    assert "weights not verified: no digest of corners.pt is known" in row["warnings"][0]
    assert re.search(r"- mine: weights corners.pt, licence: mine alone", cold.text)
    assert project.run().idle
    network.rename(project.folder / "elsewhere.pt")  # the same file at another place
    project.config["extractors"]["mine"]["torchscript"] = "elsewhere.pt"
    assert project.run().jobs["features"] == 0
    pseudo.scripted(Corners(2.0), project.folder / "elsewhere.pt")
    assert project.run().jobs["features"] == 2
    assert project.value("mine", "a") == pytest.approx(4 * row["value"])
    project.config["extractors"]["mine"] |= {"trust": False, "sha256": project.rows()[0]["weights_sha256"]}
    vouched = project.run()
    assert vouched.jobs["features"] == 0
    assert project.rows()[0]["weights_verified"]
    (project.folder / "elsewhere.pt").unlink()
    assert project.run().idle
    project.video("a", 0, seed=99)
    assert "elsewhere.pt: no such file" in project.run(ok=False).text


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A web server for the files of a folder: its address, and what was asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def publish(project: Project, file: Path, address: str) -> None:
    """Make a file the known weights of I3D, to be had at that address alone."""
    registry = project.copy_vidgauge() / "workflow/vidgauge/weights/registry.yaml"
    first, *others = registry.read_text().split("\n- name: ")[1:]
    assert first.startswith("i3d_styleganv\n")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    first = re.sub(r"addresses:\n(    - .*\n)+", f"addresses:\n    - {address}/{file.name}\n", first)
    first = re.sub(r"bytes: \d+", f"bytes: {file.stat().st_size}", first)
    first = re.sub(r"sha256: \w+", f"sha256: {digest}", first)
    first = re.sub(r"  git_blob: \w+\n", "", first)
    registry.write_text("".join(f"\n- name: {entry}" for entry in [first, *others]))


@pytest.mark.stress
def test_weights_are_fetched_where_they_are_needed(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    file = pseudo.scripted(StandIn(), tmp_path / "web" / "i3d_torchscript.pt")
    project = Project(
        tmp_path / "project", videos=3, metrics=["fvd"], define={"fvd": FVD}, weights="weights", shard_size=1024
    )
    for name in ("real", "a"):
        for number in range(3):
            project.video(name, number, seed=number + len(name), length=12)
    with served(tmp_path / "web") as (address, asked):
        publish(project, file, address)
        cold = project.run()
        assert cold.jobs["weights"] == 1
        assert cold.text.index("rule weights:") < cold.text.index("rule clips:")
        (row,) = project.rows()
        assert (row["weights"], row["weights_verified"], row["array"]) == ("i3d_styleganv", True, "logits")
        assert not any("not verified" in text for text in row["warnings"])
        assert "weights i3d_styleganv, licence: not stated" in cold.text
        kept = project.folder / "weights/i3d_styleganv/i3d_torchscript.pt"
        assert kept.read_bytes() == file.read_bytes()
        assert project.run().idle
        kept.unlink()
        assert project.run().idle  # nothing needs them now
        assert len(asked) == 1
        project.video("a", 3, seed=9, length=12)
        assert project.run().jobs == Counter(
            probe=1, manifest=1, screen=1, gate=1, weights=1, clips=1, features=1, merge=1, metric=1, table=1
        )
        assert len(asked) == 2
    kept.unlink()
    project.video("a", 3, seed=10, length=12)
    offline = project.run(ok=False)
    assert offline.jobs["clips"] == 0
    assert "vidgauge weights add i3d_styleganv FILE" in offline.text


@pytest.mark.stress
def test_weights_of_other_folders_dry_runs_and_forced_ones(tmp_path: Path) -> None:
    """Two evaluations of one results folder, kept clips, -n and -F: each fetches what it needs, none loses features."""
    (tmp_path / "web").mkdir()
    file = pseudo.scripted(StandIn(), tmp_path / "web" / "i3d_torchscript.pt")
    project = Project(tmp_path / "project", videos=2, metrics=["fvd"], define={"fvd": FVD}, keep_clips=True)
    for name in ("real", "a"):
        for number in range(2):
            project.video(name, number, seed=number + len(name), length=12)
    with served(tmp_path / "web") as (address, asked):
        publish(project, file, address)
        project.config["weights"] = "one"
        dry = project.run("-n")
        assert not asked
        assert not (project.folder / "one").exists()
        assert dry.code == 0
        assert project.run().jobs["weights"] == 1
        assert project.run("-n").idle
        project.config |= {"evaluation": "other", "weights": "two"}
        second = project.run()
        assert (second.jobs["weights"], second.jobs["clips"], second.jobs["features"]) == (0, 0, 0)
        assert len(asked) == 1  # nothing was computed, so nothing was fetched
        forced = project.run("-F")
        assert (forced.jobs["weights"], forced.jobs["features"]) == (1, 2)
        assert len(asked) == 2
        project.config |= {"evaluation": "test", "weights": "one"}
        assert project.run("-n").jobs["features"] == 0
        (project.folder / "two/i3d_styleganv/i3d_torchscript.pt").unlink()
        (project.folder / "one/i3d_styleganv/i3d_torchscript.pt").unlink()
        project.config["metrics"] = ["fvd", "looks"]
        project.config["define"]["looks"] = {**FRAMES, "clips": FVD["clips"]}
        kept = project.run()  # the same kept clips, a network without weights
        assert (kept.jobs["weights"], kept.jobs["clips"], kept.jobs["features"]) == (0, 0, 2)
        assert len(asked) == 2
