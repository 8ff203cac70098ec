"""Which video of one dataset belongs to which of another: the same `pair` column, else the same id or file name."""

from __future__ import annotations

from pathlib import Path

from vidgauge.errors import VidgaugeError
from vidgauge.manifest.joining import read_videos
from vidgauge.manifest.sources.rows import stem
from vidgauge.specs import Video


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
