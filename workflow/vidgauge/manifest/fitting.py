"""Which videos of a dataset a clip spec can use, and how many clips they give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from vidgauge.errors import BadVideo
from vidgauge.specs import ClipSpec, Video


@dataclass(frozen=True)
class Fit:
    """What a clip spec makes of a dataset's videos. Lengths are in frames at its rate."""

    lengths: dict[str, int]  # by id, of the videos that it can use
    unfit: list[tuple[Video, str, str]]  # the others, each with the reason and a detail
    longest: int  # of all videos, 0 where none has a length
    size: tuple[int, int] | None  # with size: native, (height, width) of the videos that it can use


def fit(videos: Sequence[Video], name: str, spec: ClipSpec) -> Fit:
    """Hold videos against a clip spec; `name` is what details call it."""
    from vidgauge.media.sampling import timeline  # opens libav's package, which the listing does without

    lengths, unfit, longest = {}, [], 0
    for video in videos:
        try:
            length = timeline(spec, video.frames, video.fps, video.duration)
        except BadVideo as bad:
            unfit.append((video, bad.reason, bad.detail))
            continue
        longest = max(longest, length)
        if length >= spec.frames_needed:
            lengths[video.id] = length
            continue
        after = f" ({length} after resampling and trimming)" if length != video.frames else ""
        detail = f"has {video.frames} frames{after}, clips {name} need {spec.frames_needed}"
        unfit.append((video, "too-short", detail))
    long_enough = [video for video in videos if video.id in lengths]
    if spec.size != "native" or not long_enough:
        return Fit(lengths, unfit, longest, None)
    size = _common_size(long_enough)
    for video in long_enough:
        if (video.height, video.width) != size:
            del lengths[video.id]
            unfit.append((video, "other-size", _size_detail(video, name, size)))
    return Fit(lengths, unfit, longest, size)


def _common_size(videos: Sequence[Video]) -> tuple[int, int]:
    """(height, width) of most of the videos; of equally many, the larger picture."""
    counts = Counter((video.height, video.width) for video in videos)
    return max(counts, key=lambda size: (counts[size], size[0] * size[1], size))


def _size_detail(video: Video, name: str, size: tuple[int, int]) -> str:
    return (
        f"is {video.height} pixels high and {video.width} wide, most videos of the dataset are {size[0]} high and "
        f"{size[1]} wide, and clips {name} leave sizes as they are"
    )


def clips_by_draws(spec: ClipSpec, lengths: Sequence[Sequence[int]]) -> list[list[int]]:
    """Clips of each shard with start: each, at 1, 2, 4 ... draws a video, until every possible one is drawn.

    lengths: of the usable videos of each shard.

    >>> clips_by_draws(ClipSpec(frames=4, start="each"), [[4, 6], [8]])
    [[2, 1], [3, 2], [4, 4], [4, 5]]
    """
    from vidgauge.media.sampling import starts_in

    starts = [[starts_in(spec, length) for length in shard] for shard in lengths]
    most = max((number for shard in starts for number in shard), default=1)
    powers = range((most - 1).bit_length() + 1)
    return [[sum(min(1 << power, number) for number in shard) for shard in starts] for power in powers]
