"""Rows of the performance page say what was measured, what was wanted, and nothing more than that."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.performance import page
from benchmarks.performance.rows import Row


@pytest.mark.parametrize(
    ("row", "met", "cells"),
    [
        (Row("a against b", 8.0, at_least=8), True, ("8x", "at least 8x", "yes")),
        (Row("a against b", 7.994, at_least=8), False, ("7.99x", "at least 8x", "no")),
        (Row("waiting", 3.1, "%", at_most=3), False, ("3.1 %", "at most 3 %", "no")),
        (Row("growth", 0.95, at_least=0.9, at_most=1.1), True, ("0.95x", "at least 0.9x and at most 1.1x", "yes")),
        (Row("growth", 1.2, at_least=0.9, at_most=1.1), False, ("1.2x", "at least 0.9x and at most 1.1x", "no")),
        (Row("a fact", 1234.5, "MB"), None, ("1,234 MB", "", "")),
        (Row("on a GPU", None, "%", at_least=40), None, ("not measured", "at least 40 %", "")),
    ],
)
def test_a_row_says_whether_its_target_is_met(row: Row, met: bool | None, cells: tuple[str, ...]) -> None:
    assert row.met is met
    assert row.cells()[1:4] == cells


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    monkeypatch.setattr(page, "FIGURES", tmp_path / "performance.json")
    return tmp_path / "performance.md"


def test_a_section_replaces_itself_and_leaves_the_others_and_the_words_around(file: Path) -> None:
    file.write_text(f"above\n\n{page.BEGIN}\nold\n{page.END}\n\nbelow\n")
    order = ("one", "two")
    two = page.Section("Two", "A machine", [Row("z", None, "%", at_most=3, note="why")])
    page.keep("two", two, order=order)
    page.keep("one", page.Section("One", "A machine", [Row("gone", 9.0)]), order=order)
    page.keep(
        "one", page.Section("One", "A machine", [Row("x", 9.0, at_least=8), Row("y", 1.0, at_least=8)]), order=order
    )
    text = file.read_text()
    assert text.startswith("above\n\n")
    assert text.endswith("\n\nbelow\n")
    assert "old" not in text
    assert "gone" not in text
    assert "Of 2 targets that were measured, 1 is met. 1 row was not measured." in text
    assert "| x | 9x | at least 8x | yes |  |" in text
    assert text.index("### One") < text.index("### Two")
    assert text.count("A machine:") == 1
    assert page.read()["two"] == two


def test_a_page_without_markers_is_refused(file: Path) -> None:
    file.write_text("nothing")
    with pytest.raises(ValueError, match=r"performance\.md: expected the lines"):
        page.keep("one", page.Section("One", "A machine", []), order=("one",))
    assert file.read_text() == "nothing"
