"""Counts of what long tests did: `make stress` collects them for the table of docs/reliability.md."""

from __future__ import annotations

import json
import os
from pathlib import Path

FOLDER = "VIDGAUGE_STRESS_RECORD"
"""The environment variable that names the folder; without it nothing is written."""


def record(name: str, **counts: float | str) -> None:
    """Write {name: counts} to `{folder}/{name}.json`. A name belongs to one test: a second call replaces the first."""
    if folder := os.environ.get(FOLDER):
        file = Path(folder, f"{name}.json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({name: counts}, indent=2) + "\n")
