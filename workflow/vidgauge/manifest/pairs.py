"""Which video of one dataset belongs to which of another: the same `pair` column, else the same id."""

from __future__ import annotations

from pathlib import Path

from vidgauge.errors import VidgaugeError
from vidgauge.manifest.joining import read_videos
from vidgauge.manifest.sources.rows import stem


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
