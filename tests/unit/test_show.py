"""`vidgauge show`: several evaluations in one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tests.unit.test_table import difference, row
from vidgauge.cli import main
from vidgauge.report.results import joined
from vidgauge.report.table import table_text


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
    known = {"results": [row()], "differences": []}
    assert joined([{"evaluation": "one", **known}, {"evaluation": "two", **known}]).rows == [row()]


def test_a_name_that_means_two_things_is_told_apart() -> None:
    one, two = (row(value=value, candidate_digest=str(value) * 20) for value in (1.0, 2.0))
    found = joined([{"evaluation": name, "results": [of]} for name, of in (("one", one), ("two", two))])
    assert found.candidates == ["a (one)", "a (two)"]


def test_a_candidate_of_one_evaluation_keeps_its_name() -> None:
    """Metrics that take some of its shards have another digest of it."""
    rows = [row(metric, candidate_digest=digest * 64) for metric, digest in (("looks", "1"), ("motion", "2"))]
    assert joined([{"evaluation": "one", "results": rows}]).candidates == ["a"]


def test_differences_are_those_of_their_own_file(tmp_path: Path) -> None:
    """A tie in one evaluation says nothing of candidates of the same names in another."""
    both = []
    for name, known in (("one", [difference("looks", "a", "b")]), ("two", [])):
        rows = [row(candidate=c, value=v, candidate_digest=c + name, seed=name) for c, v in (("a", 1.0), ("b", 2.0))]
        both.append({"evaluation": name, "results": rows, "differences": known})
    found = joined(both)
    (pair,) = found.pairs
    assert (pair.a["candidate"], pair.b["candidate"]) == ("a (one)", "b (one)")
    text = table_text(found)
    first, second = (line for line in text.splitlines() if line.startswith("looks"))
    assert first.split()[3:7] == ["1", "*", "2", "="]
    assert second.split()[3:6] == ["1", "*", "2"]


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
