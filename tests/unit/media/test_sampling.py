"""Frame sampling: laws that hold for every spec, and the arithmetic of times."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.errors import BadVideo
from vidgauge.media.sampling import (
    SPEC_REASONS,
    clip_indices,
    rounding_tolerance,
    source_indices,
    spec_problem,
    starts_in,
    timeline,
)
from vidgauge.specs import ClipSpec

specs = st.builds(
    ClipSpec,
    frames=st.integers(1, 40),
    stride=st.integers(1, 6),
    start=st.sampled_from(["random", "each", "first", "center"]),
    short=st.sampled_from(["loop", "pad", "reject"]),
)
names = st.text(max_size=20)


def one(spec: ClipSpec, length: int, *, seed: int, video_id: str, draw: int) -> list[int]:
    """The frames of a single draw."""
    return clip_indices(spec, length, seed=seed, video_id=video_id, draws=[draw])[draw]


@given(specs, st.integers(1, 300), st.integers(0, 2**40), names, st.integers(0, 1000))
def test_indices_are_in_range_and_rejects_are_exact(
    spec: ClipSpec, length: int, seed: int, name: str, draw: int
) -> None:
    if spec.short == "reject" and length < spec.span:
        with pytest.raises(BadVideo, match=f"has {length} frames, clip spec needs {spec.span}"):
            one(spec, length, seed=seed, video_id=name, draw=draw)
        return
    if spec.start == "each":
        draw %= starts_in(spec, length)
    indices = one(spec, length, seed=seed, video_id=name, draw=draw)
    assert len(indices) == spec.frames
    assert all(0 <= index < length for index in indices)
    if length >= spec.span:
        assert indices == list(range(indices[0], indices[0] + spec.span, spec.stride))


@given(specs, st.integers(1, 20))
def test_short_videos_loop_or_stand_still(spec: ClipSpec, length: int) -> None:
    if length >= spec.span or spec.short == "reject":
        return
    indices = one(spec, length, seed=1, video_id="a", draw=0)
    plain = range(0, spec.span, spec.stride)
    assert indices == [i % length if spec.short == "loop" else min(i, length - 1) for i in plain]


@given(st.integers(1, 20), st.integers(0, 30))
def test_first_and_center(frames: int, spare: int) -> None:
    length = frames + spare
    assert one(ClipSpec(frames=frames, start="first"), length, seed=0, video_id="a", draw=3)[0] == 0
    start = one(ClipSpec(frames=frames, start="center"), length, seed=0, video_id="a", draw=3)[0]
    assert 0 <= (length - frames - start) - start <= 1  # as much before as after


def test_random_starts_are_uniform_and_follow_from_seed_id_and_draw() -> None:
    spec = ClipSpec(frames=4)

    def start(seed: int, name: str, draw: int) -> int:
        return one(spec, 13, seed=seed, video_id=name, draw=draw)[0]

    counts = Counter(start(0, f"video {i}", 0) for i in range(5000))
    assert sorted(counts) == list(range(10))
    assert sum((n - 500) ** 2 / 500 for n in counts.values()) < 27.9  # chi squared, 9 degrees: 0.1 % of the time
    assert start(0, "a", 5) == start(0, "a", 5)
    assert len({start(seed, name, draw) for seed in range(3) for name in "abc" for draw in range(3)}) > 3
    pairs = Counter((start(0, f"{i}", 0), start(0, f"{i}", 1)) for i in range(5000))
    assert len(pairs) == 100  # draws of one video are independent


def test_every_start_of_an_exact_fit_is_zero() -> None:
    assert one(ClipSpec(frames=16), 16, seed=9, video_id="x", draw=7) == list(range(16))


eachs = st.builds(ClipSpec, frames=st.integers(1, 10), stride=st.integers(1, 4), start=st.just("each"))


@given(eachs, st.integers(0, 30), st.integers(0, 2**40), names, st.integers(1, 64))
def test_each_repeats_no_clip_and_fewer_draws_are_the_first_of_more(
    spec: ClipSpec, spare: int, seed: int, name: str, draws: int
) -> None:
    length = spec.span + spare
    some = clip_indices(spec, length, seed=seed, video_id=name, draws=range(draws))
    assert list(some) == list(range(min(draws, spare + 1)))
    starts = [indices[0] for indices in some.values()]
    assert len(set(starts)) == len(starts)
    more = clip_indices(spec, length, seed=seed, video_id=name, draws=range(2 * draws))
    assert {draw: more[draw] for draw in some} == some
    assert one(spec, length, seed=seed, video_id=name, draw=len(some) - 1) == some[len(some) - 1]
    every = clip_indices(spec, length, seed=seed, video_id=name, draws=range(64))
    assert sorted(every.values()) == [list(range(s, s + spec.span, spec.stride)) for s in range(spare + 1)]


def test_each_start_is_as_likely_to_come_at_each_draw() -> None:
    spec = ClipSpec(frames=4, start="each")
    orders = [clip_indices(spec, 7, seed=0, video_id=f"{i}", draws=range(4)) for i in range(4000)]
    counts = Counter((draw, indices[0]) for order in orders for draw, indices in order.items())
    assert len(counts) == 16
    assert sum((n - 1000) ** 2 / 1000 for n in counts.values()) < 37.7  # 15 degrees: 0.1 % of the time


@pytest.mark.parametrize("short", ["loop", "pad"])
def test_too_short_a_video_has_one_clip_to_give_each(short: str) -> None:
    spec = ClipSpec(frames=5, start="each", short=short)  # type: ignore[arg-type]
    indices = clip_indices(spec, 3, seed=0, video_id="a", draws=range(8))
    assert indices == {0: [0, 1, 2, 0, 1] if short == "loop" else [0, 1, 2, 2, 2]}


def test_min_frames_asks_for_more_than_a_clip_and_leaves_the_starts() -> None:
    spec = ClipSpec(frames=4, stride=3, min_frames=12, start="each")  # a span of 10
    with pytest.raises(BadVideo, match="too-short: has 11 frames, clip spec needs 12"):
        clip_indices(spec, 11, seed=0, video_id="a", draws=[0])
    assert str(spec_problem(spec, 11, None, None)) == "too-short: has 11 frames, clip spec needs 12"
    found = clip_indices(spec, 12, seed=0, video_id="a", draws=range(8))
    assert {indices[0] for indices in found.values()} == {0, 1, 2}


@given(st.integers(1, 2000), st.integers(1, 60), st.integers(1, 60))
def test_timeline_of_a_constant_rate(frames: int, fps: int, target: int) -> None:
    length = timeline(ClipSpec(fps=target), frames, float(fps), frames / fps)
    assert length == max(1, Fraction(frames * target, fps).__floor__())
    assert timeline(ClipSpec(fps=fps), frames, float(fps), frames / fps) == frames
    assert timeline(ClipSpec(), frames, float(fps), frames / fps) == frames


@given(st.integers(1, 500), st.integers(1, 60), st.integers(1, 20))
def test_max_seconds(frames: int, fps: int, tenths: int) -> None:
    seconds = tenths / 10
    plain = timeline(ClipSpec(max_seconds=seconds), frames, float(fps), frames / fps)
    assert plain == min(frames, math.ceil(Fraction(tenths * fps, 10)))
    resampled = timeline(ClipSpec(max_seconds=seconds, fps=8), frames, float(fps), frames / fps)
    assert resampled == max(1, math.floor(8 * min(Fraction(tenths, 10), Fraction(frames, fps))))


@pytest.mark.parametrize("spec", [ClipSpec(fps=8), ClipSpec(max_seconds=1)])
def test_times_asked_of_what_has_none(spec: ClipSpec) -> None:
    with pytest.raises(BadVideo) as caught:
        timeline(spec, 16, None, None)
    assert caught.value.reason == "no-timing"
    problem = spec_problem(spec, 16, None, None)
    assert problem is not None
    assert problem.reason in SPEC_REASONS


def test_spec_problem() -> None:
    assert spec_problem(ClipSpec(frames=16), 16, 8.0, 2.0) is None
    assert spec_problem(ClipSpec(frames=17, short="loop"), 16, 8.0, 2.0) is None
    problem = spec_problem(ClipSpec(frames=16, fps=4), 16, 8.0, 2.0)
    assert str(problem) == "too-short: has 8 frames at 4 fps, clip spec needs 16"


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 100), st.sampled_from([1000, 90000, 16384, 600]))
def test_resampling_takes_the_frame_shown(source: int, target: int, frames: int, ticks: int) -> None:
    """Whatever the container's rounding of times, the frames are those of the exact times."""
    base = Fraction(1, ticks)
    stored = [round(Fraction(i, source) / base) * base for i in range(frames)]
    length = timeline(ClipSpec(fps=target), frames, float(source), frames / source)
    indices = source_indices(range(length), stored, float(target), rounding_tolerance(base))
    exact = [min(frames - 1, Fraction(i * source, target).__floor__()) for i in range(length)]
    shown = [Fraction(i, target) for i in range(length)]
    for index, best, time in zip(indices, exact, shown, strict=True):
        near = best + 1 < frames and Fraction(best + 1, source) - time <= Fraction(2, 1000)
        assert index == best or (near and index == best + 1)
    assert indices == sorted(indices)
    if source == target:
        assert indices == list(range(frames))


def test_resampling_of_variable_rates_and_offsets() -> None:
    times = [Fraction(t, 1000) for t in (5000, 5040, 5080, 5500, 5540, 6200)]
    assert source_indices(range(14), times, 10.0) == [0, 2, 2, 2, 2, 3, 4, 4, 4, 4, 4, 4, 5, 5]
    assert source_indices([3, 1], times, None) == [3, 1]
    with pytest.raises(BadVideo, match="no-timing"):
        source_indices([0], None, 8.0)
