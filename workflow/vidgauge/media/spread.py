"""Frames spread over the whole of a video, by the rules that published scores were made with. Pure arithmetic.

Two rules that sound alike give other frames, and other scores: each has its own function. A rule that was written in
floating point is so here as well: where a product falls just below a whole number, the frame before it is meant.
"""

from __future__ import annotations

import math
from itertools import pairwise


def uniform_floor(length: int, frames: int) -> list[int]:
    """The first frame of each of `frames` equal parts of a video of `length` frames; all of a video with no more.

    VideoScore's example: steps of length / frames from 0 on, rounded down. The last frame of a longer video is never
    among them. Steps are floats: with 48 frames, 15 lengths up to 3000 take other frames than i * length // frames.

    >>> uniform_floor(10, 4), uniform_floor(3, 4), uniform_floor(208, 48)[27:29], 27 * 208 // 48
    ([0, 2, 5, 7], [0, 1, 2], [116, 121], 117)
    """
    _check(length, frames)
    if length <= frames:
        return list(range(length))
    step = length / frames
    return [math.floor(i * step) for i in range(frames)]


def uniform_ends(length: int, frames: int) -> list[int]:
    """`frames` frames from the first to the last of a video of `length` frames, with both; repeated where it has fewer.

    VideoScore's benchmark: numbers from 0 to length - 1 in equal steps, rounded down. One frame is the first.

    >>> uniform_ends(10, 4), uniform_ends(3, 4), uniform_ends(3, 1)
    ([0, 3, 6, 9], [0, 0, 1, 2], [0])
    """
    _check(length, frames)
    if frames == 1:
        return [0]
    step = (length - 1) / (frames - 1)
    return [*(math.floor(i * step) for i in range(frames - 1)), length - 1]


def uniform_middle(length: int, frames: int) -> list[int]:
    """The middle frame of each of `frames` equal parts; of a shorter video all frames, the last one repeated.

    VBench's rule: parts begin at whole frames, rounded down; of the two middle frames of an even part the first counts.

    >>> uniform_middle(10, 2), uniform_middle(3, 4)
    ([2, 7], [0, 1, 2, 2])
    """
    _check(length, frames)
    parts = min(length, frames)
    step = length / parts
    bounds = [*(math.floor(i * step) for i in range(parts)), length]
    middle = [(first + after - 1) // 2 for first, after in pairwise(bounds)]
    return middle + middle[-1:] * (frames - parts)


def _check(length: int, frames: int) -> None:
    if length < 1 or frames < 1:
        raise ValueError(f"a video and a clip have at least one frame, got length {length}, frames {frames}")
