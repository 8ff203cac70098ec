"""Results as a Markdown table with footnotes."""

from __future__ import annotations

import re

from vidgauge.report import grid
from vidgauge.report.footnotes import caption, footnotes
from vidgauge.report.grid import AT_INFINITY
from vidgauge.report.notes import notes, warnings
from vidgauge.report.results import Results
from vidgauge.report.standing import Line, lines


def markdown_text(results: Results) -> str:
    """A table as GitHub and Pandoc show it, with footnotes that say how the numbers were made, and the notes."""
    found, extra = lines(results), grid.columns(results.rows)
    said, remarks = footnotes(results, found), [*warnings(results), *notes(results, made=False)]
    rows = [
        ["metric", *map(escaped, extra), *map(escaped, results.candidates)],
        ["---", *("---" for _ in extra), *("---:" for _ in results.candidates)],
    ]
    for line, numbers in zip(found, said.numbers, strict=True):
        head = f"{escaped(line.label)} {line.arrow}{''.join(f'[^{number}]' for number in numbers)}"
        rows.append([head, *map(escaped, grid.cells(line, extra)), *_values(line, results)])
        if line.has_limits:
            rows.append([f"*{AT_INFINITY}*", *("" for _ in extra), *_limits(line, results)])
    return "\n".join(
        [
            f"**{escaped(caption(results))}**",
            "",
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
            escaped(" ".join(said.common)),
            "",
            *(f"- {escaped(text)}" for text in remarks),
            "",
            *(f"[^{number}]: {escaped(text)}" for number, text in enumerate(said.marked, 1)),
            "",
        ]
    )


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is, also within a table.

    >>> print(escaped("frames_lite0 | *x*"))
    frames\_lite0 \| \*x\*
    """
    return re.sub(r"([\\`*_\[\]<>|~#$])", r"\\\1", " ".join(text.split()))


def _values(line: Line, results: Results) -> list[str]:
    cells = []
    for name in results.candidates:
        found = line.shown.get(name)
        interval = found.interval if found and not found.limit else ""
        cells.append(_cell(line, name, found.value, interval, marked=not line.at_infinity) if found else "")
    return cells


def _limits(line: Line, results: Results) -> list[str]:
    found = [(name, line.shown.get(name)) for name in results.candidates]
    return [
        _cell(line, name, one.limit, one.interval, marked=line.at_infinity) if one and one.limit else ""
        for name, one in found
    ]


def _cell(line: Line, candidate: str, number: str, interval: str, *, marked: bool) -> str:
    """A number with its interval; bold where the line is marked and the candidate among its best."""
    bold = "**" if marked and line.standing(candidate) in ("best", "tie") else ""
    return f"{bold}{number}{bold} {escaped(interval)}".rstrip()
