"""Every random choice about a video, from the seed and the video's id alone: never from order, shard or worker."""

from __future__ import annotations

import hashlib

_TWO64 = 1 << 64


def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:8], "big")


def position(video_id: str) -> int:
    """Where a video stands in hash order, 0 <= position < 2**64. `samples` picks, and shards are cut, in this order."""
    return _hash64(video_id)


def shard_of(video_id: str, shards: int) -> int:
    """The shard of a video: shards are equal ranges of the hash order, so the first ones hold its first videos.

    >>> [shard_of(name, 1) for name in ("a.mp4", "b.mp4")]
    [0, 0]
    """
    return position(video_id) * shards >> 64


def choose(seed: int, video_id: str, draw: int, choices: int) -> int:
    """Draw number `draw` of a video: an integer, uniform over 0 .. choices - 1.

    >>> choose(42, "a.mp4", 0, 1)
    0
    """
    return _hash64(f"{seed}\0{video_id}\0{draw}") * choices // _TWO64


def permuted(seed: int, video_id: str, draws: int, choices: int) -> list[int]:
    """The first `draws` of the integers 0 .. choices - 1 in the order in which this video takes them, each once.

    Item j of a uniform permutation, so fewer draws give the beginning of what more give, and draws beyond the last
    choice give nothing. Draw 0 is that of `choose`.

    >>> sorted(permuted(42, "a.mp4", 9, 4))
    [0, 1, 2, 3]
    """
    moved: dict[int, int] = {}  # Fisher and Yates from the front; what is not here still lies in its own place
    taken = []
    for draw in range(min(draws, choices)):
        place = draw + choose(seed, video_id, draw, choices - draw)
        taken.append(moved.get(place, place))
        moved[place] = moved.pop(draw, draw)
    return taken
