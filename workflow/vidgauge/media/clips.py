"""Many videos decoded in parallel, their clips handed over in order: of video ids, then along the video."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from queue import Empty, Queue
from typing import TYPE_CHECKING, Protocol

from vidgauge.contained import limits
from vidgauge.contained.pool import Here, Pool, open_pool
from vidgauge.errors import BadVideo
from vidgauge.media.sampling import spec_problem, starts_in, timeline
from vidgauge.specs import ClipSpec, Video

if TYPE_CHECKING:
    import numpy as np

    from vidgauge.media.decode import Clip

FUNCTION = "vidgauge.media.verified:verified_clips"
"""What decodes one video. libav is loaded where it runs, not here."""

HELD_BYTES = 64 << 20
"""Of clips of one video that wait to be written. Ten thousand frames would not fit into memory."""


class Writer(Protocol):
    """Where clips go. Called from one thread, video by video; `fail` takes back what was appended of its video."""

    def append(self, video_id: str, draw: int, start: int, index: list[int], frames: np.ndarray) -> None: ...
    def fail(self, video_id: str, path: str, reason: str, detail: str, clips: int) -> None: ...


def make_clips(
    videos: Sequence[Video],
    spec: ClipSpec,
    *,
    seed: int,
    draws: Sequence[int],
    writer: Writer,
    workers: int = 1,
    contained: bool = False,
    function: str = FUNCTION,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Append the clips of the given draws of all videos to `writer`; name to it every video that cannot be decoded.

    A video that does not suit the spec (too short, no times) is left out in silence: the gate has listed it. What
    is written does not depend on `workers` or on the order of `videos`. Clips of at most 2 * workers videos are in
    memory, of each HELD_BYTES or a few clips. contained: decode in worker processes, so that a crash or a hang of
    native code is one video's failure; function: what they run. progress: called with (videos done, of how many).

    Raises VidgaugeError where a video is not the one that was probed, and what the writer raises.
    """
    suited = (video for video in videos if spec_problem(spec, video.frames, video.fps, video.duration) is None)
    ordered = sorted(suited, key=lambda video: video.id)
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
                    running.append(_Decoding(threads, pool, video, spec, seed, sorted(draws)))
                if not running:
                    break
                _hand_over(running[0], writer)
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

    def __init__(
        self,
        threads: ThreadPoolExecutor,
        pool: Pool | Here,
        video: Video,
        spec: ClipSpec,
        seed: int,
        draws: Sequence[int],
    ) -> None:
        height, width = (video.height, video.width) if spec.size == "native" else spec.shape
        clip = spec.frames * height * width * 3
        self.video = video
        self._spec, self._draws = spec, len(draws)
        self._clips: Queue[Clip | None] = Queue(max(2, HELD_BYTES // clip))  # None: the end; `stop` makes room for two
        self._stopped = False
        pixels = max(video.frames, self.wanted() * spec.frames) * max(video.height * video.width, height * width)
        task = replace(video, columns={}), spec, seed, draws
        messages = pool.stream(task, limits.decoding(video.bytes, pixels, clip), name=video.path)
        self._ended = threads.submit(self._run, messages)

    def clips(self) -> Iterator[Clip]:
        """The clips as they come."""
        return iter(self._clips.get, None)

    def problem(self) -> BadVideo | None:
        """Why it could not be decoded to its end. Raises what was no fault of the video."""
        return self._ended.result()

    def wanted(self) -> int:
        """How many clips the video should give."""
        if self._spec.start != "each":
            return self._draws
        length = timeline(self._spec, self.video.frames, self.video.fps, self.video.duration)
        return min(self._draws, starts_in(self._spec, length))

    def stop(self) -> None:
        """Decode no further."""
        self._stopped = True
        self._ended.cancel()
        with suppress(Empty):
            while True:
                self._clips.get_nowait()

    def _run(self, messages: Generator[Clip]) -> BadVideo | None:
        try:
            with closing(messages):
                for clip in messages:
                    if self._stopped:
                        break
                    self._clips.put(clip)
        except BadVideo as problem:
            return problem
        finally:
            self._clips.put(None)
        return None


def _hand_over(decoding: _Decoding, writer: Writer) -> None:
    video = decoding.video
    for draw, indices, frames in decoding.clips():
        writer.append(video.id, draw, indices[0], indices, frames)
    if (problem := decoding.problem()) is not None:
        writer.fail(video.id, video.path, problem.reason, problem.detail, decoding.wanted())
