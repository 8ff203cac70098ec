"""`vidgauge show`: several evaluations in one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tests.unit.test_table import row
from vidgauge.cli import main
from vidgauge.report.commands import joined


def show(folder: Path, **evaluations: list[dict[str, Any]]) -> str:
    files = []
    for name, rows in evaluations.items():
        files.append(folder / f"{name}.json")
        files[-1].write_text(json.dumps({"evaluation": name, "results": rows}))
    done = CliRunner().invoke(main, ["show", *map(str, files)])
    assert done.exit_code == 0, done.output
    return done.output


def test_candidates_of_two_evaluations_stand_side_by_side(tmp_path: Path) -> None:
    text = show(tmp_path, one=[row(candidate="a", value=2.0)], two=[row(candidate="b", value=1.0)])
    assert text.startswith("one, two: a, b against real\n")
    (line,) = (line for line in text.splitlines() if line.startswith("looks"))
    assert line.split()[:5] == ["looks", "↓", "2", "1", "*"]


def test_the_same_row_is_there_once(tmp_path: Path) -> None:
    assert joined([("one", [row()]), ("two", [row()])]) == [row()]


def test_a_name_that_means_two_things_is_told_apart() -> None:
    one, two = (row(value=value, candidate_digest=str(value) * 20) for value in (1.0, 2.0))
    found = joined([("one", [one]), ("two", [two])])
    assert [one["candidate"] for one in found] == ["a (one)", "a (two)"]


def test_no_number_is_lost(tmp_path: Path) -> None:
    """Another seed is another number of the same candidate, and so is one that came out otherwise elsewhere."""
    text = show(tmp_path, one=[row(value=1.0, seed=42)], two=[row(value=2.0, seed=7)], three=[row(value=3.0, seed=7)])
    cells = [line.split()[:4] for line in text.splitlines() if line.startswith("looks")]
    assert cells == [["looks", "[1]", "↓", "1"], ["looks", "[2]", "↓", "2"], ["looks", "[3]", "↓", "3"]]
    assert "do not compare with one another: seed 42 | 7 | 7" in text


def test_folders_hold_their_tables(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "metrics.json").write_text(json.dumps({"evaluation": "mine", "results": [row()]}))
    done = CliRunner().invoke(main, ["show", str(tmp_path / "mine")])
    assert done.output.startswith("mine: a against real")


def test_other_settings_stay_apart(tmp_path: Path) -> None:
    changed = row(candidate="b", knobs={"reduce": "looks", "size": "64"})
    text = show(tmp_path, one=[row()], two=[changed])
    assert "looks [1]" in text
    assert "do not compare with one another: size - | 64" in text
