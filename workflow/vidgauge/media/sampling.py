"""Which frames of a video a clip takes. Pure arithmetic on counts, rates and times; no file is opened."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

from vidgauge.draws import choose, permuted
from vidgauge.errors import BadVideo
from vidgauge.media.spread import uniform_ends, uniform_floor
from vidgauge.specs import ClipSpec, Video

SPEC_REASONS = frozenset({"too-short", "no-timing"})
"""Reasons of videos that are fine, only not for a clip spec: a matter of the evaluation, not of the dataset."""

_EPSILON = 1e-6  # frames: rates and durations are floats (16 frames at 30/s last 0.5333 s, and times 30 must stay 16)


def timeline(spec: ClipSpec, frames: int, fps: float | None, duration: float | None) -> int:
    """Number of usable frames of a video, resampled to `spec.fps` and trimmed to `spec.max_seconds`; at least 1.

    frames: of the file; fps: its mean rate, duration: its seconds, both None where there is no time.
    Raises BadVideo('no-timing') if the spec asks for times and there are none.

    >>> timeline(ClipSpec(fps=8), 48, 24.0, 2.0), timeline(ClipSpec(max_seconds=0.5), 48, 24.0, 2.0)
    (16, 12)
    """
    if spec.fps is None and spec.max_seconds is None:
        return frames
    if fps is None or duration is None:
        key = "fps" if spec.fps is not None else "max_seconds"
        raise BadVideo("no-timing", f"clip spec sets {key}, and frame folders, arrays and still images have no times")
    if spec.fps is None:
        assert spec.max_seconds is not None  # noqa: S101 - for the type checker
        return max(1, min(frames, math.ceil(spec.max_seconds * fps - _EPSILON)))
    seconds = duration if spec.max_seconds is None else min(duration, spec.max_seconds)
    return max(1, math.floor(seconds * spec.fps + _EPSILON))


def spec_problem(spec: ClipSpec, frames: int, fps: float | None, duration: float | None) -> BadVideo | None:
    """Why a usable video does not suit a clip spec (its reason is in SPEC_REASONS), or None. For the gate.

    >>> print(spec_problem(ClipSpec(frames=16), 12, 24.0, 0.5))
    too-short: has 12 frames, clip spec needs 16
    """
    try:
        length = timeline(spec, frames, fps, duration)
    except BadVideo as problem:
        return problem
    if length < spec.frames_needed:
        return _too_short(spec, length)
    return None


def _too_short(spec: ClipSpec, length: int) -> BadVideo:
    what = "frames" if spec.fps is None else f"frames at {spec.fps:g} fps"
    return BadVideo("too-short", f"has {length} {what}, clip spec needs {spec.frames_needed}")


def starts_in(spec: ClipSpec, length: int) -> int:
    """How many starts a clip can have on a timeline of `length` frames: 0 .. length - span; one where it is shorter."""
    return max(1, length - spec.span + 1)


def possible_draws(video: Video, spec: ClipSpec, draws: int) -> range:
    """Those of the first so many draws that may give a clip; with start: each a video has no more than its starts."""
    if spec.start != "each":
        return range(draws)
    return range(min(draws, starts_in(spec, timeline(spec, video.frames, video.fps, video.duration))))


def distinct_clips(video: Video, spec: ClipSpec, draws: int) -> int:
    """How many clips, at most, so many draws of a video give that are not alike; 0 where it does not suit the spec."""
    if spec_problem(spec, video.frames, video.fps, video.duration) is not None:
        return 0
    return min(draws, starts_in(spec, timeline(spec, video.frames, video.fps, video.duration)))


def clip_indices(
    spec: ClipSpec, length: int, *, seed: int, video_id: str, draws: Sequence[int]
) -> dict[int, list[int]]:
    """Positions on a timeline of `length` frames by draw: `spec.frames` of 0 .. length - 1 each.

    A draw follows from (seed, video_id, draw) alone; with start: each, draws past the last start are left out. Too
    short a timeline: BadVideo('too-short') with short: reject; with loop it begins again at its first frame; with pad
    its last frame stands still.

    >>> clip_indices(ClipSpec(frames=4, stride=2, start="center"), 11, seed=0, video_id="a.mp4", draws=[0])
    {0: [2, 4, 6, 8]}
    >>> clip_indices(ClipSpec(frames=5, short="loop"), 3, seed=0, video_id="a.mp4", draws=[1])
    {1: [0, 1, 2, 0, 1]}
    """
    if length < 1:
        raise ValueError(f"a timeline has at least one frame, got length {length}")
    if length < spec.frames_needed:
        raise _too_short(spec, length)
    number, starts = starts_in(spec, length), dict.fromkeys(draws, 0)
    if spec.start == "center":
        starts = dict.fromkeys(draws, (number - 1) // 2)
    elif spec.start == "random":
        starts = {draw: choose(seed, video_id, draw, number) for draw in draws}
    elif spec.start == "each":
        order = permuted(seed, video_id, max(draws, default=-1) + 1, number)
        starts = {draw: order[draw] for draw in draws if draw < len(order)}
    if spec.spread:
        positions = uniform_floor(length, spec.frames) if spec.start == "spread" else uniform_ends(length, spec.frames)
        if len(positions) < spec.frames:  # short: loop or pad
            positions = [positions[at] for at in _positions(spec, 0, length)]
        return dict.fromkeys(draws, positions)
    return {draw: _positions(spec, start, length) for draw, start in starts.items()}


def _positions(spec: ClipSpec, start: int, length: int) -> list[int]:
    positions = range(start, start + spec.span, spec.stride)
    if spec.short == "loop":
        return [position % length for position in positions]
    return [min(position, length - 1) for position in positions]


def source_indices(
    positions: Sequence[int],
    pts_seconds: Sequence[Fraction] | None,
    fps: float | None,
    tolerance: Fraction = Fraction(1, 1000),
) -> list[int]:
    """Source frames for positions on a timeline: the same numbers, or with `fps` the frames shown at those times.

    Position i of a timeline of `fps` stands for the time of the first frame plus i / fps, and takes the last source
    frame whose time is not later. pts_seconds: presentation times, ascending. tolerance (seconds): how much later a
    time may be and still count; containers round times (Matroska to 1 ms).

    >>> source_indices([0, 1, 2], [Fraction(i, 24) for i in range(48)], 8.0)
    [0, 3, 6]
    """
    if fps is None:
        return list(positions)
    if not pts_seconds:
        raise BadVideo("no-timing", "its frames have no times to resample by")
    rate = Fraction(repr(float(fps)))  # as written: 29.97 is 2997/100
    first = pts_seconds[0]
    return [max(0, bisect_right(pts_seconds, first + position / rate + tolerance) - 1) for position in positions]


def rounding_tolerance(time_base: Fraction) -> Fraction:
    """Seconds by which a stored time may be off: half a tick, at least 1 ms; coarse ticks (5 ms and more) are meant."""
    return min(max(time_base / 2, Fraction(1, 1000)), Fraction(5, 1000))
