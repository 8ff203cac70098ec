"""What a paper must say below a table: how each line's numbers were made, each thing once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vidgauge.report import grid, words
from vidgauge.report.comparable import Row
from vidgauge.report.formulas import formula
from vidgauge.report.grid import LIMITS
from vidgauge.report.results import Results
from vidgauge.report.standing import Line

BOLD = "bold: the best candidate of a line, and all that are not distinguishable from it"
BRACKETS = "in brackets: 95 % intervals"


@dataclass(frozen=True)
class Footnotes:
    """What holds for all lines, and what holds for some, by the number that marks it."""

    common: Sequence[str]
    marked: Sequence[str]  # the first has number 1
    numbers: Sequence[Sequence[int]]  # of each line, in the order of the table


def footnotes(results: Results, lines: Sequence[Line]) -> Footnotes:
    """The footnotes of a table's lines."""
    facts = [_facts(line) for line in lines]
    common = [fact for fact in facts[0] if all(fact in other for other in facts)] if facts else []
    marked = list(dict.fromkeys(fact for of_line in facts for fact in of_line if fact not in common))
    numbers = [sorted(marked.index(fact) + 1 for fact in of_line if fact in marked) for of_line in facts]
    common = [*_signs(lines), *common, *_versions(results)]
    return Footnotes([*map(_sentence, common)], [*map(_sentence, marked)], numbers)


def caption(results: Results) -> str:
    """What a table shows."""
    against = f" against {', '.join(results.references)}" if results.references else ""
    return f"{results.title}: {', '.join(results.candidates)}{against}"


def _facts(line: Line) -> list[str]:
    """How the numbers of a line were made, a fact each."""
    rows, first = list(line.rows.values()), line.first
    methods = _distinct(rows, lambda row: (row.get("ci95_method") or "") if row["ci95"] else "")
    return [
        _clips(rows),
        _counts(line),
        *_distinct(rows, lambda row: f"network: {words.network_in_short(row)}"),
        formula(first["knobs"]["reduce"], first["options"]),
        "a definition of our own" if first["protocol"] == "user" else f"protocol {first['protocol']}",
        f"mean ± standard deviation over {first['runs']} runs, {words.seeds(first)}"
        if first["runs"] > 1
        else words.seeds(first),
        *(f"intervals: {method}" for method in methods),
        *_distinct(rows, lambda row: row["note"] or ""),
    ]


def _counts(line: Line) -> str:
    """How much there is of both sets; of each candidate where they differ."""
    rows, first = list(line.rows.values()), line.first
    if len({(row["n_candidate"], row["videos_candidate"]) for row in rows}) > 1:
        sides = ["candidate"] if first["reference"] is None else ["candidate", "reference"]
        return "; ".join(dict.fromkeys(words.set_of(row, side) for side in sides for row in rows))
    text = words.of_videos(first, grid.counts(line, "n"), grid.counts(line, "videos"))
    return text + (" (candidate / reference)" if first["reference"] is not None else "")


def _clips(rows: Sequence[Row]) -> str:
    """The clips of a line's sets, those of the reference where they are others."""
    ours = " or ".join(_distinct(rows, lambda row: words.clips(row, "candidate")))
    if rows[0]["reference"] is None:
        return ours
    theirs = " or ".join(_distinct(rows, lambda row: words.clips(row, "reference")))
    return ours if ours == theirs else f"candidate: {ours}; reference: {theirs}"


def _distinct(rows: Sequence[Row], said: Callable[[Row], str]) -> list[str]:
    return [text for text in dict.fromkeys(map(said, rows)) if text]


def _signs(lines: Sequence[Line]) -> list[str]:
    """What the signs of a table mean, of those that are there."""
    found = [BOLD] if any(line.best for line in lines) else []
    found += [BRACKETS] if any(one.interval for line in lines for one in line.shown.values()) else []
    return [*found, LIMITS] if any(line.has_limits for line in lines) else found


def _versions(results: Results) -> list[str]:
    return [f"made with vidgauge {' and '.join(results.versions)}"] if results.versions else []


def _sentence(fact: str) -> str:
    """A fact as a sentence. A name that it begins with stays as it is.

    >>> _sentence("seed 42"), _sentence("pixel_grid is ours")
    ('Seed 42.', 'pixel_grid is ours.')
    """
    plain = fact.split(maxsplit=1)[0].rstrip(":").isalpha()
    return f"{fact[0].upper() if plain else fact[0]}{fact[1:]}."
