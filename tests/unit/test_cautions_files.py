"""Warnings that rest on the files alone. Each is shown on sets that call for it, and on sets that just do not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.manifest.test_survey import video
from vidgauge.cautions import files
from vidgauge.cautions.shares import differ
from vidgauge.manifest.survey import survey
from vidgauge.specs import ClipSpec, Video


def surveyed(videos: Sequence[Video], name: str = "mine", **clips: Any) -> files.Surveyed:
    return files.Surveyed(name, survey(videos), ClipSpec(**{"size": (32, 32), **clips}))


def several(count: int = 100, first: int = 0, **keys: Any) -> list[Video]:
    return [video(first + i, **keys) for i in range(count)]


def test_shared_files_are_counted() -> None:
    mine, real = surveyed(several(100)), surveyed(several(100, 97), "real")
    assert files.shared(mine, real) == [
        "mine and real share files: real holds 3 of the 100 videos of mine as well, which makes the sets look more "
        "alike than they are"
    ]
    assert files.shared(mine, surveyed(several(100, 100), "real")) == []


@pytest.mark.parametrize(("again", "of", "warned"), [(0, 150, False), (1, 150, False), (2, 150, True), (1, 20, True)])
def test_copies_in_a_set_are_told_from_one_in_a_hundred_on(again: int, of: int, warned: bool) -> None:
    texts = files.copies(surveyed([*several(of), *several(again)]))
    said = f"mine: {again} of {of + again} videos {'is a copy' if again == 1 else 'are copies'} of another file of the "
    said += "set, and nothing new; the interval takes copies for different videos and is too narrow"
    assert texts == ([said] if warned else [])


@pytest.mark.parametrize(
    ("height", "width", "clips", "warned"),
    [
        (32, 32, {}, False),
        (40, 24, {}, True),
        (64, 64, {"size": 65, "crop": "center"}, False),  # within 2 %
        (64, 90, {"size": 70, "crop": "center"}, True),
        (40, 24, {"crop": "pad"}, False),  # is made smaller, to fit
        (24, 24, {"crop": "pad"}, True),
        (8, 8, {"size": "native"}, False),
    ],
)
def test_enlarged_videos_are_told(height: int, width: int, clips: dict[str, Any], warned: bool) -> None:
    large = several(75, height=400, width=400)
    texts = files.enlarged(surveyed([*large, *several(25, 75, height=height, width=width)], **clips))
    assert bool(texts) == warned
    if warned:
        assert texts[0].startswith("mine: 25 % of the videos are smaller than the clips (")
        assert "blur" in texts[0]


@pytest.mark.parametrize(
    ("clips", "short"),
    [
        ({"short": "reject"}, 0),
        ({"short": "loop"}, 10),
        ({"short": "pad"}, 10),
        ({"short": "loop", "frames": 15}, 0),
        ({"short": "loop", "frames": 8, "stride": 2}, 0),
        ({"short": "loop", "frames": 9, "stride": 2}, 10),
        ({"short": "loop", "fps": 30.0}, 10),  # 15 frames at 30 per second
        ({"short": "loop", "fps": 60.0}, 0),  # the same are 30 then
        ({"short": "loop", "fps": 8.0}, 100),  # and the others, of 1 s, 8 instead of 16
        ({"short": "loop", "fps": 30.0, "max_seconds": 0.5}, 100),
        ({"short": "loop", "max_seconds": 0.5}, 100),
        ({"short": "loop", "max_seconds": 0.51}, 10),
    ],
)
def test_videos_shorter_than_a_clip_are_told(clips: dict[str, Any], short: int) -> None:
    videos = [
        *several(90, fps=30.0, frames=30, duration=1.0),
        *several(10, 90, fps=30.0, frames=15, duration=0.5),
    ]
    texts = files.filled_up(surveyed(videos, **clips))
    assert len(texts) == bool(short)
    if short:
        assert texts[0].startswith(f"mine: {short} of 100 videos are shorter than a clip (")
        assert ("begin again" in texts[0]) == (clips["short"] == "loop")


def test_one_video_is_no_videos() -> None:
    (text,) = files.filled_up(surveyed(several(1, frames=5), short="loop"))
    assert text.startswith("mine: 1 of 1 video is shorter than a clip (16 frames); such videos begin again")
    (text,) = files.shared(surveyed(several(1)), surveyed(several(3), "real"))
    assert "real holds 1 of the 1 video of mine" in text


def test_a_length_that_is_rounded_is_not_too_short() -> None:
    exact = several(10, fps=30.0, frames=16, duration=16 / 30)
    assert files.filled_up(surveyed(exact, short="loop", fps=30.0)) == []


@pytest.mark.parametrize(
    ("small", "warned"),
    [(0, False), (12, False), (13, True), (100, True)],  # of 100; the others are those of the reference
)
def test_other_sizes_are_told_where_chance_does_not_explain_them(small: int, warned: bool) -> None:
    mine = surveyed([*several(100 - small), *several(small, 100, height=80, width=120)])
    texts = files.sizes(mine, surveyed(several(400), "real"))
    assert bool(texts) == warned


def test_other_sizes_are_named_with_their_shares() -> None:
    mine = surveyed([*several(75), *several(25, height=80, width=120)])
    real = surveyed(several(100, height=120, width=180), "real")
    assert files.sizes(mine, real) == [
        "sizes differ: mine has 60x40 (75 %) and 120x80 (25 %), real has 180x120 (100 %); resizing softens their "
        "detail differently, and the metric sees that"
    ]
    tall = surveyed(several(100, height=90, width=60), "real")
    assert "resizing stretches their shapes differently" in files.sizes(mine, tall)[0]
    crop = {"size": 32, "crop": "center"}
    cut = files.sizes(surveyed(several(100), **crop), surveyed(several(100, height=90, width=60), "real", **crop))
    assert "softens their detail" in cut[0]
    native = files.sizes(surveyed(several(9), size="native"), surveyed(several(9, width=90), "real", size="native"))
    assert native == [
        "sizes differ: mine has 60x40 (100 %), real has 90x40 (100 %); the network sees the sets in different scales"
    ]


def test_sizes_within_two_per_cent_are_one() -> None:
    mine, alike, other = (surveyed(several(100, width=width), str(width)) for width in (100, 102, 103))
    assert files.sizes(mine, alike) == []
    assert files.sizes(mine, other)


def test_the_same_mixture_of_sizes_is_none_to_speak_of() -> None:
    both = [surveyed([*several(50), *several(50, width=90)], name) for name in ("mine", "real")]
    assert files.sizes(*both) == []
    many = [
        surveyed([video(i, width=100 + 5 * (i + at)) for i in range(300)], name) for at, name in ((0, "a"), (9, "b"))
    ]
    assert files.sizes(*many) == [], "so many sizes tell nothing"


def test_frame_rates_that_differ_are_told() -> None:
    mine = surveyed([*several(60, fps=24.0), *several(40, fps=25.0)])
    assert files.rates([mine, surveyed(several(100, fps=30.0), "real")], moving=True) == [
        "frame rates of the clips differ: mine has 24 (60 %) and 25 (40 %), real has 30 (100 %); one set seems to move "
        "faster than the other; `fps` in the clip spec makes them one"
    ]


@pytest.mark.parametrize(
    ("mine", "real", "moving"),
    [
        ({"fps": 29.97}, {"fps": 30.0}, True),
        ({"fps": 24.0}, {"fps": 30.0}, False),  # samples of frames have no speed
        ({"fps": 24.0, "clips": {"fps": 8.0}}, {"fps": 30.0, "clips": {"fps": 8.0}}, True),
        ({"fps": 24.0, "clips": {"frames": 1}}, {"fps": 30.0, "clips": {"frames": 1}}, True),
        ({"fps": 8.0}, {"fps": 24.0, "clips": {"stride": 3}}, True),  # the same times, by design
        ({"fps": None}, {"fps": 24.0}, True),  # not known
    ],
)
def test_frame_rates_that_do_not_matter_are_not_told(mine: dict[str, Any], real: dict[str, Any], moving: bool) -> None:
    sets = [
        surveyed(several(100, fps=one["fps"]), name, **one.get("clips", {}))
        for name, one in (("mine", mine), ("real", real))
    ]
    assert files.rates(sets, moving=moving) == []


@pytest.mark.parametrize(("slow", "warned"), [(5, False), (6, True)])
def test_frame_rates_that_are_mixed_within_a_set_are_told(slow: int, warned: bool) -> None:
    sets = [surveyed([*several(100 - slow, fps=30.0), *several(slow, fps=15.0)], name) for name in ("mine", "real")]
    texts = files.rates(sets, moving=True)
    said = [
        f"{name}: clips have several frame rates: 30 (94 %) and 15 (6 %); equal motion seems differently fast; "
        "`fps` in the clip spec makes them one"
        for name in ("mine", "real")
    ]
    assert texts == (said if warned else [])
    assert files.rates(sets[:1], moving=True) == texts[:1]


@pytest.mark.parametrize(("factor", "warned"), [(4, False), (5, True)])
def test_far_fewer_bits_are_told(factor: int, warned: bool) -> None:
    mine, real = surveyed(several(100, bytes=1000)), surveyed(several(100, bytes=1000 * factor), "real")
    texts = files.compression(mine, real)
    said = (
        "compression differs: mine is h264 (100 %), 0.14 bits per pixel; real is h264 (100 %), 0.69 bits per pixel; "
        "it may be what the metric sees"
    )
    assert texts == ([said] if warned else [])


def test_other_codecs_are_told() -> None:
    def said(mine: dict[str, Any], real: dict[str, Any]) -> list[str]:
        return files.compression(surveyed(several(50, **mine)), surveyed(several(50, **real), "real"))

    frames = {"kind": "frames", "codec": "png"}
    (text,) = said(frames, {"codec": "h264"})
    assert text.startswith("compression differs: mine is png (100 %); real is h264 (100 %), 0.17 bits per pixel;")
    assert said({"codec": "hevc"}, {"codec": "h264"})
    assert said(frames, {"kind": "array", "codec": "npy"}) == []  # neither loses anything
    assert said({"codec": "ffv1", "bytes": 90_000}, {"codec": "ffv1", "bytes": 9000}) == []


def test_few_videos_need_a_larger_difference() -> None:
    assert not differ({"a": 3, "b": 1}, {"a": 4})
    assert differ({"a": 300, "b": 100}, {"a": 400})
    assert differ({"a": 4}, {"b": 4})
    assert not differ({}, {"a": 4})


def test_two_samples_of_one_law_seldom_differ() -> None:
    import numpy as np

    rng, alarms = np.random.default_rng(0), 0
    for trial in range(600):
        n, law = (16, 64, 300)[trial % 3], rng.dirichlet(np.ones(2 + trial % 11))
        one, other = ({str(i): int(c) for i, c in enumerate(rng.multinomial(n, law)) if c} for _ in "ab")
        alarms += differ(one, other)
    assert alarms <= 6


def test_a_survey_is_read_as_it_was_written() -> None:
    found = surveyed(several(3, fps=30.0), stride=2, frames=4)
    assert [head.decode() for head in found.heads] == sorted(
        hashlib.sha256(str(i).encode()).hexdigest()[:16] for i in range(3)
    )
    assert (found.rates, found.sizes, found.videos) == ({15.0: 3}, {(60, 40): 3}, 3)
