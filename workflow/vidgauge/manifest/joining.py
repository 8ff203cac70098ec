"""The shards of a dataset joined: videos.jsonl and rejected.jsonl, which hold every video that was listed and probed.

videos.jsonl      the fields of specs.Video, sorted by id; the manifest's own columns stand under "columns", so
                  that none of them can collide with a field
rejected.jsonl    line, path, reason, detail, id, stage ("listing" or "probe"), sorted by line and path; line is
                  null for a folder or an array, path is absolute wherever it can be told
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vidgauge.files import read_jsonl, to_json, to_jsonl, write_text
from vidgauge.manifest.listing import read_lines
from vidgauge.specs import Video


def join(
    shard_files: Sequence[Path],
    listing_rejected: Path,
    videos_out: Path,
    rejected_out: Path,
    *,
    lines: Path | None = None,
) -> None:
    """Join probed shards with what the listing rejected. Never fails on bad videos: that is the gate's decision.

    `lines` is the listing's lines.json; without it, videos that the probe rejected have no source line.
    """
    videos: list[tuple[str, str]] = []  # (id, line of JSON)
    rejected = list(read_jsonl(listing_rejected))
    line_of = read_lines(lines) if lines is not None else {}
    for shard in shard_files:
        for line in read_jsonl(shard):
            if "video" in line:
                videos.append((line["video"]["id"], to_json(line["video"])))
            else:
                bad = line["rejected"]
                rejected.append({"line": line_of.get(bad["id"]), **_after_line(bad), "stage": "probe"})
    videos.sort()
    write_text(videos_out, "".join(f"{text}\n" for _, text in videos))
    write_text(rejected_out, to_jsonl(sort_rejected(rejected)))


def read_videos(path: Path) -> list[Video]:
    """The usable videos of a dataset, sorted by id, from its videos.jsonl."""
    return [Video(**line) for line in read_jsonl(path)]


def sort_rejected(rejected: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rejects in the order in which a person goes through a manifest: by line, then path."""
    return sorted(
        rejected, key=lambda bad: (bad["line"] or 0, bad["path"] or "", bad["reason"], bad.get("clips") or "")
    )


def _after_line(bad: dict[str, Any]) -> dict[str, Any]:
    return {key: bad[key] for key in ("path", "reason", "detail", "id")}
