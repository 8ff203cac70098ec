"""Collect the rows of an evaluation, with what made them, in the files that people and programs read."""

from __future__ import annotations

import platform
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from vidgauge import __version__
from vidgauge.files import write_json, write_text
from vidgauge.report.comparable import Row
from vidgauge.report.table import csv_text, table_text

PACKAGES = ("av", "h5py", "numpy", "pillow", "scipy", "snakemake", "timm", "torch", "torch-fidelity", "torchvision")


def collect(
    plan: Mapping[str, Any],
    rows: Sequence[Row],
    rejected: Sequence[Mapping[str, Any]],
    *,
    json_out: Path,
    csv_out: Path,
    text_out: Path,
) -> None:
    """Write metrics.json, metrics.csv and metrics.txt. Rows keep their order."""
    result = {
        "evaluation": plan["evaluation"],
        "results": rows,
        "rejected": left_out(rejected),
        "provenance": provenance(plan),
    }
    write_json(json_out, result)
    write_text(csv_out, csv_text(rows))
    write_text(text_out, table_text(plan["evaluation"], rows, left_out(rejected)))


def left_out(rejected: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Videos that the evaluation does without: {dataset: {reason: how many}}, each video once for each reason."""
    found = {(bad["dataset"], bad["reason"], bad["line"], bad["path"]) for bad in rejected}
    counts: dict[str, dict[str, int]] = {}
    for dataset, reason, *_ in sorted(found, key=str):
        of_dataset = counts.setdefault(dataset, {})
        of_dataset[reason] = of_dataset.get(reason, 0) + 1
    return counts


def provenance(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration, and the versions at hand when the table was made; those of the features stand in their files.

    `made` alone differs between two runs of the same evaluation on the same machine.
    """
    return {
        "vidgauge": __version__,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "config": plan["config"],
        "metrics": plan["metrics"],
        "made": {"at": datetime.now(UTC).isoformat(timespec="seconds"), "host": socket.gethostname()},
    }
