"""The probe of one shard: every video of its listing is opened once, and found usable or rejected.

A probed shard is one JSONL file: how many videos follow, so that a file which was cut is known, then in the listing's
order (by id) two kinds of lines:

    {"probed": 1024}
    {"video": {"id", "path", "kind", ...}}                  the fields of specs.Video but `columns`, which are no matter
                                                            of the probe
    {"rejected": {"id", "path", "reason", "detail"}}        the source line is added when shards are joined
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from vidgauge.contained import limits
from vidgauge.contained.pool import Here, Pool, open_pool
from vidgauge.errors import BadVideo, VidgaugeError
from vidgauge.files import read_jsonl, to_jsonl, write_text
from vidgauge.manifest.journal import Found, Journal, Seen
from vidgauge.manifest.sources.rows import State, refusal, state_of
from vidgauge.specs import Video
from vidgauge.wording import counted

PROBE_VERSION = 2
"""Raise it when the probe finds other things in the same video: it stands in the listings, so all are probed again."""

FUNCTION = "vidgauge.media.probe:probed"
"""What opens one video. libav is loaded where it runs, not here."""

Row = dict[str, Any]
"""One line of a listing."""

Progress = Callable[[int, int], object]
"""Called with (videos done, videos of the shard)."""


def probe_shard(
    listing: Path,
    out: Path,
    *,
    workers: int = 1,
    journal: Path | None = None,
    contained: bool = True,
    function: str = FUNCTION,
    progress: Progress | None = None,
) -> None:
    """Probe the videos of a listing, `workers` at a time, and write the shard whole or not at all.

    A bad video becomes a line of the shard; any other exception is a fault of the program and is raised. journal: a
    file in which each video is noted when it is done, so that the next call opens only the others. contained: open
    them in worker processes, so that a crash or a hang of native code is one video's fault; function: what they run.
    """
    header, *rows = read_jsonl(listing)
    if "probe" not in header:
        raise VidgaugeError(f"{listing}: has no header; delete it and run again.")
    lines: list[Row] = []
    states: list[Seen] = []
    with (
        Journal(journal, PROBE_VERSION) as known,
        open_pool(function, workers=workers, contained=contained) as pool,
        ThreadPoolExecutor(workers) as threads,  # each waits for a process of its own
    ):
        try:
            for row, (seen, found) in zip(rows, threads.map(partial(_probe_row, pool, known), rows), strict=True):
                lines.append(_line(row, found))
                if seen is not None:
                    states.append(seen)
                if progress is not None:
                    progress(len(lines), len(rows))
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            pool.close()
            raise
        write_shard(out, lines)
        known.tidy(states)


def write_shard(path: Path, lines: Sequence[Row]) -> None:
    """Write a probed shard."""
    write_text(path, to_jsonl([{"probed": len(lines)}, *lines]))


def shard_lines(path: Path, *, block: int | None = None) -> Iterator[Row]:
    """The lines of a probed shard; block: as for `read_jsonl`. VidgaugeError where they are not as many as it says."""
    lines = read_jsonl(path, block=block)
    header: Row = next(lines, {})
    wanted, number = header.get("probed"), 0
    for line in lines:
        number += 1
        yield line
    if number != wanted:
        raise VidgaugeError(
            f"{path}: holds {counted(number, 'video')}, and {'does not say how many' if wanted is None else wanted} "
            "should follow its first line: it was cut or changed. Delete it and run the same command again"
        )


def read_shard(path: Path) -> tuple[list[Video], list[dict[str, Any]]]:
    """(usable videos, rejected ones) of a probed shard, each sorted by id."""
    videos, rejected = [], []
    for line in shard_lines(path):
        if "video" in line:
            videos.append(Video(**line["video"]))
        else:
            rejected.append(line["rejected"])
    return videos, rejected


def video_as_dict(video: Video) -> dict[str, Any]:
    """A video as a flat object; the manifest's columns stay under `columns`, where no name of theirs can collide."""
    return {field.name: getattr(video, field.name) for field in fields(video)}


def _probe_row(pool: Pool | Here, known: Journal, row: Row) -> tuple[Seen | None, Found]:
    """What is known of a listed video, or is found by opening it, and the state that it was seen in, if it has one."""
    path, kind, number = row["path"], row["kind"], row["row"]
    seen = None
    try:
        state = _state(path)
        seen = None if state is None else Seen(path, kind, number, state)
        if seen is not None and (found := known.find(seen)) is not None:
            return seen, found
        (probed,) = pool.stream((path, kind, number), limits.probing(state.size if state else 0), name=path)
        if _state(path) != state:
            raise BadVideo("changed", "changed while it was read; run again when nothing writes it any more")
        found = {"probed": probed}
    except BadVideo as bad:
        found = {"rejected": [bad.reason, bad.detail]}
    if seen is not None:
        known.keep(seen, found)
    return seen, found


def _state(path: str) -> State | None:
    try:
        return state_of(path, Path(path).stat())
    except OSError as error:
        raise BadVideo(*refusal(error)) from None


def _line(row: Row, found: Found) -> Row:
    """One line of a probed shard. The journal's part of it does not depend on the manifest's id."""
    if "rejected" in found:
        reason, detail = found["rejected"]
        return {"rejected": {"id": row["id"], "path": row["path"], "reason": reason, "detail": detail}}
    named = {key: row[key] for key in ("id", "path", "kind", "row")}
    return {"video": {**named, **found["probed"]}}
