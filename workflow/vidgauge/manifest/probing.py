"""The probe of one shard: every video of its listing is opened once, and found usable or rejected.

A probed shard is one JSONL file, in the listing's order (by id), with two kinds of lines:

    {"video": {"id", "path", "kind", ..., "columns"}}       the fields of specs.Video
    {"rejected": {"id", "path", "reason", "detail"}}        the source line is added when shards are joined
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from vidgauge.errors import BadVideo, VidgaugeError
from vidgauge.files import read_jsonl, to_jsonl, write_text
from vidgauge.manifest.sources.rows import refusal, state_of
from vidgauge.specs import Video

PROBE_VERSION = 1
"""Raise it when the probe finds other things in the same video: it stands in the listings, so all are probed again."""

Progress = Callable[[int, int], object]
"""Called with (videos done, videos of the shard)."""


def probe_shard(listing: Path, out: Path, *, workers: int = 1, progress: Progress | None = None) -> None:
    """Probe the videos of a listing, `workers` at a time, and write the shard whole or not at all.

    A bad video becomes a line of the shard; any other exception is a fault of the program and is raised.
    """
    header, *rows = read_jsonl(listing)
    if "probe" not in header:
        raise VidgaugeError(f"{listing}: has no header; delete it and run again.")
    lines = []
    with ThreadPoolExecutor(workers) as pool:  # decoding and hashing leave Python's lock to others
        try:
            for line in pool.map(_probe_row, rows):
                lines.append(line)
                if progress is not None:
                    progress(len(lines), len(rows))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    write_text(out, to_jsonl(lines))


def read_shard(path: Path) -> tuple[list[Video], list[dict[str, Any]]]:
    """(usable videos, rejected ones) of a probed shard, each sorted by id."""
    videos, rejected = [], []
    for line in read_jsonl(path):
        if "video" in line:
            videos.append(Video(**line["video"]))
        else:
            rejected.append(line["rejected"])
    return videos, rejected


def video_as_dict(video: Video) -> dict[str, Any]:
    """A video as a flat object; the manifest's columns stay under `columns`, where no name of theirs can collide."""
    return {field.name: getattr(video, field.name) for field in fields(video)}


def _probe_row(row: dict[str, Any]) -> dict[str, Any]:
    """One line of a probed shard, from one line of a listing."""
    from vidgauge.media.probe import probe  # opens libav, which the listing does without

    path = row["path"]
    try:
        before = state_of(path, Path(path).stat())
        probed = probe(path, kind=row["kind"], row=row["row"])
        if state_of(path, Path(path).stat()) != before:
            raise BadVideo("changed", "changed while it was read; run again when nothing writes it any more")
    except BadVideo as bad:
        return _rejected(row, bad.reason, bad.detail)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        return _rejected(row, *refusal(error))
    named = {key: row[key] for key in ("id", "path", "kind", "row")}
    return {"video": {**named, **asdict(probed), "columns": row["columns"]}}


def _rejected(row: dict[str, Any], reason: str, detail: str) -> dict[str, Any]:
    return {"rejected": {"id": row["id"], "path": row["path"], "reason": reason, "detail": detail}}
