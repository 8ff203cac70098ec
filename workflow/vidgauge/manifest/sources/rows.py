"""What a source gives: rows that look usable without opening them, and rejects."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from vidgauge.manifest.sources.selection import Selection

Kind = Literal["file", "frames", "array"]
Form = Literal["file", "folder", "pattern"]  # what stands at a source's path; a pattern where nothing does

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v", ".gif"})
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})  # media.images.SUFFIXES

NO_COLUMNS: Mapping[str, Any] = {}  # shared by all rows that have none: 100,000 empty dicts are 6 MB


class State(NamedTuple):
    """What tells, without opening it, that a video was changed."""

    size: int  # bytes; of a frame folder: of its images together
    mtime_ns: int  # of a frame folder: the latest of its images' and its own, which renaming an image moves
    images: int | None = None  # of a frame folder


class Row(NamedTuple):
    """One video of a source, not yet opened. A tuple, because there may be 100,000 of them."""

    id: str
    path: str  # absolute, resolved
    kind: Kind
    row: int | None  # of an array
    size: int  # this and the next two: the fields of State
    mtime_ns: int
    images: int | None
    columns: Mapping[str, Any]
    line: int | None  # in the source, from 1; never in a shard's listing, where it would move with every line added


class Reject(NamedTuple):
    """One entry of a source that names no usable video. `reason` is one of REASONS."""

    line: int | None
    path: str | None  # absolute where it can be told, else as the source has it
    reason: str
    detail: str
    id: str | None = None


REASONS = {
    "not-json": "a line that is no JSON",
    "not-csv": "a line with more or fewer fields than the header",
    "bad-encoding": "a line or a name that is not UTF-8",
    "too-large": "a line, or its columns, longer than is read",
    "no-videos-key": "a line without a usable `videos` list or `video` path",
    "outside-root": "a path that leaves the root which the configuration gives",
    "duplicate": "a video that another line names too",
    "unpaired": "a video of a paired source whose partner is not there",
    "missing": "no such file",
    "empty": "a file of 0 bytes, or a folder that holds nothing",
    "folder": "a folder without images, where a video was expected",
    "not-a-file": "a pipe, a socket or a device",
    "permission": "a file or folder that may not be read",
    "unreadable": "any other refusal of the file system",
}


@dataclass(frozen=True)
class Listing:
    """All that a source names: rows sorted by id, rejects sorted by line and path."""

    rows: list[Row]
    rejected: list[Reject]


@dataclass(frozen=True)
class SourceSpec:
    """A kind of source. `accepts` looks at the name and the form, `listing` at the content."""

    says: str  # what is accepted, for people
    accepts: Callable[[Path, Form], bool]
    listing: Callable[[Path, Path, bool, Selection], Listing]  # (source, root, whether the user gave the root, ...)
    takes: frozenset[str] = frozenset()  # the keys of Selection that mean something here


def suffix(name: str) -> str:
    """The lower-case suffix of a file name, with its dot.

    >>> suffix("a b.MP4"), suffix("noname")
    ('.mp4', '')
    """
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def stem(name: str) -> str:
    """An id without the suffix of a video.

    >>> stem("sub/a.mp4"), stem("frames/v1.2")
    ('sub/a', 'frames/v1.2')
    """
    ending = suffix(name)
    return name[: -len(ending)] if ending in VIDEO_SUFFIXES else name


def is_image(name: str) -> bool:
    """Whether a name is that of a frame. Hidden files are not."""
    return suffix(name) in IMAGE_SUFFIXES and name[0] != "."


def images_state(entries: list[os.DirEntry[str]], folder_mtime_ns: int) -> State:
    """The state of a frame folder from the entries of its images."""
    size, latest = 0, folder_mtime_ns
    for entry in entries:
        try:
            found = entry.stat()
        except OSError:
            continue  # a broken link: the probe says so, with the image's name
        size, latest = size + found.st_size, max(latest, found.st_mtime_ns)
    return State(size, latest, len(entries))


def state_of(path: str, found: os.stat_result) -> State | None:
    """The state of a file or a frame folder; None for a folder without images. Raises OSError."""
    if not stat.S_ISDIR(found.st_mode):
        return State(found.st_size, found.st_mtime_ns)
    with os.scandir(path) as entries:
        images = [entry for entry in entries if is_image(entry.name)]
    return images_state(images, found.st_mtime_ns) if images else None


def refusal(error: OSError) -> tuple[str, str]:
    """(reason, detail) of an OSError that a video met."""
    said = error.strerror or type(error).__name__
    if isinstance(error, PermissionError):
        return "permission", f"may not be read ({said})"
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return "missing", f"does not exist ({said})"
    return "unreadable", f"cannot be read ({said})"


def printable(path: str) -> str:
    r"""A path in which bytes that are not UTF-8 show as \x escapes.

    >>> printable("a\udcff.mp4")
    'a\\xff.mp4'
    """
    return path if is_text(path) else os.fsencode(path).decode("utf-8", "backslashreplace")


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8: ids go into JSON, CSV and HDF5."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
