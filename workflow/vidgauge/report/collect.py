"""Collect the rows of an evaluation, with what made them, in the files that people and programs read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vidgauge.files import write_json, write_text
from vidgauge.report.comparable import Row
from vidgauge.report.formats import csv_text
from vidgauge.report.provenance import provenance
from vidgauge.report.results import joined
from vidgauge.report.table import table_text

NAMED = 8
"""Broken videos that the table names."""


def collect(
    plan: Mapping[str, Any],
    rows: Sequence[Row],
    rejected: Sequence[Mapping[str, Any]],
    *,
    json_out: Path,
    csv_out: Path,
    text_out: Path,
    differences: Sequence[Mapping[str, Any]] = (),
    curves: Sequence[Mapping[str, Any]] = (),
    single: Mapping[str, Any] | None = None,
    run: Mapping[str, Any] | None = None,
) -> None:
    """Write metrics.json, metrics.csv and metrics.txt. Rows keep their order.

    differences: one for each metric and pair of candidates. curves: one for each row that has one. single: what
    is told of single videos: the worst ones, and agreement with people. run: how the
    workflow was started, if its main process wrote that down.
    """
    result = {
        "evaluation": plan["evaluation"],
        "results": list(rows),
        "differences": list(differences),
        "curves": list(curves),
        **({"single": dict(single)} if single else {}),
        "rejected": left_out(rejected),
        "provenance": provenance(plan, rows, run),
    }
    write_json(json_out, result)
    write_text(csv_out, csv_text(rows))
    write_text(text_out, table_text(joined([result])) + "".join(f"- {text}\n" for text in told_of_single(single or {})))


def told_of_single(single: Mapping[str, Any]) -> list[str]:
    """What must not go unseen of single videos: which are broken, and ratings that cannot be read."""
    broken = single.get("broken", [])
    named = [f"{one['id']} of {one['dataset']} ({', '.join(one['broken'])})" for one in broken[:NAMED]]
    more = f" and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
    texts = [f"broken videos: {', '.join(named)}{more}; videos.csv names them all"] if broken else []
    return [*texts, *single.get("unread", [])]


def left_out(rejected: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Videos that the evaluation does without: {dataset: {reason: how many}}, each video once for each reason."""
    found = {(bad["dataset"], bad["reason"], bad["line"], bad["path"]) for bad in rejected}
    counts: dict[str, dict[str, int]] = {}
    for dataset, reason, *_ in sorted(found, key=str):
        of_dataset = counts.setdefault(dataset, {})
        of_dataset[reason] = of_dataset.get(reason, 0) + 1
    return counts
