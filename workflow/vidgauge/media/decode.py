"""Chosen frames of a video as RGB, and all its clips in one decode."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter

from vidgauge.errors import BadVideo
from vidgauge.media import images
from vidgauge.media.colour import Matrix, rgb_from_frame
from vidgauge.media.demux import Scan, decoded, open_video, scan_video
from vidgauge.media.resize import Resizer
from vidgauge.media.sampling import clip_indices, rounding_tolerance, source_indices, timeline
from vidgauge.specs import ClipSpec, Video

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_WORTH_A_SEEK = 8  # frames skipped; fewer are decoded about as fast as a seek refills the decoder

Clip = tuple[int, list[int], np.ndarray]
"""(draw, source frames, (t, h, w, 3) uint8)."""


@dataclass(frozen=True)
class Chosen:
    """The clips that are wanted of a video."""

    indices: dict[int, list[int]]  # source frames by draw
    scan: Scan | None  # of a file


class Source(Protocol):
    """What decoding needs to know of a `Video`."""

    @property
    def path(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def row(self) -> int | None: ...


def read_frames(video: Source, indices: Sequence[int], *, matrix: Matrix = "auto") -> np.ndarray:
    """(len(indices), H, W, 3) uint8 RGB at full size, H and W as shown, in the order asked for (repeats allowed).

    Decoding stops after the last frame needed, and starts at a keyframe where that saves much; frames are the same
    either way. Raises BadVideo: damaged (undecodable, or fewer frames than wanted), mixed-sizes, unsupported ...
    """
    frames = dict(iter_frames(video, sorted(set(indices)), matrix=matrix))
    if not frames:
        raise ValueError("no frame is asked for: indices is empty")
    return np.stack([frames[index] for index in indices])


def choose_clips(video: Video, spec: ClipSpec, *, seed: int, draws: Sequence[int]) -> Chosen:
    """The frames that some draws of a video take. With start: each, draws that the video has no clip for are left out.

    Raises BadVideo: too-short and no-timing (see `sampling.SPEC_REASONS`), or as `scan_video`.
    """
    scan = scan_video(Path(video.path)) if video.kind == "file" else None
    if scan is not None and scan.count != video.frames:
        raise BadVideo("damaged", f"it had {video.frames} frames when it was probed, now {scan.count}")
    length = timeline(spec, video.frames, video.fps, video.duration)
    chosen = clip_indices(spec, length, seed=seed, video_id=video.id, draws=draws)
    if scan is not None and spec.fps is not None:
        seconds, tolerance = scan.seconds(), rounding_tolerance(scan.time_base)
        chosen = {draw: source_indices(at, seconds, spec.fps, tolerance) for draw, at in chosen.items()}
    return Chosen(chosen, scan)


def read_clips(video: Video, spec: ClipSpec, chosen: Chosen) -> Iterator[Clip]:
    """The chosen clips at the spec's size, by their place in the video, from one decode of the frames they share.

    At any time only the frames of one clip's span are in memory. Raises BadVideo as `read_frames`.
    """
    waiting = deque(sorted(chosen.indices, key=chosen.indices.__getitem__))
    wanted = sorted({index for indices in chosen.indices.values() for index in indices})
    resized = _resizer(spec)
    held: dict[int, np.ndarray] = {}  # full-size frames are not kept
    for index, frame in iter_frames(video, wanted, matrix=spec.matrix, scan=chosen.scan):
        held[index] = resized(frame)
        while waiting and max(chosen.indices[waiting[0]]) == index:
            draw = waiting.popleft()
            indices = chosen.indices[draw]
            yield draw, indices, np.stack([held[at] for at in indices])
        first = min(chosen.indices[waiting[0]]) if waiting else index + 1  # later clips begin no earlier
        held = {at: small for at, small in held.items() if at >= first}


def _resizer(spec: ClipSpec) -> Callable[[np.ndarray], np.ndarray]:
    """(H, W, 3) uint8 -> (h, w, 3) uint8, as the spec says."""
    if spec.size == "native":
        return lambda frame: frame
    resize = Resizer(spec.size, spec.resize, spec.antialias, spec.backend, spec.crop, spec.rounding)
    return lambda frame: resize(frame[None])[0]


def iter_frames(
    video: Source, wanted: Sequence[int], *, matrix: Matrix = "auto", scan: Scan | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """(index, (H, W, 3) uint8) for each wanted index, which ascend. scan: of the file, if it is at hand."""
    if wanted and wanted[0] < 0:
        raise ValueError(f"frame indices count from 0, got {wanted[0]}")
    if video.kind == "array":
        clip = images.array_row(Path(video.path), video.row)
        for index in wanted:
            if index >= len(clip):
                raise BadVideo("damaged", f"frame {index} is wanted, it has {len(clip)}")
            yield index, np.array(clip[index])
    elif video.kind == "frames":
        yield from images.folder_frames(Path(video.path), wanted)
    elif wanted:
        scan = scan or scan_video(Path(video.path))
        reformatter, size = VideoReformatter(), None
        for index, frame in _file_frames(Path(video.path), scan, wanted):
            size = size or (frame.height, frame.width)
            if (frame.height, frame.width) != size:
                was = f"from {size[1]}x{size[0]} to {frame.width}x{frame.height}"
                raise BadVideo("mixed-sizes", f"its size changes {was} by frame {index}")
            yield index, rgb_from_frame(frame, matrix, reformatter)


class _SeekMissedError(Exception):
    """The container did not lead to the frame that its times promised."""


def _file_frames(path: Path, scan: Scan, wanted: Sequence[int]) -> Iterator[tuple[int, VideoFrame]]:
    if wanted[-1] >= scan.count:
        raise BadVideo("damaged", f"frame {wanted[-1]} is wanted, it has {scan.count}")
    parts, done = _parts(scan, wanted), 0
    try:
        with open_video(path) as (container, stream):
            for start, indices in parts:
                frames = _frames_from(container, stream, scan, start, indices)
                for index, frame in zip(indices, frames, strict=True):
                    yield index, frame
                    done += 1
    except _SeekMissedError:
        with open_video(path) as (container, stream):
            yield from zip(wanted[done:], _frames_from(container, stream, scan, 0, wanted[done:]), strict=True)


def _parts(scan: Scan, wanted: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Wanted frames grouped by the frame to start decoding at (0, or a safe one that skips enough)."""
    safe = [0] if scan.pts is None else sorted({bisect_right(scan.pts, tick) - 1 for tick in scan.safe_pts} | {0})
    parts: list[tuple[int, list[int]]] = [(0, [])]
    reached = 0
    for index in wanted:
        start = safe[bisect_right(safe, index) - 1]
        if start - reached > _WORTH_A_SEEK:
            parts.append((start, []))
        parts[-1][1].append(index)
        reached = index
    return [part for part in parts if part[1]]


def _frames_from(
    container: InputContainer, stream: VideoStream, scan: Scan, start: int, wanted: Sequence[int]
) -> Iterator[VideoFrame]:
    """The wanted frames, decoding from the frame numbered `start`. From 0 they are counted, and their times checked;
    after a seek they are known by their times."""
    if start == 0:
        frames = decoded(container, stream)
        last = -1
        for index in wanted:
            for number in range(last + 1, index + 1):
                frame = next(frames, None)
                if frame is None or (scan.pts is not None and frame.pts != scan.pts[number]):
                    raise BadVideo("damaged", f"frame {number} does not come out of the decoder")
            last = index
            assert frame is not None  # noqa: S101 - for the type checker
            yield frame
        return
    assert scan.pts is not None  # noqa: S101 - for the type checker
    try:
        container.seek(scan.pts[start], stream=stream)
    except FFmpegError:
        raise _SeekMissedError from None
    frames = decoded(container, stream, since=scan.pts[start])
    for index in wanted:
        for frame in frames:
            if frame.pts is None or frame.pts >= scan.pts[index]:
                break
        else:
            raise _SeekMissedError
        if frame.pts != scan.pts[index]:
            raise _SeekMissedError
        yield frame
