"""Which videos of a dataset a clip spec can use, and how many clips they give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from vidgauge.errors import BadVideo
from vidgauge.specs import ClipSpec, Video
from vidgauge.wording import counted


class Fitting:
    """A clip spec held against a dataset's videos, one at a time; `name` is what details call it.

    With size: native, every video is counted before the first is asked for its length.
    """

    def __init__(self, name: str, spec: ClipSpec) -> None:
        self.name, self.spec = name, spec
        self.longest = 0  # frames, at its rate, of all videos that were looked at
        self._sizes: Counter[tuple[int, int]] = Counter()

    @property
    def counts(self) -> bool:
        """Whether the other videos decide which ones it can use."""
        return self.spec.size == "native"

    @cached_property
    def size(self) -> tuple[int, int] | None:
        """With size: native, (height, width) of the videos that it can use; of equally many, the larger picture."""
        return max(self._sizes, key=lambda size: (self._sizes[size], size[0] * size[1], size), default=None)

    def count(self, video: Video) -> None:
        """Take note of the size of a video, if it is long enough."""
        with suppress(BadVideo):
            self._long_enough(video)
            self._sizes[video.height, video.width] += 1

    def length(self, video: Video) -> int:
        """Frames of a video, at the clips' rate. Raises BadVideo where the spec cannot use it."""
        length = self._long_enough(video)
        if self.size is not None and (video.height, video.width) != self.size:
            raise BadVideo("other-size", _size_detail(video, self.name, self.size))
        return length

    def _long_enough(self, video: Video) -> int:
        from vidgauge.media.sampling import timeline  # opens libav's package, which the listing does without

        length = timeline(self.spec, video.frames, video.fps, video.duration)
        self.longest = max(self.longest, length)
        needed = self.spec.frames_needed
        if length < needed:
            after = f" ({length} after resampling and trimming)" if length != video.frames else ""
            raise BadVideo("too-short", f"has {counted(video.frames, 'frame')}{after}, clips {self.name} need {needed}")
        return length


@dataclass(frozen=True)
class Fit:
    """What a clip spec makes of a few videos. Lengths are in frames at its rate."""

    lengths: dict[str, int]  # by id, of the videos that it can use
    unfit: list[tuple[Video, str, str]]  # the others, each with the reason and a detail
    longest: int  # of all videos, 0 where none has a length
    size: tuple[int, int] | None  # with size: native, (height, width) of the videos that it can use


def fit(videos: Sequence[Video], name: str, spec: ClipSpec) -> Fit:
    """Hold videos against a clip spec; `name` is what details call it."""
    fitting, lengths, unfit = Fitting(name, spec), {}, []
    if fitting.counts:
        for video in videos:
            fitting.count(video)
    for video in videos:
        try:
            lengths[video.id] = fitting.length(video)
        except BadVideo as bad:
            unfit.append((video, bad.reason, bad.detail))
    return Fit(lengths, unfit, fitting.longest, fitting.size)


def _size_detail(video: Video, name: str, size: tuple[int, int]) -> str:
    return (
        f"is {video.height} pixels high and {video.width} wide, most videos of the dataset are {size[0]} high and "
        f"{size[1]} wide, and clips {name} leave sizes as they are"
    )


def clips_by_draws(spec: ClipSpec, lengths: Sequence[Iterable[int]]) -> list[list[int]]:
    """Clips of each shard with start: each, at 1, 2, 4 ... draws a video, until every possible one is drawn.

    lengths: of the usable videos of each shard.

    >>> clips_by_draws(ClipSpec(frames=4, start="each"), [[4, 6], [8]])
    [[2, 1], [3, 2], [4, 4], [4, 5]]
    """
    from vidgauge.media.sampling import starts_in

    starts = [Counter(starts_in(spec, length) for length in shard) for shard in lengths]
    most = max((number for shard in starts for number in shard), default=1)
    powers = range((most - 1).bit_length() + 1)
    return [
        [sum(min(1 << power, number) * videos for number, videos in shard.items()) for shard in starts]
        for power in powers
    ]
