"""How much a video may ask for. Far above what good ones need, so that a slow or busy machine rejects none of them."""

from __future__ import annotations

from dataclasses import dataclass

REASONS = ("crashed", "time-limit", "memory-limit")
"""Why a video is rejected that ended its worker. A pool gives no other reason of its own."""

SECONDS = 300  # for a video of next to no size: libraries loaded from a slow disk, a busy machine
BYTES_A_SECOND = 100_000  # read, hashed and, where packets do not tell the number of frames, decoded; usual is 10^7
PIXELS_A_SECOND = 5e6  # decoded, converted and resized: two frames of 1080p; usual is 10^8
MEMORY = (
    4 << 30
)  # bytes, enough for 8K: one such frame takes 0.1 GB, a decoder keeps up to 17 for reference, resizing some in float64
CLIPS_HELD = 3  # its frames, the clip stacked from them, and the next one's frames

WALL = 4
"""Seconds of waiting for each second of computing: disks make processes wait, but not for ever. A busy processor, and
whoever reads the messages, may make them wait for any time."""


@dataclass(frozen=True)
class Limits:
    """What one task may take."""

    seconds: float  # of CPU time, user and system; WALL times as many of waiting
    memory: int  # bytes beyond what the worker has when the task begins


def probing(size: int) -> Limits:
    """Of the probe of a video of `size` bytes."""
    return Limits(SECONDS + size / BYTES_A_SECOND, MEMORY)


def decoding(size: int, pixels: int, clip: int) -> Limits:
    """Of the clips of a video of `size` bytes, which is read as in probing; pixels: all that are decoded or handed
    over, whichever are more; clip: bytes of one clip."""
    return Limits(SECONDS + size / BYTES_A_SECOND + pixels / PIXELS_A_SECOND, MEMORY + CLIPS_HELD * clip)
