"""What the measuring of processes sees of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.performance import processes

CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import torch; sum(range(10**6))'], check=True)"


def test_every_process_is_seen_and_what_it_imported(tmp_path: Path) -> None:
    (tmp_path / "torch.py").touch()
    found = processes.watched([sys.executable, "-c", CHILD], tmp_path)
    assert [(process.words[1], process.torch) for process in sorted(found, key=lambda one: one.torch)] == [
        ("-c", False),
        ("-c", True),
    ]
    child, parent = sorted(found, key=lambda one: one.below)
    assert child.own > 0
    assert parent.below >= child.own
    assert not list(tmp_path.glob("*-*")), "notes are left nowhere"


def test_stages_are_told_by_their_commands() -> None:
    words = ["python", "-m", "vidgauge", "merge"]
    found = [
        processes.Process(words, 1.0, 2.0, False),
        processes.Process(words, 0.5, 0.0, False),
        processes.Process(["python", "-P", "-m", "vidgauge.contained.child"], 2.0, 0.0, False),
        processes.Process(["python", "-m", "snakemake", "-n"], 4.0, 7.5, False),
    ]
    assert processes.stages(found) == {"merge": 3.5, "snakemake": 4.0}


def test_a_command_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended with 3:\nno such luck"):
        processes.run([sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"], tmp_path)
