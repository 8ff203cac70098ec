"""docs/performance.md: the tables of what was measured last, between two markers; the words around are by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from benchmarks.performance.rows import Row

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "performance.md"
FIGURES = ROOT / "benchmarks" / "performance.json"
BEGIN, END = "<!-- measured by make bench: begin -->", "<!-- end -->"
HEAD = ("what", "measured", "target", "met", "figures")


@dataclass(frozen=True)
class Section:
    """What a module measured, and on which machine."""

    title: str
    machine: str
    rows: Sequence[Row]


def keep(name: str, section: Section, *, order: Sequence[str]) -> None:
    """Put a section in the place of what was measured of it before, and write the page. order: of all there are.

    Raises ValueError where the page has no place for tables.
    """
    found = read() | {name: section}
    ordered = {known: found[known] for known in order if known in found}
    text = PAGE.read_text(encoding="utf-8")
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"{PAGE}: expected the lines {BEGIN!r} and {END!r}, between which the tables go")
    tables = [part for machine, of in groupby(ordered.values(), lambda one: one.machine) for part in _said(machine, of)]
    PAGE.write_text(before + "\n\n".join([BEGIN, summary(ordered.values()), *tables, END]) + after, encoding="utf-8")
    kept = {known: asdict(of) for known, of in ordered.items()}
    FIGURES.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read() -> dict[str, Section]:
    """What was measured before, by section."""
    if not FIGURES.exists():
        return {}
    kept = json.loads(FIGURES.read_text(encoding="utf-8"))
    return {name: Section(of["title"], of["machine"], [Row(**row) for row in of["rows"]]) for name, of in kept.items()}


def table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table."""
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def summary(sections: Iterable[Section]) -> str:
    """How many targets are met, in two sentences."""
    rows = [row for section in sections for row in section.rows]
    met = [row.met for row in rows if row.met is not None]
    left = sum(row.value is None for row in rows)
    return (
        f"Of {len(met)} targets that were measured, {sum(met)} {'is' if sum(met) == 1 else 'are'} met. "
        f"{left} {'row was' if left == 1 else 'rows were'} not measured."
    )


def _said(machine: str, sections: Iterable[Section]) -> list[str]:
    return [f"{machine}:", *(f"### {section.title}\n\n{table(section.rows)}" for section in sections)]
