"""The clips of a video that is still the one that was probed: what the worker processes of `clips` run."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from av.error import FFmpegError

from vidgauge.errors import BadVideo, VidgaugeError
from vidgauge.media.decode import Chosen, PartClip, choose_clips, read_clips, scan_probed
from vidgauge.media.demux import Scan
from vidgauge.media.images import frame_paths
from vidgauge.media.probe import fingerprint
from vidgauge.specs import ClipSpec, Video, file_state

Draws = tuple[ClipSpec, tuple[int, Sequence[int]] | Mapping[int, Sequence[int]]]
"""(spec, (seed, draws) or the source frames of each draw)."""

Task = tuple[Video, Sequence[Draws]]
"""A video, and what is wanted of it."""


def verified_clips(task: Task) -> Generator[PartClip]:
    """All clips of the draws, those of each spec along the video.

    Its content is hashed before, and its state compared after. Raises VidgaugeError where it is another than the
    probe found, which is no fault of the video: what else was measured of it does not hold either. Raises BadVideo as
    `choose_clips` and `read_clips`, and for any other trouble in reading.
    """
    video, wanted = task
    try:
        before = _state(video)
        if fingerprint(Path(video.path), video.kind, video.row) != video.fingerprint:
            raise _changed(video)
        try:
            scan = scan_probed(video)
            yield from read_clips(video, [_chosen(video, draws, scan) for draws in wanted], scan)
        except BadVideo:
            _refuse_if_changed(video, before)  # which would be the reason
            raise
        _refuse_if_changed(video, before)
    except FileNotFoundError:
        raise BadVideo("missing", "no such file or folder") from None
    except (OSError, FFmpegError) as problem:  # one video's trouble must not take its shard along
        raise BadVideo("unreadable", f"{type(problem).__name__}: {problem}") from None


def _chosen(video: Video, draws: Draws, scan: Scan | None) -> Chosen:
    spec, which = draws
    if isinstance(which, Mapping):
        return Chosen(spec, {draw: list(indices) for draw, indices in which.items()})
    return choose_clips(video, spec, scan, seed=which[0], draws=which[1])


def _state(video: Video) -> list[tuple[int, ...]]:
    """What tells, without reading it, that a video was written to or replaced."""
    path = Path(video.path)
    return [file_state(each) for each in (frame_paths(path) if video.kind == "frames" else [path])]


def _refuse_if_changed(video: Video, before: list[tuple[int, ...]]) -> None:
    if _state(video) != before:
        raise _changed(video)


def _changed(video: Video) -> VidgaugeError:
    return VidgaugeError(
        f"{video.path}: is no longer the video that was probed, its content has changed. Run the same command again "
        "when nothing writes to it: it is listed and probed anew. (If it is found unchanged then, its size and time "
        "were set to those of before: touch it)"
    )
