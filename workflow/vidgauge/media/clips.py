"""Many videos decoded in parallel, their clips handed over in order: of video ids, then along the video."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, Queue
from typing import Protocol

import av
import numpy as np

from vidgauge.errors import BadVideo
from vidgauge.media.decode import Clip, choose_clips, read_clips
from vidgauge.media.sampling import spec_problem, starts_in, timeline
from vidgauge.specs import ClipSpec, Video

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
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Append the clips of the given draws of all videos to `writer`; name to it every video that cannot be decoded.

    A video that does not suit the spec (too short, no times) is left out in silence: the gate has listed it. What
    is written does not depend on `workers` or on the order of `videos`. Clips of at most 2 * workers videos are in
    memory, of each HELD_BYTES or a few clips. progress: called with (videos done, of how many).
    """
    ordered = sorted(videos, key=lambda video: video.id)
    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="clips") as pool:
        running: deque[_Decoding] = deque()
        upcoming = iter(ordered)
        done = 0
        try:
            while True:
                while len(running) < 2 * max(1, workers) and (video := next(upcoming, None)) is not None:
                    running.append(_Decoding(pool, video, spec, seed, sorted(draws)))
                if not running:
                    break
                _hand_over(running[0], spec, writer)
                running.popleft()
                done += 1
                if progress is not None:
                    progress(done, len(ordered))
        finally:
            for decoding in running:  # after an error: do not go on with what nobody will read
                decoding.stop()


class _Decoding:
    """One video's clips on their way from a thread of the pool, which decodes it, to the one that writes."""

    def __init__(self, pool: ThreadPoolExecutor, video: Video, spec: ClipSpec, seed: int, draws: Sequence[int]) -> None:
        height, width = (video.height, video.width) if spec.size == "native" else spec.shape
        fit = HELD_BYTES // (spec.frames * height * width * 3)
        self.video = video
        self._spec, self._draws = spec, len(draws)
        self._clips: Queue[Clip | None] = Queue(max(2, fit))  # None is the end; two, so that `stop` makes room enough
        self._stopped = False
        self._ended = pool.submit(self._run, spec, seed, draws)

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

    def _run(self, spec: ClipSpec, seed: int, draws: Sequence[int]) -> BadVideo | None:
        try:
            for clip in read_clips(self.video, spec, choose_clips(self.video, spec, seed=seed, draws=draws)):
                if self._stopped:
                    break
                self._clips.put(clip)
        except BadVideo as problem:
            return problem
        except (OSError, av.FFmpegError) as problem:  # one video's trouble must not take its shard along
            return BadVideo("unreadable", f"{type(problem).__name__}: {problem}")
        finally:
            self._clips.put(None)
        return None


def _hand_over(decoding: _Decoding, spec: ClipSpec, writer: Writer) -> None:
    video = decoding.video
    for draw, indices, frames in decoding.clips():
        writer.append(video.id, draw, indices[0], indices, frames)
    problem = decoding.problem()
    if problem is not None and spec_problem(spec, video.frames, video.fps, video.duration) is None:
        writer.fail(
            video.id, video.path, problem.reason, problem.detail, decoding.wanted()
        )  # else the gate has listed it
