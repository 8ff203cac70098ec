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
from dataclasses import replace
from pathlib import Path

from vidgauge.draws import shard_of
from vidgauge.errors import BadVideo, VidgaugeError
from vidgauge.files import read_jsonl, to_json, to_jsonl, write_if_changed
from vidgauge.manifest.joining import read_videos
from vidgauge.manifest.listing import read_dataset, remove_stale
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


def partners(own: Path, other: Path) -> dict[str, str]:
    """{video id: id of its partner} of two datasets' videos.jsonl, without the videos that have none.

    By `pair_keys`; where not one fits, by the names of the files alone, which lie in folders of different names. Raises
    VidgaugeError where two videos have one key, and where not one video has a partner.
    """
    found = _shared(pair_keys(own), pair_keys(other)) or _shared(_names(own), _names(other))
    if not found:
        ours, theirs = (next((video.id for video in read_videos(each)), "none") for each in (own, other))
        raise VidgaugeError(
            f"{own}: not one of its videos ({ours}, for instance) has a partner in {other} ({theirs}, for instance); "
            "give videos that belong together the same `pair` in both manifests, or files of the same name"
        )
    return found


def _shared(ours: dict[str, str], theirs: dict[str, str]) -> dict[str, str]:
    of_key = {key: video for video, key in theirs.items()}
    return {video: of_key[key] for video, key in ours.items() if key in of_key}


def _names(manifest: Path) -> dict[str, str]:
    """{video id: name of its file, without folder and suffix}; nothing where two have one name, or some have `pair`."""
    videos: list[Video] = list(read_videos(manifest))
    names = {video.id: stem(video.id).rpartition("/")[2] for video in videos}
    alike = len(set(names.values())) < len(names)
    return {} if alike or any("pair" in video.columns for video in videos) else names


def with_partners(own: Path, other: Path) -> dict[str, Video]:
    """{video id: its partner, without columns} of two datasets' videos.jsonl. Raises VidgaugeError as `partners`."""
    found = partners(own, other)
    wanted = set(found.values())
    theirs = {video.id: replace(video, columns={}) for video in read_videos(other) if video.id in wanted}
    return {video: theirs[partner] for video, partner in found.items()}


def check_pair(own: Video, other: Video | None, spec: ClipSpec, *, trim: bool) -> None:
    """Raise BadVideo where clips of a video cannot be compared with the same frames of its partner.

    The reasons are `unpaired`, `unequal-size` (where clips are as large as the video), `unequal-rate` (where they are
    resampled), `unequal-length` and, with trim, which compares the frames that both have, `short-partner`.
    """
    from vidgauge.media.sampling import timeline  # opens libav's package, which the listing does without

    if other is None:
        raise BadVideo("unpaired", "has no partner among the usable videos of the reference")
    if spec.size == "native" and (own.width, own.height) != (other.width, other.height):
        sizes = f"has {own.width}x{own.height} pixels, its partner {other.path} {other.width}x{other.height}"
        raise BadVideo("unequal-size", sizes)
    if spec.fps is not None and own.fps and other.fps and not math.isclose(own.fps, other.fps, rel_tol=1e-3):
        raise BadVideo("unequal-rate", f"has {own.fps:g} frames a second, its partner {other.path} {other.fps:g}")
    if not trim and own.frames != other.frames:
        raise BadVideo("unequal-length", f"has {counted(own.frames, 'frame')}, its partner {other.path} {other.frames}")
    if trim and timeline(spec, other.frames, other.fps, other.duration) < spec.frames_needed:
        raise BadVideo(
            "short-partner", f"its partner {other.path} has {counted(other.frames, 'frame')}, too few for a clip"
        )


def write_pairs(folder: Path, other: Path) -> None:
    """Write the partners of a dataset's videos among another's, a file for each shard.

    folder, other: results/manifests/{dataset} of both. Nothing is read where both are as they were the last time.
    """
    out, shards = folder / "pairs" / other.name, read_dataset(folder).shards
    manifests = [folder / "videos.jsonl", other / "videos.jsonl"]
    states = [[found.st_size, found.st_mtime_ns] for found in (manifest.stat() for manifest in manifests)]
    written, files = out / "written.json", [out / f"{shard}.jsonl" for shard in range(shards)]
    said = to_json({"format": FORMAT, "shards": shards, "from": states}) + "\n"
    if written.exists() and written.read_text() == said and all(file.exists() for file in files):
        return
    lines: list[list[tuple[str, dict[str, object]]]] = [[] for _ in files]
    for video, partner in sorted(with_partners(manifests[0], manifests[1]).items()):
        lines[shard_of(video, shards)].append((video, video_as_dict(partner)))
    for file, those in zip(files, lines, strict=True):
        write_if_changed(file, to_jsonl(those))
    remove_stale(out, shards)
    write_if_changed(written, said)


def read_pairs(file: Path) -> dict[str, Video]:
    """{video id: its partner} of a shard."""
    return {video: Video(**partner) for video, partner in read_jsonl(file)}
