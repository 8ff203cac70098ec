"""Which video of one dataset belongs to which of another: the same `pair` column, else the same id or file name.

    {folder}/pairs/{other}/{shard}.jsonl     [id, partner] of each video of a dataset's shard that has a partner among
                                             the usable videos of the other dataset; the partner as in its videos.jsonl,
                                             without columns
    {folder}/pairs/{other}/written.json      what the files were made from

Each shard's file is written only where its text differs, so that one more video, or another prompt, leaves the scores
of the pairs in other shards as they are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vidgauge.draws import shard_of
from vidgauge.errors import BadVideo, VidgaugeError
from vidgauge.files import read_jsonl, to_json, to_jsonl, write_if_changed
from vidgauge.manifest.joining import read_videos
from vidgauge.manifest.listing import read_dataset
from vidgauge.manifest.probing import video_as_dict
from vidgauge.manifest.sources.rows import stem
from vidgauge.specs import ClipSpec, Video
from vidgauge.wording import counted

FORMAT = 1
"""Raise it when the lines change their form."""


def pair_keys(manifest: Path) -> dict[str, str]:
    """{video id: key that its partner has too} of a dataset's videos.jsonl.

    The key is the column `pair` where a video has one, else its id without the extension. Raises VidgaugeError where
    two videos have one key.
    """
    keys: dict[str, str] = {}
    owner: dict[str, str] = {}
    for video in read_videos(manifest):
        pair = video.columns.get("pair")
        key = str(pair) if pair is not None else stem(video.id)
        if key in owner:
            raise VidgaugeError(
                f"{manifest}: {owner[key]} and {video.id} both are the partner {key!r}; "
                "give each video a `pair` of its own in the manifest"
            )
        keys[video.id], owner[key] = key, video.id
    return keys


def partners(own: Path, other: Path) -> dict[str, Video]:
    """{video id: its partner, without columns} of two datasets' videos.jsonl, without the videos that have none.

    Partners share the column `pair`, else their ids without the extension; where not one video has a partner so, the
    names of the files alone, which lie in folders of different names. What two videos of one dataset share pairs none.
    """
    ours, theirs = _known_as(own), _known_as(other)
    found = _shared(_keys(ours), _keys(theirs)) or _shared(_names(ours), _names(theirs))
    wanted = set(found.values())
    of_id = {video.id: replace(video, columns={}) for video in read_videos(other) if video.id in wanted}
    return {video: of_id[partner] for video, partner in found.items()}


def _known_as(manifest: Path) -> dict[str, str | None]:
    """{video id: its `pair`, if it has one}."""
    pairs = ((video.id, video.columns.get("pair")) for video in read_videos(manifest))
    return {video: None if pair is None else str(pair) for video, pair in pairs}


def _keys(known: Mapping[str, str | None]) -> dict[str, str]:
    return {video: stem(video) if pair is None else pair for video, pair in known.items()}


def _names(known: Mapping[str, str | None]) -> dict[str, str]:
    """{video id: name of its file, without folder and suffix}; nothing where two have one name, or some have `pair`."""
    names = {video: stem(video).rpartition("/")[2] for video in known}
    alike = len(set(names.values())) < len(names)
    return {} if alike or any(pair is not None for pair in known.values()) else names


def _shared(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    often, of_key = Counter(ours.values()), {key: video for video, key in theirs.items()}
    alone = {key for key, number in Counter(theirs.values()).items() if number == 1}
    return {video: of_key[key] for video, key in ours.items() if key in alone and often[key] == 1}


def check_pair(own: Video, other: Video | None, spec: ClipSpec, *, trim: bool) -> None:
    """Raise BadVideo where clips of a video cannot be compared with the same frames of its partner.

    The reasons are `unpaired`, `unequal-size` (where clips are as large as the video), `unequal-rate` (where they are
    resampled), `unequal-length` and, with trim, which compares the frames that both have, `short-partner`.
    """
    from vidgauge.media.sampling import timeline  # opens libav's package, which the listing does without

    if other is None:
        raise BadVideo("unpaired", "has no partner of its own among the usable videos of the reference")
    if spec.size == "native" and (own.width, own.height) != (other.width, other.height):
        sizes = f"has {own.width}x{own.height} pixels, its partner {other.path} {other.width}x{other.height}"
        raise BadVideo("unequal-size", sizes)
    if spec.fps is not None and not _same_rate(own.fps, other.fps):
        raise BadVideo("unequal-rate", f"has {_rate(own.fps)}, its partner {other.path} {_rate(other.fps)}")
    if not trim and own.frames != other.frames:
        raise BadVideo("unequal-length", f"has {counted(own.frames, 'frame')}, its partner {other.path} {other.frames}")
    if trim:
        least, length = (timeline(spec, video.frames, video.fps, video.duration) for video in (own, other))
        if length < min(least, spec.span):
            number = counted(other.frames, "frame")
            raise BadVideo("short-partner", f"its partner {other.path} has {number}, too few for the first clip")


def _same_rate(own: float | None, other: float | None) -> bool:
    if own is None or other is None:
        return own == other
    return math.isclose(own, other, rel_tol=1e-3)


def _rate(fps: float | None) -> str:
    return "no times" if fps is None else f"{fps:g} frames a second"


def write_pairs(folder: Path, other: Path) -> None:
    """Write the partners of a dataset's videos among another's, a file for each shard.

    folder, other: results/manifests/{dataset} of both. Nothing is read where both are as they were the last time.
    """
    out, shards = folder / "pairs" / other.name, read_dataset(folder).shards
    manifests = [folder / "videos.jsonl", other / "videos.jsonl"]
    written, files = out / "written.json", [out / f"{shard}.jsonl" for shard in range(shards)]
    if written.exists() and written.read_text() == _state(manifests, files):
        return
    lines: list[list[tuple[str, dict[str, object]]]] = [[] for _ in files]
    for video, partner in sorted(partners(manifests[0], manifests[1]).items()):
        lines[shard_of(video, shards)].append((video, video_as_dict(partner)))
    for file, those in zip(files, lines, strict=True):
        write_if_changed(file, to_jsonl(those))
    for stale in set(out.glob("[0-9]*.jsonl")).difference(files):
        stale.unlink(missing_ok=True)
    write_if_changed(written, _state(manifests, files))


def _state(manifests: Sequence[Path], files: Sequence[Path]) -> str:
    """What the files were made from, and how they were left: one that was cut since is made again."""
    states = [
        [[found.st_size, found.st_mtime_ns] for found in (path.stat() for path in paths if path.exists())]
        for paths in (manifests, files)
    ]
    return to_json({"format": FORMAT, "from": states[0], "files": states[1]}) + "\n"


def read_pairs(file: Path) -> dict[str, Video]:
    """{video id: its partner} of a shard."""
    return {video: Video(**partner) for video, partner in read_jsonl(file)}
