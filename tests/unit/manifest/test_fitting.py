"""Which videos a clip spec can use: lengths, sizes where frames are left as they are, and what they give."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.errors import BadVideo
from vidgauge.manifest.fitting import Fitting, clips_by_draws, fit
from vidgauge.media.sampling import clip_indices
from vidgauge.specs import ClipSpec, Video

SMALL, WIDE, TALL, LARGE = (48, 64), (48, 128), (128, 48), (96, 128)
NATIVE = ClipSpec(frames=4, size="native")


def videos(sizes: Sequence[tuple[int, int]], frames: int = 16) -> list[Video]:
    return [
        Video(
            f"{number}.mp4", f"/{number}.mp4", "file", None, "0", 1, frames, 8.0, frames / 8, *size, "h264", "yuv420p"
        )
        for number, size in enumerate(sizes)
    ]


def test_sizes_play_no_part_where_frames_are_resized() -> None:
    found = fit(videos([SMALL, LARGE]), "c", ClipSpec(frames=4))
    assert (found.lengths, found.unfit, found.longest, found.size) == ({"0.mp4": 16, "1.mp4": 16}, [], 16, None)


def test_native_keeps_the_most_common_size_and_names_the_others() -> None:
    found = fit(videos([SMALL, LARGE, SMALL]), "c", NATIVE)
    assert (list(found.lengths), found.size) == (["0.mp4", "2.mp4"], SMALL)
    ((video, reason, detail),) = found.unfit
    assert (video.id, reason) == ("1.mp4", "other-size")
    assert detail == (
        "is 96 pixels high and 128 wide, most videos of the dataset are 48 high and 64 wide, "
        "and clips c leave sizes as they are"
    )


@pytest.mark.parametrize(
    ("sizes", "size"),
    [([SMALL, LARGE], LARGE), ([WIDE, TALL], TALL), ([SMALL, LARGE, SMALL, LARGE, WIDE], LARGE), ([WIDE], WIDE)],
)
def test_of_equally_many_the_larger_whatever_the_order(sizes: list[tuple[int, int]], size: tuple[int, int]) -> None:
    assert fit(videos(sizes), "c", NATIVE).size == size
    assert fit(videos(sizes)[::-1], "c", NATIVE).size == size


def test_videos_that_are_too_short_have_no_say_in_the_size() -> None:
    found = fit([*videos([SMALL, SMALL], frames=3), *videos([LARGE] * 3)[2:]], "c", NATIVE)
    assert found.size == LARGE
    assert [reason for _, reason, _ in found.unfit] == ["too-short", "too-short"]
    nothing = fit(videos([SMALL], frames=3), "c", NATIVE)
    assert (nothing.lengths, nothing.longest, nothing.size) == ({}, 3, None)


def test_min_frames() -> None:
    found = fit(videos([SMALL]), "c", ClipSpec(frames=8, stride=2, min_frames=17))
    assert found.unfit[0][1:] == ("too-short", "has 16 frames, clips c need 17")
    assert fit(videos([SMALL]), "c", ClipSpec(frames=8, stride=2, min_frames=16)).unfit == []


specs = st.builds(ClipSpec, frames=st.integers(1, 6), stride=st.integers(1, 3), start=st.just("each"))


@given(specs, st.lists(st.lists(st.integers(0, 40), max_size=4), min_size=1, max_size=4))
def test_counts_are_those_of_the_clips_that_are_made(spec: ClipSpec, spare: list[list[int]]) -> None:
    lengths = [[spec.span + more for more in shard] for shard in spare]
    found = clips_by_draws(spec, lengths)
    for power, shards in enumerate(found):
        given_ = {"seed": 0, "video_id": "a", "draws": range(1 << power)}
        assert shards == [
            sum(len(clip_indices(spec, length, **given_)) for length in shard)  # type: ignore[arg-type]
            for shard in lengths
        ]
    assert found[-1] == [sum(more + 1 for more in shard) for shard in spare]  # all there are
    assert len(found) == 1 or found[-2] != found[-1]


def test_short_videos_that_are_filled_up_give_one() -> None:
    assert clips_by_draws(ClipSpec(frames=8, start="each", short="loop"), [[3, 8], [9]]) == [[2, 1], [2, 2]]


def test_one_at_a_time_is_the_same_as_all_together() -> None:
    found = Fitting("c", NATIVE)
    for video in (those := videos([SMALL, LARGE, SMALL])):
        found.count(video)
    assert (found.length(those[0]), found.size, found.longest) == (16, SMALL, 16)
    with pytest.raises(BadVideo, match="other-size: is 96 pixels high"):
        found.length(those[1])
    assert not Fitting("c", ClipSpec(frames=4)).counts
