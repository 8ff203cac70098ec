"""Results in the formats of programs and papers: CSV, Markdown, LaTeX."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

from vidgauge.report.comparable import Row
from vidgauge.report.latex import latex_text
from vidgauge.report.markdown import markdown_text
from vidgauge.report.results import Results
from vidgauge.report.table import table_text

FIRST = (
    *("metric", "candidate", "reference", "value", "std", "ci95_lo", "ci95_hi", "standard_error"),
    *("infinity", "infinity_error", "ci95_method", "better"),
)
"""Columns of the CSV file that come before the others."""


def csv_text(rows: Sequence[Row]) -> str:
    """One line per row: the row's keys, `ci95_lo`, `ci95_hi`, and a column `values.<name>` for each part of a value."""
    flat = [_flat(row) for row in rows]
    there = dict.fromkeys(key for row in flat for key in row)
    parts = [key for key in there if key.startswith("values.")]
    columns = [key for key in FIRST if key in there]
    columns += [key for key in there if key not in columns and key not in parts]
    out = io.StringIO()
    writer = csv.DictWriter(out, [*columns, *parts], restval="", lineterminator="\n")
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


FORMATS: dict[str, Callable[[Results], str]] = {
    "text": table_text,
    "markdown": markdown_text,
    "latex": latex_text,
    "csv": lambda results: csv_text(results.rows),
}
