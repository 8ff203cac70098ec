"""Many videos decoded in parallel, their clips handed over in order: of video ids, then along the video."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from queue import Empty, Queue
from typing import TYPE_CHECKING, Protocol

from vidgauge.contained import limits
from vidgauge.contained.pool import Here, Pool, open_pool
from vidgauge.errors import BadVideo
from vidgauge.media.sampling import possible_draws, spec_problem
from vidgauge.specs import ClipSpec, Video

if TYPE_CHECKING:
    import numpy as np

    from vidgauge.media.decode import PartClip
    from vidgauge.media.verified import Draws

FUNCTION = "vidgauge.media.verified:verified_clips"
"""What decodes one video. libav is loaded where it runs, not here."""

HELD_BYTES = 64 << 20
"""Of clips of one video that wait to be written. Ten thousand frames would not fit into memory."""


class Writer(Protocol):
    """Where clips go. Called from one thread, video by video; `fail` takes back what was appended of its video."""

    def append(self, video_id: str, draw: int, start: int, index: list[int], frames: np.ndarray) -> None: ...
    def fail(self, video_id: str, path: str, reason: str, detail: str, clips: int) -> None: ...


@dataclass(frozen=True)
class Part:
    """The clips of one spec: which are wanted, and where they go."""

    spec: ClipSpec
    seed: int
    draws: int  # of each video: numbers 0 .. draws - 1
    writer: Writer
    native: tuple[int, int] | None = None  # with size: native, that of the videos to take
    indices: Mapping[str, Mapping[int, Sequence[int]]] | None = None  # source frames by video and draw; None: drawn

    def takes(self, video: Video) -> bool:
        """Whether the video suits the spec; the gate has listed those that do not."""
        if self.indices is not None:
            return bool(self.indices.get(video.id))
        if self.native not in (None, (video.height, video.width)):
            return False
        return spec_problem(self.spec, video.frames, video.fps, video.duration) is None

    def wanted(self, video: Video) -> int:
        """How many clips a video should give."""
        if self.indices is not None:
            return len(self.indices[video.id])
        return len(possible_draws(video, self.spec, self.draws))

    def asked(self, video: Video) -> Draws:
        """What the worker is asked for."""
        if self.indices is not None:
            return self.spec, self.indices[video.id]
        return self.spec, (self.seed, list(possible_draws(video, self.spec, self.draws)))

    def clip_bytes(self, video: Video) -> int:
        """Of one of its clips."""
        height, width = (video.height, video.width) if self.spec.size == "native" else self.spec.shape
        return self.spec.frames * height * width * 3


def make_clips(
    videos: Sequence[Video],
    parts: Sequence[Part],
    *,
    workers: int = 1,
    contained: bool = False,
    function: str = FUNCTION,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Decode each video once, and give the writer of each part its clips, or why the video has none.

    A video that does not suit a spec (too short, no times) is left out of its part in silence: the gate has listed it.
    What is written of a part does not depend on the other parts, on `workers` or on the order of `videos`. Clips of at
    most 2 * workers videos are in memory, of each HELD_BYTES or a few clips. contained: decode in worker processes, so
    that a crash or a hang of native code is one video's failure; function: what they run. progress: called with
    (videos done, of how many).

    Raises VidgaugeError where a video is not the one that was probed, and what the writers raise.
    """
    ordered = sorted((video for video in videos if any(part.takes(video) for part in parts)), key=lambda v: v.id)
    with (
        open_pool(function, workers=workers, contained=contained) as pool,
        ThreadPoolExecutor(max(1, workers), thread_name_prefix="clips") as threads,
    ):
        running: deque[_Decoding] = deque()
        upcoming = iter(ordered)
        done = 0
        try:
            while True:
                while len(running) < 2 * max(1, workers) and (video := next(upcoming, None)) is not None:
                    running.append(_Decoding(threads, pool, video, [part for part in parts if part.takes(video)]))
                if not running:
                    break
                running[0].hand_over()
                running.popleft()
                done += 1
                if progress is not None:
                    progress(done, len(ordered))
        except BaseException:  # do not go on with what nobody will read
            for decoding in running:
                decoding.stop()
            pool.close()
            raise


class _Decoding:
    """One video's clips on their way from a thread, which has them decoded, to the one that writes."""

    def __init__(self, threads: ThreadPoolExecutor, pool: Pool | Here, video: Video, parts: Sequence[Part]) -> None:
        self._pool, self._video, self._parts = pool, video, parts
        largest = max(part.clip_bytes(video) for part in parts)
        # None: the end; `stop` makes room for two
        self._clips: Queue[PartClip | None] = Queue(max(2, HELD_BYTES // largest))
        self._stopped = False
        self._ended = threads.submit(self._run)

    def hand_over(self) -> None:
        """Give the clips to the writers as they come, then the problems. Raises what was no fault of the video."""
        video = self._video
        for number, draw, indices, frames in iter(self._clips.get, None):
            self._parts[number].writer.append(video.id, draw, indices[0], indices, frames)
        for number, problem in self._ended.result().items():
            part = self._parts[number]
            part.writer.fail(video.id, video.path, problem.reason, problem.detail, part.wanted(video))

    def stop(self) -> None:
        """Decode no further."""
        self._stopped = True
        self._ended.cancel()
        with suppress(Empty):
            while True:
                self._clips.get_nowait()

    def _run(self) -> dict[int, BadVideo]:
        """Decode, and tell which parts have failed: those that would fail alone, too.

        Frames that one part needs may be damaged, and not those of another. So where decoding for several parts fails,
        each that is not complete yet is tried by itself.
        """
        made = dict.fromkeys(range(len(self._parts)), 0)
        try:
            together = self._decode(list(made), made)
            if together is None:
                return {}
            if len(self._parts) == 1 or self._stopped:
                return dict.fromkeys(made, together)
            left = [number for number, part in enumerate(self._parts) if made[number] < part.wanted(self._video)]
            alone = {number: self._decode([number], made) for number in left}
            return {number: problem for number, problem in alone.items() if problem is not None}
        finally:
            self._clips.put(None)

    def _decode(self, numbers: Sequence[int], made: dict[int, int]) -> BadVideo | None:
        """Pass on the clips of some parts, but for those that were made before, and count them in `made`."""
        video, parts = self._video, [self._parts[number] for number in numbers]
        clips = [part.clip_bytes(video) for part in parts]
        shown = video.frames * video.height * video.width
        given = sum(part.wanted(video) * size // 3 for part, size in zip(parts, clips, strict=True))
        task = replace(video, columns={}), [part.asked(video) for part in parts]
        limit = limits.decoding(video.bytes, max(shown, given), sum(clips))
        before, seen = dict(made), dict.fromkeys(numbers, 0)
        try:
            with closing(self._pool.stream(task, limit, name=video.path)) as messages:
                for at, *clip in messages:
                    if self._stopped:
                        break
                    number = numbers[at]
                    seen[number] += 1
                    if seen[number] > before[number]:
                        self._clips.put((number, *clip))
                        made[number] += 1
        except BadVideo as problem:
            return problem
        return None
