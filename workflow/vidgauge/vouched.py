"""Weights that only the user vouches for: their digests are found when the configuration is read.

Features are named after the digest of their weights, and nobody has published one of these.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from vidgauge import weights
from vidgauge.config import Config
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.files import write_if_changed
from vidgauge.metric import Metric, metrics
from vidgauge.networks import fetchable, weights_folder
from vidgauge.specs import file_state


def with_digests(config: Config, where: str, *, fresh: bool = True) -> Config:
    """The configuration with every digest that its features need.

    fresh: look at the files; otherwise believe what was noted when the run began, so that all of its jobs mean the same
    features. A file that is gone keeps the digest that it had: what rests on it may be finished.
    Raises UsageError for files that were never there, cannot be read, or are not those that the configuration means.
    """
    said, problems = dict(config.extractors), []
    notes = Notes(Path(config.results) / "weights" / ".digests.json")
    for metric in metrics(config).values():
        name = metric.extractor.name
        if name not in said or (metric.weights is not None and fetchable(weights.entry(metric.weights))):
            continue
        try:
            digest = _digest(config, metric, notes, said[name].sha256, fresh)
        except VidgaugeError as error:
            problems.append(f"{where}: extractors.{name}: {error}")
        except OSError as error:
            problems.append(f"{where}: extractors.{name}: {error.filename}: {error.strerror}")
        else:
            said[name] = said[name].model_copy(update={"sha256": digest})
    if problems:
        raise UsageError("\n".join(dict.fromkeys(problems)))
    return config.model_copy(update={"extractors": said})


def _digest(config: Config, metric: Metric, notes: Notes, given: str | None, fresh: bool) -> str:
    path = _path(config, metric)
    noted = notes.last(path)
    known = weights.entry(metric.weights) if metric.weights else None
    there = weights.is_there(path, known) if known else path.is_file()
    if not fresh or not there:
        if given or noted:
            return str(given or noted)
        if not there:
            raise _missing(config, metric)
    if metric.own is not None and weights.format_of(path) != "torchscript":
        raise VidgaugeError(
            f"torchscript: {path}: is no TorchScript archive, as torch.jit.script(module).save(...) writes it"
        )
    found = notes.digest(path, known)
    if given not in (None, found):
        raise VidgaugeError(f"{path}: its sha256 is {found}, and sha256 says {given}; correct the one that is wrong")
    return found


def _path(config: Config, metric: Metric) -> Path:
    if metric.own is not None:
        return Path(metric.own.torchscript)
    return weights.location(weights.entry(str(metric.weights)), weights_folder(config))


def _missing(config: Config, metric: Metric) -> VidgaugeError:
    if metric.own is not None:
        return VidgaugeError(f"torchscript: {metric.own.torchscript}: no such file")
    return weights.missing(weights.entry(str(metric.weights)), weights_folder(config))


class Notes:
    """Digests of files, kept beside what tells that a file was changed, so that a large one is not read every time."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def last(self, path: Path) -> str | None:
        """The digest that a file had when it was last read."""
        return self._read().get(str(path.resolve()), {}).get("sha256")

    def digest(self, path: Path, known: weights.Entry | None = None) -> str:
        """The sha256 of a file, or of a folder as its entry says. Raises OSError where it cannot be read."""
        key, noted = str(path.resolve()), self._read()
        files = weights.paths_of(path)
        state = [n for file in files for n in (*file_state(file), file.stat().st_ctime_ns)]  # a copy may restore others
        if noted.get(key, {}).get("state") != state:
            noted[key] = {
                "state": state,
                "sha256": weights.check(path, known).sha256 if known else weights.digests(path).sha256,
            }
            with suppress(OSError):  # it is only read again next time
                write_if_changed(self.file, json.dumps(noted, indent=2, sort_keys=True) + "\n")
        return str(noted[key]["sha256"])

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self.file.read_bytes())
        except (OSError, ValueError):  # not there, or half written by a machine that died
            return {}
        return found if isinstance(found, dict) else {}
