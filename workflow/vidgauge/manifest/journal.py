"""What the probe of a shard found so far, video by video, so that a killed probe goes on where it was.

    {"probe": [version, libav's], "seen": [path, kind, row, [size, mtime_ns, images]], "found": {...}, "crc32": 123}

A line is added when a video was probed, and holds for as long as the video is seen in the same state. No result depends
on a journal: without it, and where a line of it cannot be read, videos are opened once more.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Self

from vidgauge.files import to_json, write_if_changed
from vidgauge.manifest.sources.rows import State

PASSING = {"missing", "permission", "unreadable", "changed", "crashed", "time-limit", "memory-limit"}
"""Reasons that say something of the moment or the machine. They are not kept: the next probe may end otherwise."""

Found = dict[str, Any]
"""{"probed": the fields of a Probe} or {"rejected": [reason, detail]}."""


class Seen(NamedTuple):
    """A video in a state."""

    path: str
    kind: str
    row: int | None  # of an array
    state: State


class Journal:
    """A journal file, which need not exist. None: nothing is known, and nothing is kept."""

    def __init__(self, path: Path | None, probe_version: int) -> None:
        self._path = path
        self._version = [probe_version, version("av")]  # another libav may find other things in the same video
        self._known = self._read(path) if path is not None and path.exists() else {}
        self._lock = Lock()
        self._file: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)

    def find(self, seen: Seen) -> Found | None:
        """What was found of a video in just this state."""
        return self._known.get(seen)

    def keep(self, seen: Seen, found: Found) -> None:
        """Write down at once what was found. May be called by any thread. Raises OSError that names the journal."""
        if self._path is None or found.get("rejected", [None])[0] in PASSING:
            return
        with self._lock:
            self._known[seen] = found
            try:
                if self._file is None:
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                    self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
                    os.write(self._file, b"\n")  # what a kill cut short stays a line of its own
                os.write(self._file, self._line(seen, found).encode("utf-8", "surrogateescape"))
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(self._path)) from None

    def tidy(self, videos: Iterable[Seen]) -> None:
        """Rewrite the file with what is known of these videos alone."""
        if self._path is not None:
            lines = (self._line(seen, self._known[seen]) for seen in videos if seen in self._known)
            write_if_changed(self._path, "".join(lines))

    def _line(self, seen: Seen, found: Found) -> str:
        entry = {"probe": self._version, "seen": seen, "found": found}
        return to_json(entry | {"crc32": _checksum(entry)}) + "\n"

    def _read(self, path: Path) -> dict[Seen, Found]:
        known = {}
        for line in path.read_bytes().splitlines():
            try:
                entry = json.loads(line.decode("utf-8", "surrogateescape"))
                if entry.pop("crc32") == _checksum(entry) and entry["probe"] == self._version:
                    path_seen, kind, row, state = entry["seen"]
                    known[Seen(path_seen, kind, row, State(*state))] = entry["found"]
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # cut short by a kill, or by another program: that video is opened again
        return known


def _checksum(entry: dict[str, Any]) -> int:
    return zlib.crc32(to_json(entry).encode("utf-8", "surrogateescape"))
