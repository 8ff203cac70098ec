"""Chosen frames of a video as RGB, and all its clips in one decode."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
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
from vidgauge.wording import counted

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_WORTH_A_SEEK = 8  # frames skipped; fewer are decoded about as fast as a seek refills the decoder

Clip = tuple[int, list[int], np.ndarray]
"""(draw, source frames, (t, h, w, 3) uint8)."""

PartClip = tuple[int, int, list[int], np.ndarray]
"""(which of the parts that are decoded together, and of that part a Clip)."""


@dataclass(frozen=True)
class Chosen:
    """The clips that are wanted of a video, by one spec."""

    spec: ClipSpec
    indices: dict[int, list[int]]  # source frames by draw


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


def choose_clips(video: Video, spec: ClipSpec, scan: Scan | None, *, seed: int, draws: Sequence[int]) -> Chosen:
    """The frames that some draws of a video take. With start: each, draws that the video has no clip for are left out.

    scan: of a file, as `scan_probed` gives it. Raises BadVideo: too-short and no-timing (see `sampling.SPEC_REASONS`).
    """
    length = timeline(spec, video.frames, video.fps, video.duration)
    chosen = clip_indices(spec, length, seed=seed, video_id=video.id, draws=draws)
    if scan is not None and spec.fps is not None:
        seconds, tolerance = scan.seconds(), rounding_tolerance(scan.time_base)
        chosen = {draw: source_indices(at, seconds, spec.fps, tolerance) for draw, at in chosen.items()}
    return Chosen(spec, chosen)


def scan_probed(video: Video) -> Scan | None:
    """The scan of a video file, None of what is no file. BadVideo as `scan_video`, and for another count of frames."""
    scan = scan_video(Path(video.path)) if video.kind == "file" else None
    if scan is not None and scan.count != video.frames:
        raise BadVideo("damaged", f"it had {counted(video.frames, 'frame')} when it was probed, now {scan.count}")
    return scan


def read_clips(video: Video, parts: Sequence[Chosen], scan: Scan | None = None) -> Iterator[PartClip]:
    """The chosen clips at their spec's size, those of a part by their place in the video, all from one decode.

    At any time only the frames of one clip's span of each part are in memory. Raises BadVideo as `read_frames`.
    """
    running = [_Part(number, chosen) for number, chosen in enumerate(parts)]
    wanted = sorted({index for part in running for index in part.wanted})
    shrink = _Shrinking()
    for index, shown in _iter_shown(video, wanted, scan):
        shrink.next(shown)
        for part in running:
            if index in part.wanted:
                yield from part.take(index, shrink.by(part.spec))


class _Part:
    """The clips of one spec while the frames go by."""

    def __init__(self, number: int, chosen: Chosen) -> None:
        self.spec, self.wanted = chosen.spec, {index for indices in chosen.indices.values() for index in indices}
        self._number, self._indices = number, chosen.indices
        self._waiting = deque(sorted(chosen.indices, key=chosen.indices.__getitem__))
        self._held: dict[int, np.ndarray] = {}  # full-size frames are not kept

    def take(self, index: int, frame: np.ndarray) -> Iterator[PartClip]:
        """The clips that end with this frame."""
        self._held[index] = frame
        while self._waiting and max(self._indices[self._waiting[0]]) == index:
            draw = self._waiting.popleft()
            indices = self._indices[draw]
            yield self._number, draw, indices, np.stack([self._held[at] for at in indices])
        first = min(self._indices[self._waiting[0]]) if self._waiting else index + 1  # later clips begin no earlier
        self._held = {at: small for at, small in self._held.items() if at >= first}


class _Shrinking:
    """Frames as several specs want them; what two of them want alike is made once."""

    def __init__(self) -> None:
        self._resizers: dict[tuple[object, ...], Resizer] = {}
        self._done: dict[tuple[object, ...], np.ndarray] = {}

    def next(self, shown: _Shown) -> None:
        """Go on to the next frame."""
        self._shown, self._done = shown, {}

    def by(self, spec: ClipSpec) -> np.ndarray:
        """(h, w, 3) uint8, as the spec says."""
        how: tuple[object, ...] = (spec.matrix, spec.size)
        if spec.size != "native":
            how += (spec.resize, spec.antialias, spec.backend, spec.crop, spec.rounding)
        if how not in self._done:
            if (spec.matrix, "native") not in self._done:
                self._done[spec.matrix, "native"] = self._shown(spec.matrix)
            frame = self._done[spec.matrix, "native"]
            if spec.size != "native":
                if how not in self._resizers:
                    self._resizers[how] = Resizer(
                        spec.size, spec.resize, spec.antialias, spec.backend, spec.crop, spec.rounding
                    )
                frame = self._resizers[how](frame[None])[0]
            self._done[how] = frame
        return self._done[how]


_Shown = Callable[[Matrix], np.ndarray]
"""A frame as (H, W, 3) uint8, its colours by a matrix."""


def iter_frames(
    video: Source, wanted: Sequence[int], *, matrix: Matrix = "auto", scan: Scan | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """(index, (H, W, 3) uint8) for each wanted index, which ascend. scan: of the file, if it is at hand."""
    for index, shown in _iter_shown(video, wanted, scan):
        yield index, shown(matrix)


def _iter_shown(video: Source, wanted: Sequence[int], scan: Scan | None) -> Iterator[tuple[int, _Shown]]:
    if wanted and wanted[0] < 0:
        raise ValueError(f"frame indices count from 0, got {wanted[0]}")
    if video.kind == "array":
        clip = images.array_row(Path(video.path), video.row)
        for index in wanted:
            if index >= len(clip):
                raise BadVideo("damaged", f"frame {index} is wanted, it has {len(clip)}")
            yield index, partial(_as_it_is, np.array(clip[index]))
    elif video.kind == "frames":
        for index, image in images.folder_frames(Path(video.path), wanted):
            yield index, partial(_as_it_is, image)
    elif wanted:
        scan = scan or scan_video(Path(video.path))
        reformatters: defaultdict[Matrix, VideoReformatter] = defaultdict(VideoReformatter)
        size = None
        for index, frame in _file_frames(Path(video.path), scan, wanted):
            size = size or (frame.height, frame.width)
            if (frame.height, frame.width) != size:
                was = f"from {size[1]}x{size[0]} to {frame.width}x{frame.height}"
                raise BadVideo("mixed-sizes", f"its size changes {was} by frame {index}")
            yield index, partial(_converted, frame, reformatters)


def _as_it_is(frame: np.ndarray, matrix: Matrix) -> np.ndarray:  # noqa: ARG001 - pictures are RGB already
    return frame


def _converted(frame: VideoFrame, reformatters: defaultdict[Matrix, VideoReformatter], matrix: Matrix) -> np.ndarray:
    return rgb_from_frame(frame, matrix, reformatters[matrix])


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
