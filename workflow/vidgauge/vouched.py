"""Weights that only the user vouches for: their digests are found when the configuration is read.

Features are named after the digest of their weights, and nobody has published one of these.
"""

from __future__ import annotations

import json
from pathlib import Path

from vidgauge import weights
from vidgauge.config import Config
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.extractors.own import OwnNetwork
from vidgauge.files import write_if_changed
from vidgauge.metric import Metric, metrics
from vidgauge.networks import fetchable, weights_folder


def with_digests(config: Config, where: str) -> Config:
    """The configuration with every digest that its features need. Raises UsageError for files that are not there."""
    said, problems = dict(config.extractors), []
    notes = Path(config.results) / "weights" / ".digests.json"
    for metric in metrics(config).values():
        name = metric.extractor.name
        if name not in said:
            continue
        try:
            path = _file(config, metric)
            if metric.weights_digest is None:
                said[name] = said[name].model_copy(update={"sha256": _digest(path, notes)})
        except VidgaugeError as error:
            problems.append(f"{where}: extractors.{name}: {error}")
    if problems:
        raise UsageError("\n".join(dict.fromkeys(problems)))
    return config.model_copy(update={"extractors": said})


def _file(config: Config, metric: Metric) -> Path:
    if isinstance(metric.own, OwnNetwork):
        path = Path(metric.own.torchscript)
        if not path.is_file():
            raise VidgaugeError(f"torchscript: {path}: no such file")
        return path
    entry, folder = weights.entry(str(metric.weights)), weights_folder(config)
    path = weights.location(entry, folder)
    if not path.is_file() and not fetchable(entry):  # others are fetched when they are needed
        raise weights.missing(entry, folder)
    return path


def _digest(path: Path, notes: Path) -> str:
    """The file's sha256, noted with its size and time: it is read again only where these differ."""
    stat = path.stat()
    state = [stat.st_size, stat.st_mtime_ns]
    known = json.loads(notes.read_text()) if notes.is_file() else {}
    key = str(path.resolve())
    if known.get(key, {}).get("state") != state:
        known[key] = {"state": state, "sha256": weights.digests(path).sha256}
        write_if_changed(notes, json.dumps(known, indent=2, sort_keys=True) + "\n")
    return str(known[key]["sha256"])
