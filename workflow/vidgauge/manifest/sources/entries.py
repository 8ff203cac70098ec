"""From the entries of a manifest to rows and rejects: what .jsonl, .json and .csv have in common."""
# 100,000 paths at parse time: the functions of `os` take a tenth of pathlib's time
# ruff: noqa: PTH100, PTH116

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vidgauge.files import to_json
from vidgauge.manifest.sources.bounded import MAX_COLUMNS
from vidgauge.manifest.sources.rows import (
    NO_COLUMNS,
    Kind,
    Listing,
    Reject,
    Row,
    State,
    is_text,
    refusal,
    state_of,
)
from vidgauge.manifest.sources.selection import Where

_FORMS = '{"videos": ["a.mp4", ...], ...} or {"video": "a.mp4", ...}'


class Entries:
    """Collects the entries of one manifest; nothing stops at the first bad one."""

    def __init__(self, root: Path, root_is_given: bool, where: Where) -> None:
        self.root = os.path.abspath(root)
        self.root_is_given = root_is_given
        self.where = where
        resolved = os.path.realpath(root)
        self._prefixes = tuple(folder.rstrip("/") + "/" for folder in dict.fromkeys((self.root, resolved)))
        self._folders: dict[str, str] = {}  # resolved parents: realpath costs a system call for each part of a path
        self._rows: dict[str, Row] = {}  # by lexical absolute path: two spellings of one path are one video
        self._paths: dict[str, str] = {}  # by id
        self._again: dict[str, list[Row]] = {}
        self._rejected: list[Reject] = []

    def reject(self, line: int, reason: str, detail: str, path: str | None = None, name: str | None = None) -> None:
        """Note an entry that names no usable video."""
        self._rejected.append(Reject(line, path, reason, detail, name))

    def record(self, line: int, value: object, *, is_escaped: bool) -> None:
        r"""Add the videos of one object, if `where` takes it; its other keys travel with each of them.

        `is_escaped`: whether its text holds a backslash and a u, and so perhaps half a character (\ud800).
        """
        if not isinstance(value, dict):
            return self.reject(line, "no-videos-key", f"expected {_FORMS}, found a {_json_type(value)}")
        if is_escaped and not is_text(to_json(value)):
            return self.reject(line, "bad-encoding", "holds a lone surrogate (\\ud800 to \\udfff), which is no text")
        if not self.where.takes(value):
            return None
        if ("videos" in value) == ("video" in value):
            both = "both `videos` and `video`" if "video" in value else f"the keys {', '.join(value) or '(none)'}"
            return self.reject(line, "no-videos-key", f"expected {_FORMS}, found {both}")
        videos = value.pop("videos") if "videos" in value else [value.pop("video")]
        if not isinstance(videos, list) or not videos:
            found = "an empty list" if videos == [] else f"a {_json_type(videos)}"
            return self.reject(line, "no-videos-key", f"`videos` must be a list of paths, found {found}")
        if len(videos) > 1 and len(to_json(value)) > MAX_COLUMNS:
            detail = f"its columns hold more than {MAX_COLUMNS:,} characters, for each of {len(videos)} videos"
            return self.reject(line, "too-large", detail)
        for video in videos:
            if isinstance(video, str):
                self.add(line, video, value or NO_COLUMNS)
            else:
                self.reject(line, "no-videos-key", f"a video must be a path, found a {_json_type(video)}")
        return None

    def add(self, line: int, written: str, columns: Mapping[str, Any]) -> None:
        """Add one path as the manifest has it."""
        if not written or "\0" in written:
            said = "an empty path" if not written else "a path with a NUL character"
            return self.reject(line, "no-videos-key", said)
        is_absolute = written[0] == "/"
        path = os.path.normpath(written if is_absolute else f"{self.root}/{written}")
        inside, name = self._id(path, is_absolute)
        if self.root_is_given and not inside:
            detail = f"leaves the root {self.root}: move the video, or change or remove `root`"
            return self.reject(line, "outside-root", detail, written)
        path = self._paths.setdefault(name, path)  # two paths with one id, through a linked root: one video
        if (first := self._rows.get(path)) is not None:
            again = first._replace(id=name, columns=columns, line=line)
            self._again.setdefault(path, [first]).append(again)
            return None
        try:
            resolved, kind, state = self._look(path)
        except OSError as error:
            reason, detail = refusal(error)
            return self.reject(line, reason, detail, path, name)
        except UnusableError as unusable:
            return self.reject(line, unusable.reason, unusable.detail, path, name)
        self._rows[path] = Row(name, resolved, kind, None, *state, columns, line)
        return None

    def listing(self) -> Listing:
        """All that was added. Which of several lines for one video is kept does not depend on their order.

        Raises UsageError where `where` asks for what no row has.
        """
        self.where.check()
        for path, rows in self._again.items():
            said = {key: to_json(columns) for key, columns in {id(row.columns): row.columns for row in rows}.items()}
            kept, *others = sorted(rows, key=lambda row: (row.id, said[id(row.columns)], row.line))
            self._rows[path] = kept
            for row in others:
                is_same = row.columns is kept.columns or row.columns == kept.columns
                same = "with the same columns" if is_same else "with other columns"
                detail = f"line {kept.line} names the same video {same}, and is kept"
                self._rejected.append(Reject(row.line, path, "duplicate", detail, row.id))
        rows = sorted(self._rows.values(), key=lambda row: row.id)
        return Listing(rows, sorted(self._rejected, key=lambda bad: (bad.line or 0, bad.path or "", bad.detail)))

    def _id(self, path: str, is_absolute: bool) -> tuple[bool, str]:
        """Whether a normalised path lies inside the root, and the video's id."""
        for prefix in self._prefixes:
            if path.startswith(prefix):
                return True, path[len(prefix) :]
        if is_absolute:
            return path == self.root, path
        return path == self.root, os.path.relpath(path, self.root)  # ../x.mp4: stays valid when the project moves

    def _look(self, path: str) -> tuple[str, Kind, State]:
        """(resolved path, kind, state) of what stands at a path. Raises OSError and UnusableError."""
        folder, _, name = path.rpartition("/")
        resolved = self._folders.get(folder)
        if resolved is None:
            resolved = self._folders[folder] = os.path.realpath(folder or "/")
        target = f"{resolved}/{name}"
        found = os.lstat(target)
        if stat.S_ISREG(found.st_mode) and found.st_size:
            return target, "file", State(found.st_size, found.st_mtime_ns)
        if stat.S_ISLNK(found.st_mode):
            target = os.path.realpath(target)
            found = os.stat(target)
        state = state_of(target, found)
        if state is None:
            raise UnusableError("folder", "is a folder and holds no images; name the videos in it one by one")
        if state.images is not None:
            return target, "frames", state
        check_file(found)
        return target, "file", state


class UnusableError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


def check_file(found: os.stat_result) -> None:
    """Raise UnusableError for what is no file or has no bytes: opening a pipe would wait for ever."""
    if not stat.S_ISREG(found.st_mode):
        raise UnusableError("not-a-file", "is a pipe, a socket or a device")
    if found.st_size == 0:
        raise UnusableError("empty", "has 0 bytes")


def _json_type(value: object) -> str:
    names = {dict: "object", list: "list", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
