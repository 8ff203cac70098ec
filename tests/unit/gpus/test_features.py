"""The features command: its network sees one GPU, leased while it runs, or none where it has no use for one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.unit.extractors.test_run import write
from tests.unit.gpus.machine import Machine
from vidgauge import extractors
from vidgauge.cli import main
from vidgauge.extractors import loading
from vidgauge.gpus import leasing
from vidgauge.specs import Network, Setup

Command = Callable[..., list[tuple[str | None, int]]]


@pytest.fixture
def features(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run it; what its network sees: CUDA_VISIBLE_DEVICES, and how many leases there are."""
    machine.has([5000, 0])
    clips = write(tmp_path / "clips.h5", ["a", "b"])
    plain = extractors.spec("pixel_grid")

    def run(*options: str, uses_gpu: bool = True) -> list[tuple[str | None, int]]:
        seen: list[tuple[str | None, int]] = []

        def build(setup: Setup) -> Network:
            seen.append((os.environ.get("CUDA_VISIBLE_DEVICES"), len(leasing._held)))
            return plain.build(setup)

        spec = replace(plain, uses_gpu=uses_gpu, build=build)
        monkeypatch.setattr(loading, "spec_of", lambda _: spec)
        command = ["features", str(clips), "--extractor", "pixel_grid", "--out", str(tmp_path / "f.h5"), *options]
        found = CliRunner().invoke(main, command)
        assert found.exit_code == 0, found.output
        assert (found.output, leasing._held) == ("", set())
        return seen

    return run


def test_a_gpu_is_leased_while_the_network_runs(features: Command) -> None:
    assert features() == features("--device", "cuda") == [("GPU-1", 1)]


def test_no_gpu_is_leased_for_the_cpu(features: Command, machine: Machine) -> None:
    assert features("--device", "cpu") == [(None, 0)]
    assert features(uses_gpu=False) == [(None, 0)]
    machine.has([])
    assert features() == [(None, 0)]
    assert not list(machine.locks.iterdir())
