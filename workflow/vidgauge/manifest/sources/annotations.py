"""AIGVE's annotation file: an object with a list of pairs of a generated and a real video.

    {"metainfo": ..., "data_list": [{"prompt_gt": text, "video_path_pd": generated, "video_path_gt": real}, ...]}

A dataset takes one side of it. The prompt becomes the column `text`, the real video's path as it is written, without
the suffix of a video, the column `pair`; other keys travel as they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vidgauge.errors import UsageError
from vidgauge.manifest.sources.entries import Entries
from vidgauge.manifest.sources.rows import stem
from vidgauge.manifest.sources.selection import VIDEO_KEYS, Side

LISTS = ("data_list", "datset_list", "dataset_list")
"""Names of the list; the second is how several of AIGVE's own readers spell it."""

_PATHS: dict[Side, str] = {"reference": "video_path_gt", "candidate": "video_path_pd"}
_FORM = '{"prompt_gt": ..., "video_path_pd": path, "video_path_gt": path}'


def list_key(source: Path, value: object) -> str | None:
    """The key of the list in an annotation file; None for another JSON value. Raises UsageError for two lists."""
    if not isinstance(value, dict) or VIDEO_KEYS & set(value):
        return None
    found = [key for key in LISTS if key in value]
    if len(found) > 1:
        raise UsageError(f"{source}: has both `{found[0]}` and `{found[1]}`; keep one list.")
    if found and not isinstance(value[found[0]], list):
        raise UsageError(f"{source}: `{found[0]}` must be a list of {_FORM}.")
    return found[0] if found else None


def add_side(entries: Entries, items: Iterable[tuple[int, object]], side: Side, *, is_escaped: bool) -> None:
    """Add one side of the (line, item)s. A real video of several items is listed once, with what they agree on."""
    of_video: dict[str, tuple[int, dict[str, Any]]] = {}
    for line, row in _rows(entries, items, side):
        if side == "reference" and entries.where.takes(row):
            first, columns = of_video.setdefault(row["video"], (line, row))
            agreed = {key: value for key, value in columns.items() if key in row and row[key] == value}
            of_video[row["video"]] = first, agreed
        elif side == "candidate":
            entries.record(line, row, is_escaped=is_escaped)
    for line, row in of_video.values():
        entries.record(line, row, is_escaped=is_escaped)


def _rows(entries: Entries, items: Iterable[tuple[int, object]], side: Side) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, row as in a .jsonl manifest) of each usable item."""
    for line, item in items:
        if not isinstance(item, dict):
            entries.reject(line, "no-videos-key", f"expected {_FORM}, found {type(item).__name__}")
            continue
        video, real = (_text(item, key) for key in (_PATHS[side], _PATHS["reference"]))
        if not video:
            entries.reject(line, "no-videos-key", f"has no path under `{_PATHS[side]}`; expected {_FORM}")
            continue
        others = {key: value for key, value in item.items() if key not in (*_PATHS.values(), "prompt_gt")}
        text = {"text": item["prompt_gt"]} if _text(item, "prompt_gt") else {}  # a prompt of no words is none
        pair = {"pair": stem(os.path.normpath(real))} if real else {}
        yield line, {**text, **pair, **others, "video": video}


def _text(item: dict[str, Any], key: str) -> str:
    """A key's text without the white space around it, as AIGVE reads its paths; empty if there is none."""
    value = item.get(key)
    return value.strip() if isinstance(value, str) else ""
