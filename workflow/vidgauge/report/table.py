"""Results as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence, Set

from vidgauge.report import grid
from vidgauge.report.footnotes import caption
from vidgauge.report.grid import AT_INFINITY, LIMITS
from vidgauge.report.notes import notes, warnings
from vidgauge.report.results import Results
from vidgauge.report.standing import Line, lines

WIDTH = 160
INTERVALS = "[ ] 95 % interval by resampling videos (docs/uncertainty.md)"
SIGNS = {"best": " *", "tie": " =", "behind": "  ", "": "  "}


def table_text(results: Results) -> str:
    """One line per metric, one column per candidate, the best one and those as good marked, then the notes.

    An interval stands beside the number that it is of; where lines would be too long for most windows, below it.
    """
    found = lines(results)
    drawn = _drawn(results, found, beside=True)
    if max(map(len, drawn)) > WIDTH:
        drawn = _drawn(results, found, beside=False)
    said = [f"- {text}" for text in (*warnings(results), *notes(results))]
    return "\n".join([caption(results), "", *drawn, "", *_legend(found), *said]) + "\n"


def _drawn(results: Results, found: Sequence[Line], *, beside: bool) -> list[str]:
    """The lines of the table: numbers and intervals in columns of their own, or one below the other."""
    extra, candidates = grid.columns(results.rows), results.candidates
    heads = [part for name in candidates for part in ((name, "") if beside else (name,))]
    cells = [["metric", "", *extra, *heads, "samples", "videos"]]
    for line in found:
        counts = [grid.counts(line, "n"), grid.counts(line, "videos")]
        values, limits = _of_values(line, candidates), _of_limits(line, candidates)
        cells.append([line.label, line.arrow, *grid.cells(line, extra), *_placed(values, beside)[0], *counts])
        below = [("", text) for text in _placed(values, beside)[1:]]
        if line.has_limits:
            below += [
                (label, text) for label, text in zip((f"  {AT_INFINITY}", ""), _placed(limits, beside), strict=False)
            ]
        cells += [[label, "", *("" for _ in extra), *text, "", ""] for label, text in below if any(text)]
    first = 2 + len(extra)
    intervals = range(first + 1, first + len(heads), 2) if beside else ()
    return _aligned(cells, left={*range(first), *intervals})


def _of_values(line: Line, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Of each candidate the number with its mark, and its interval."""
    found = [(line.shown.get(name), _sign(line, name, here=not line.at_infinity)) for name in candidates]
    return [(one.value + sign, "" if one.limit else one.interval) if one else ("", "") for one, sign in found]


def _of_limits(line: Line, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Of each candidate what infinitely many videos would give, with its mark where that decides, and its interval."""
    found = [(line.shown.get(name), _sign(line, name, here=line.at_infinity)) for name in candidates]
    return [(one.limit + sign, one.interval) if one and one.limit else ("", "") for one, sign in found]


def _sign(line: Line, candidate: str, *, here: bool) -> str:
    return SIGNS[line.standing(candidate) if here else ""]


def _placed(pairs: Sequence[tuple[str, str]], beside: bool) -> list[list[str]]:
    """The cells of numbers and their intervals: in one line, or in two."""
    if beside:
        return [[cell for pair in pairs for cell in pair]]
    return [[number for number, _ in pairs], [interval for _, interval in pairs]]


def _legend(found: Sequence[Line]) -> list[str]:
    """What the table's signs mean, of those that are there."""
    intervals = any(one.interval for line in found for one in line.shown.values())
    parts = ["↓ lower is better, ↑ higher is better"]
    parts += ["* best"] if any(line.best for line in found) else []
    parts += ["= not distinguishable from the best"] if any(line.ties for line in found) else []
    parts += [INTERVALS] if intervals else []
    parts += ["± standard deviation over runs"] if any(line.first["std"] is not None for line in found) else []
    legend = ", ".join(parts)
    if any(line.first["reference"] is not None for line in found):
        legend += "; samples and videos: candidate / reference"
    return [legend, LIMITS] if any(line.has_limits for line in found) else [legend]


def _aligned(lines: Sequence[Sequence[str]], left: Set[int]) -> list[str]:
    """Columns of one width each, those of `left` flush left, the others flush right; none for a column of nothing."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index in left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
            if width
        ).rstrip()
        for line in lines
    ]
