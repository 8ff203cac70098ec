"""What made the results of an evaluation, and all that is needed to make them again."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import socket
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from vidgauge import __version__
from vidgauge.report.comparable import Row

PACKAGES = ("av", "h5py", "numpy", "pillow", "scipy", "snakemake", "torch")
PROJECT = Path(__file__).resolve().parents[3]
GIT_SECONDS = 10


def provenance(plan: Mapping[str, Any], rows: Sequence[Row], run: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The provenance in metrics.json. run: plan/run.json, of a run whose main process wrote it.

    `packages` are those at hand when the table was made; `features` says which made the features, which may be older.
    `made` alone differs between two runs of the same evaluation on the same machine.
    """
    started = (run or {}).get("started")
    return {
        "vidgauge": __version__,
        "git_revision": git_revision(PROJECT),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "config": plan["config"],
        "config_digest": config_digest(plan["config"]),
        "manifests": _manifests(rows),
        "weights": {row["weights"]: row["weights_sha256"] for row in rows if row["weights"]},
        "precision": list(dict.fromkeys(row["precision"] for row in rows if row["precision"])),
        "features": _features(rows),
        "metrics": plan["metrics"],
        "made": {
            "at": _iso(datetime.now(UTC)),
            "host": socket.gethostname(),
            "started": None if started is None else _iso(datetime.fromtimestamp(started, UTC)),
            "command": (run or {}).get("command"),
            "cores": (run or {}).get("cores"),
        },
    }


def config_digest(config: Mapping[str, Any]) -> str:
    """64 hexadecimal digits that stand for a configuration, in whatever order its keys are."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def git_revision(folder: Path) -> str | None:
    """The commit that a checkout is at, with `-dirty` where its files differ from it; None where that is not known.

    A folder inside somebody else's repository is no checkout of its own.
    """
    if not (folder / ".git").exists():
        return None
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    # A hook of another repository, from which this may run, sets variables that name that one.
    outer = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment = {**outer, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):  # no git, no commit yet, a folder of another user, a slow disk
        return None
    return done.stdout.strip() or None


def _manifests(rows: Sequence[Row]) -> dict[str, list[str]]:
    """The digests of each dataset's videos; several where metrics take different numbers of its shards."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for side in ("candidate", "reference"):
            name, digest = row[side], row[f"{side}_digest"]
            if name is not None and digest is not None and digest not in found.setdefault(name, []):
                found[name].append(digest)
    return found


def _features(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What the features of each network were made with, each once."""
    found: list[dict[str, Any]] = []
    for row in rows:
        one = {"extractor": row["extractor"], "device": row.get("device"), "made_with": row.get("made_with")}
        if one not in found:
            found.append(one)
    return found


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
