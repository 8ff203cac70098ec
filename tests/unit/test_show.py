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
    found = joined([("one", [row(value=1.0)]), ("two", [row(value=2.0)])])
    assert [one["candidate"] for one in found] == ["a (one)", "a (two)"]


def test_other_settings_stay_apart(tmp_path: Path) -> None:
    changed = row(candidate="b", knobs={"reduce": "looks", "size": "64"})
    text = show(tmp_path, one=[row()], two=[changed])
    assert "looks [1]" in text
    assert "differ in: size - | 64" in text
