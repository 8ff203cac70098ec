"""Frames spread over a video: the published rules as NumPy computes them, at every length that matters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.errors import BadVideo
from vidgauge.media.sampling import clip_indices
from vidgauge.media.spread import uniform_ends, uniform_floor, uniform_middle
from vidgauge.specs import ClipSpec

LENGTHS = range(1, 3001)
RULES = (uniform_floor, uniform_ends, uniform_middle)


def by_steps(length: int, frames: int) -> list[int]:
    """The rule of the example, as NumPy computes it."""
    if length <= frames:
        return list(range(length))
    return np.arange(0, length, length / frames).astype(int).tolist()


def by_integers(length: int, frames: int) -> list[int]:
    """The same rule without floating point, which is another one."""
    return [i * length // frames for i in range(frames)] if length > frames else list(range(length))


@pytest.mark.parametrize("frames", [16, 48])
def test_floor_is_the_rule_in_floating_point(frames: int) -> None:
    assert all(uniform_floor(length, frames) == by_steps(length, frames) for length in LENGTHS)


@given(st.integers(1, 10**6), st.sampled_from([16, 48]))
def test_floor_of_long_videos(length: int, frames: int) -> None:
    assert uniform_floor(length, frames) == by_steps(length, frames)[:frames]


@pytest.mark.parametrize("frames", [1, 2, 16, 48])
def test_ends_is_the_rule_in_floating_point(frames: int) -> None:
    for length in LENGTHS:
        assert uniform_ends(length, frames) == np.linspace(0, length - 1, num=frames).astype(int).tolist()


@pytest.mark.golden("sampling_indices.npz")
@pytest.mark.parametrize("frames", [16, 48])
def test_example_golden(golden_file: Path, frames: int) -> None:
    golden = np.load(golden_file)
    of = f"videoscore_example_{frames}__"
    lengths = golden["videoscore_all_lengths"].tolist()
    found = [uniform_floor(length, frames) for length in lengths]
    assert list(map(len, found)) == golden[of + "n_frames"].tolist()
    assert list(map(sum, found)) == golden[of + "index_sum"].tolist()
    told = [i for length in golden["lengths"].tolist() for i in uniform_floor(length, frames)]
    assert told == golden[of + "indices_at_lengths"].tolist()
    integers = [by_integers(length, frames) for length in lengths]
    differs = [length for length, ours, other in zip(lengths, found, integers, strict=True) if ours != other]
    assert differs == golden[of + "differs_from_integer_rule"].tolist()


@pytest.mark.golden("sampling_indices.npz")
@pytest.mark.parametrize(
    ("rule", "frames", "name"),
    [
        (uniform_ends, 16, "videoscore_benchmark_16"),
        (uniform_middle, 8, "vbench_middle_8"),
        (uniform_middle, 16, "vbench_middle_16"),
    ],
)
def test_other_goldens(golden_file: Path, rule: object, frames: int, name: str) -> None:
    golden = np.load(golden_file)
    assert callable(rule)
    found = [rule(length, frames) for length in golden["lengths"].tolist()]
    assert np.array_equal(found, golden[name])


@given(st.integers(1, 5000), st.integers(1, 300))
def test_laws(length: int, frames: int) -> None:
    floor, ends, middle = (rule(length, frames) for rule in RULES)
    for found in (floor, ends, middle):
        assert found == sorted(found)
        assert found[0] >= 0
        assert found[-1] < length
    assert len(floor) == min(length, frames)
    assert len(ends) == len(middle) == frames
    assert len(set(floor)) == len(floor)
    assert floor[0] == ends[0] == 0
    assert (floor[-1] == length - 1) == (length <= frames)
    assert ends[-1] == length - 1 or frames == 1


@pytest.mark.parametrize("rule", RULES)
def test_no_frames_are_refused(rule: object) -> None:
    assert callable(rule)
    for length, frames in ((0, 4), (4, 0)):
        with pytest.raises(ValueError, match=rf"at least one frame, got length {length}, frames {frames}"):
            rule(length, frames)


@pytest.mark.parametrize(("start", "rule"), [("spread", uniform_floor), ("spread_ends", uniform_ends)])
def test_clips_of_these_rules(start: Literal["spread", "spread_ends"], rule: Callable[[int, int], list[int]]) -> None:
    """The clip spec's names for them: one clip of all of a video, whatever the seed."""
    spec = ClipSpec(frames=16, start=start)
    for length in (16, 17, 100, 208, 1000):
        assert clip_indices(spec, length, seed=1, video_id="a", draws=[0]) == {0: rule(length, 16)}
    with pytest.raises(BadVideo, match="too-short: has 15 frames, clip spec needs 16"):
        clip_indices(spec, 15, seed=1, video_id="a", draws=[0])
    looped = spec.model_copy(update={"short": "loop"})
    assert clip_indices(looped, 3, seed=1, video_id="a", draws=[0])[0] == (
        [*range(3)] * 5 + [0] if start == "spread" else uniform_ends(3, 16)
    )
    assert not spec.seeded
    with pytest.raises(ValueError, match="stride: 2 has no effect"):
        ClipSpec(frames=16, start=start, stride=2)
    with pytest.raises(ValueError, match="would repeat one clip"):
        ClipSpec(frames=16, start=start, clips_per_video=2)
