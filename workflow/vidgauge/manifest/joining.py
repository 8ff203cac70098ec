"""The shards of a dataset joined: videos.jsonl and rejected.jsonl, which hold every video that was listed and probed.

videos.jsonl      the fields of specs.Video, sorted by id; the manifest's own columns stand under "columns", so
                  that none of them can collide with a field
rejected.jsonl    line, path, reason, detail, id, stage ("listing" or "probe"), sorted by line and path; line is
                  null for a folder or an array, path is absolute wherever it can be told
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from vidgauge.errors import VidgaugeError
from vidgauge.files import read_jsonl, to_json, to_jsonl, write_lines, write_text
from vidgauge.manifest.listing import read_lines
from vidgauge.manifest.probing import shard_lines
from vidgauge.specs import Video

BUFFER = 16 << 20
"""Bytes of probed shards in memory at a time, all shards together; a shard has at least LEAST_BLOCK of them."""
LEAST_BLOCK = 4 << 10


def join(
    shard_files: Sequence[Path],
    listing_rejected: Path,
    videos_out: Path,
    rejected_out: Path,
    *,
    lines: Path | None = None,
    columns: Path | None = None,
) -> None:
    """Join probed shards with what the listing rejected. Never fails on bad videos: that is the gate's decision.

    Usable videos pass through in order of their ids, rejected ones are kept in memory. `lines` is the listing's
    lines.jsonl; without it, videos that the probe rejected have no source line. columns: its columns.jsonl; without it,
    videos have none. Raises VidgaugeError for a shard that was cut or is out of order.
    """
    unusable_of: list[list[dict[str, Any]]] = [[] for _ in shard_files]
    block = max(LEAST_BLOCK, BUFFER // max(1, len(shard_files)))
    shards = (_usable(*shard, block) for shard in zip(shard_files, unusable_of, strict=True))
    usable = merge(*shards, key=itemgetter("id"))
    write_lines(videos_out, (f"{to_json(video)}\n" for video in _with_columns(usable, columns)))
    unusable = list(chain.from_iterable(unusable_of))
    line_of = read_lines(lines, {bad["id"] for bad in unusable}) if lines is not None else {}
    rejected = list(read_jsonl(listing_rejected))
    rejected += [{"line": line_of.get(bad["id"]), **_after_line(bad), "stage": "probe"} for bad in unusable]
    write_text(rejected_out, to_jsonl(sort_rejected(rejected)))


def _usable(shard: Path, unusable: list[dict[str, Any]], block: int) -> Iterator[dict[str, Any]]:
    """The usable videos of a probed shard; the others are added to a list."""
    last = ""
    for line in shard_lines(shard, block=block):
        found = line.get("video") or line["rejected"]
        if found["id"] < last:
            raise VidgaugeError(f"{shard}: {found['id']} comes after {last}; delete the file and run again")
        last = found["id"]
        if "video" in line:
            yield found
        else:
            unusable.append(found)


def _with_columns(videos: Iterable[dict[str, Any]], columns: Path | None) -> Iterator[dict[str, Any]]:
    """The videos, which are sorted by id, with what the manifest says of each."""
    said = read_jsonl(columns) if columns is not None else iter(())
    name, those = next(said, (None, {}))
    for video in videos:
        while name is not None and name < video["id"]:  # of rejected ones
            name, those = next(said, (None, {}))
        yield {**video, "columns": those if name == video["id"] else {}}


def read_videos(path: Path) -> Iterator[Video]:
    """The usable videos of a dataset, one at a time, by id, from its videos.jsonl."""
    return (Video(**line) for line in read_jsonl(path))


def sort_rejected(rejected: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rejects in the order in which a person goes through a manifest: by line, then path."""
    return sorted(
        rejected, key=lambda bad: (bad["line"] or 0, bad["path"] or "", bad["reason"], bad.get("clips") or "")
    )


def _after_line(bad: dict[str, Any]) -> dict[str, Any]:
    return {key: bad[key] for key in ("path", "reason", "detail", "id")}
