"""Many videos decoded in parallel, their clips handed over in canonical order (video id, then draw)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import av
import numpy as np

from vidgauge.errors import BadVideo
from vidgauge.media.decode import Clip, read_clips
from vidgauge.media.sampling import spec_problem
from vidgauge.specs import ClipSpec, Video


class Writer(Protocol):
    """Where clips go. Called from one thread, in canonical order."""

    def append(self, video_id: str, draw: int, start: int, index: list[int], frames: np.ndarray) -> None: ...
    def fail(self, video_id: str, path: str, reason: str, detail: str) -> None: ...


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
    is written does not depend on `workers` or on the order of `videos`. At most 2 * workers videos' clips are in
    memory. progress: called with (videos done, of how many).
    """
    ordered = sorted(videos, key=lambda video: video.id)
    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="clips") as pool:
        running: deque[tuple[Video, Future[list[Clip] | BadVideo]]] = deque()
        upcoming = iter(ordered)
        done = 0
        try:
            while True:
                while len(running) < 2 * max(1, workers) and (video := next(upcoming, None)) is not None:
                    running.append((video, pool.submit(_clips_of, video, spec, seed, sorted(draws))))
                if not running:
                    break
                video, future = running.popleft()
                _hand_over(video, spec, future.result(), sorted(draws), writer)
                done += 1
                if progress is not None:
                    progress(done, len(ordered))
        finally:
            for _, future in running:  # after an error: do not start what nobody will read
                future.cancel()


def _clips_of(video: Video, spec: ClipSpec, seed: int, draws: Sequence[int]) -> list[Clip] | BadVideo:
    try:
        return read_clips(video, spec, seed=seed, draws=draws)
    except BadVideo as problem:
        return problem
    except (OSError, av.FFmpegError) as problem:  # one video's trouble must not take its shard along
        return BadVideo("unreadable", f"{type(problem).__name__}: {problem}")


def _hand_over(
    video: Video, spec: ClipSpec, result: list[Clip] | BadVideo, draws: Sequence[int], writer: Writer
) -> None:
    if isinstance(result, BadVideo):
        if spec_problem(spec, video.frames, video.fps, video.duration) is None:  # else the gate has listed it
            writer.fail(video.id, video.path, result.reason, result.detail)
        return
    for draw, (start, index, frames) in zip(draws, result, strict=True):
        writer.append(video.id, draw, start, index, frames)
