"""Rows of results as JSON, as CSV, and as a table to be read.

A row is what one metric says of one candidate; `vidgauge.evaluate.ROW` lists its keys.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

ARROWS = {"lower": "↓", "higher": "↑"}


def csv_text(rows: Sequence[Row]) -> str:
    """One line per row: the row's keys, `ci95_lo`, `ci95_hi`, and a column `values.<name>` for each part of a value."""
    flat = [_flat(row) for row in rows]
    columns = list(dict.fromkeys(key for row in flat for key in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def _flat(row: Row) -> dict[str, Any]:
    low, high = row["ci95"] or (None, None)
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if key == "ci95":
            flat |= {"ci95_lo": low, "ci95_hi": high}
        elif key != "values":
            flat[key] = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
    return flat | {f"values.{name}": value for name, value in row["values"].items()}


def table_text(evaluation: str, rows: Sequence[Row], left_out: Mapping[str, Mapping[str, int]] | None = None) -> str:
    """A table for the terminal: one line per metric, one column per candidate, the best one marked, then the notes.

    left_out: videos that were rejected, {dataset: {reason: how many}}.
    """
    candidates = list(dict.fromkeys(row["candidate"] for row in rows))
    references = sorted({row["reference"] for row in rows if row["reference"] is not None})
    lines = [["metric", "", *candidates, "samples", "videos"]]
    for group in _by_metric(rows):
        first, best = group[0], _best(group)
        cells = {row["candidate"]: _number(row) + (" *" if row["candidate"] in best else "  ") for row in group}
        counts = [_counts(group, "n"), _counts(group, "videos")]
        lines.append([first["metric"], ARROWS[first["better"]], *(cells.get(name, "") for name in candidates), *counts])
    title = f"{evaluation}: {', '.join(candidates)}" + (f" against {', '.join(references)}" if references else "")
    legend = "↓ lower is better, ↑ higher is better, * best; samples and videos: candidate / reference"
    return "\n".join([title, "", *_aligned(lines), "", legend, *_notes(rows), *_left_out(left_out or {})]) + "\n"


def _by_metric(rows: Sequence[Row]) -> Iterable[list[Row]]:
    for name in dict.fromkeys(row["metric"] for row in rows):
        yield [row for row in rows if row["metric"] == name]


def _best(group: Sequence[Row]) -> set[str]:
    """The candidates with the best number; none where there is nothing to choose."""
    known = [row for row in group if row["value"] is not None]
    if len(known) < 2:
        return set()
    best = (min if group[0]["better"] == "lower" else max)(row["value"] for row in known)
    names = {row["candidate"] for row in known if row["value"] == best}
    return names if len(names) < len(known) else set()


def _number(row: Row) -> str:
    if row["value"] is None:
        return "undefined"
    spread = f" ± {row['std']:.2g}" if row["std"] is not None else ""
    return f"{row['value']:.5g}{spread}"


def _counts(group: Sequence[Row], kind: str) -> str:
    """The counts behind a line of the table: one number where all candidates have the same."""

    def span(values: set[int]) -> str:
        return str(min(values)) if len(values) == 1 else f"{min(values)}-{max(values)}"

    candidate = span({row[f"{kind}_candidate"] for row in group})
    reference = {row[f"{kind}_reference"] for row in group} - {None}
    return f"{candidate} / {span(reference)}" if reference else candidate


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index < 2 else cell.rjust(width) for index, (cell, width) in enumerate(pairs)
        ).rstrip()
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    ]


def _left_out(left_out: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [
        f"- {dataset}: {sum(reasons.values())} videos left out "
        f"({', '.join(f'{reason} {count}' for reason, count in reasons.items())}); see rejected.jsonl"
        for dataset, reasons in left_out.items()
    ]


def _notes(rows: Sequence[Row]) -> list[str]:
    """Warnings, notes and licences, each once, with what it speaks of."""
    spoken: dict[str, list[Row]] = {}
    for row in rows:
        for text in [*row["warnings"], *([row["note"]] if row["note"] else []), *_licence(row)]:
            spoken.setdefault(text, []).append(row)
    return [f"- {_subject(those, rows)}: {text}" for text, those in spoken.items()]


def _licence(row: Row) -> list[str]:
    return [f"weights {row['weights']}, licence: {row['licence']}"] if row["weights"] else []


def _subject(those: Sequence[Row], rows: Sequence[Row]) -> str:
    """What a note speaks of, as short as can be: everything, some metrics of all candidates, or single numbers."""
    if len(those) == len(rows):
        return "all"
    names = []
    for metric, group in ((group[0]["metric"], group) for group in _by_metric(those)):
        whole = len(group) == sum(row["metric"] == metric for row in rows)
        names += [metric] if whole else [f"{metric} of {row['candidate']}" for row in group]
    return ", ".join(names)
