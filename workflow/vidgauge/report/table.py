"""Rows of results as JSON, as CSV, and as a table to be read.

A row is what one metric says of one candidate; `vidgauge.evaluate.ROW` lists its keys.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from vidgauge.presets import presets
from vidgauge.report import comparable
from vidgauge.report.comparable import Row

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

    What does not compare stands in lines of its own, and a note says which knob differs.

    left_out: videos that were rejected, {dataset: {reason: how many}}.
    """
    candidates = list(dict.fromkeys(row["candidate"] for row in rows))
    references = sorted({row["reference"] for row in rows if row["reference"] is not None})
    groups = comparable.lines(rows)
    extra = _columns_of_lines(rows)
    cells = [["metric", "", *extra, *candidates, "samples", "videos"]]
    for label, group in groups.items():
        first, best = group[0], _best(group)
        values = {row["candidate"]: _number(row) + (" *" if row["candidate"] in best else "  ") for row in group}
        head = [label, ARROWS[first["better"]], *(first[key] or "-" for key in extra)]
        counts = [_counts(group, "n"), _counts(group, "videos")]
        cells.append([*head, *(values.get(name, "") for name in candidates), *counts])
    title = f"{evaluation}: {', '.join(candidates)}" + (f" against {', '.join(references)}" if references else "")
    legend = "↓ lower is better, ↑ higher is better, * best; samples and videos: candidate / reference"
    aligned = _aligned(cells, left=2 + len(extra))
    notes = [
        *_notes(groups),
        *_uneven(groups),
        *(f"- {text}" for text in comparable.apart(groups)),
        *_left_out(left_out or {}),
    ]
    return "\n".join([title, "", *aligned, "", legend, *notes]) + "\n"


def _columns_of_lines(rows: Sequence[Row]) -> list[str]:
    """What a line must say besides its metric: the protocol where it is not plain, the reference where several are."""
    protocols = {row["protocol"] for row in rows}
    own = {row["metric"] for row in rows if row["protocol"] == "user"}
    plain = protocols in ({"vidgauge"}, {"user"}) and not own & presets().keys()
    several = len({row["reference"] for row in rows if row["reference"] is not None}) > 1
    return [*([] if plain else ["protocol"]), *(["reference"] if several else [])]


def _uneven(groups: Mapping[str, Sequence[Row]]) -> list[str]:
    """Lines whose candidates have different numbers of samples: most metrics depend on that, so none is the best."""
    uneven = [label for label, group in groups.items() if len({row["n_candidate"] for row in group}) > 1]
    return [f"- {', '.join(uneven)}: different numbers of samples, so no best one is marked"] if uneven else []


def _best(group: Sequence[Row]) -> set[str]:
    """The candidates with the best number; none where there is nothing to choose, or sets of several sizes."""
    known = [row for row in group if row["value"] is not None]
    if len(known) < 2 or len({row["n_candidate"] for row in known}) > 1:
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
    """The counts behind a line of the table: one number where all candidates have the same, ? where none is known."""

    def span(values: set[int | None]) -> str:
        known = sorted(value for value in values if value is not None)
        return "?" if not known else str(known[0]) if len(known) == 1 else f"{known[0]}-{known[-1]}"

    candidate = span({row[f"{kind}_candidate"] for row in group})
    if group[0]["reference"] is None:
        return candidate
    return f"{candidate} / {span({row[f'{kind}_reference'] for row in group})}"


def _aligned(lines: Sequence[Sequence[str]], left: int) -> list[str]:
    """Columns of one width each, the first `left` ones flush left, the others flush right."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index < left else cell.rjust(width) for index, (cell, width) in enumerate(pairs)
        ).rstrip()
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    ]


def _left_out(left_out: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [
        f"- {dataset}: {sum(reasons.values())} videos left out "
        f"({', '.join(f'{reason} {count}' for reason, count in reasons.items())}); see rejected.jsonl"
        for dataset, reasons in left_out.items()
    ]


def _notes(groups: Mapping[str, Sequence[Row]]) -> list[str]:
    """Warnings, notes and licences, each once, with what it speaks of."""
    spoken: dict[str, list[tuple[str, str]]] = {}
    for label, group in groups.items():
        for row in group:
            for text in [*row["warnings"], *([row["note"]] if row["note"] else []), *_licence(row)]:
                spoken.setdefault(text, []).append((label, row["candidate"]))
    return [f"- {_subject(those, groups)}: {text}" for text, those in spoken.items()]


def _licence(row: Row) -> list[str]:
    return [f"weights {row['weights']}, licence: {row['licence']}"] if row["weights"] else []


def _subject(those: Sequence[tuple[str, str]], groups: Mapping[str, Sequence[Row]]) -> str:
    """What a note speaks of, as short as can be: everything, some metrics of all candidates, or single numbers."""
    if len(those) == sum(map(len, groups.values())):
        return "all"
    names = []
    for label in dict.fromkeys(label for label, _ in those):
        candidates = [candidate for name, candidate in those if name == label]
        whole = len(candidates) == len(groups[label])
        names += [label] if whole else [f"{label} of {candidate}" for candidate in candidates]
    return ", ".join(names)
