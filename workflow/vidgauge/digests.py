"""Digests of sets of videos: the same for the same videos, whatever their order and the shards they are cut into."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from vidgauge.specs import Video


def manifest_digest(videos: Iterable[Video]) -> str:
    """64 hexadecimal digits that stand for the ids and contents of all videos."""
    return joined(
        hashlib.sha256(f"{video.id}\0{video.fingerprint}".encode(errors="surrogateescape")).hexdigest()
        for video in videos
    )


def joined(digests: Iterable[str]) -> str:
    """The digest of a union of disjoint sets, from theirs: a sum, so that no order shows.

    >>> joined(["f" * 64, "0" * 63 + "2"]) == "0" * 63 + "1"
    True
    """
    return f"{sum(int(digest, 16) for digest in digests) % (1 << 256):064x}"
