"""The videos of a self-test: which are taken, which half they are in, and faster clips of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.make_videos import array_file, dataset, encode, frames
from vidgauge.draws import position
from vidgauge.errors import BadVideo, UsageError
from vidgauge.selftest.videos import long_enough, read_clip, read_halves
from vidgauge.specs import ClipSpec

SPEC = ClipSpec(frames=4, size=(16, 16), start="first")


def counted(path: Path, videos: int, length: int = 12, size: int = 16) -> Path:
    """Videos whose every pixel is 10 times the number of the frame, and a little more that tells videos apart."""
    rows = [np.full((length, size, size, 3), video % 10, np.uint8) for video in range(videos)]
    return array_file(path, [row + 10 * np.arange(length, dtype=np.uint8)[:, None, None, None] for row in rows])


def halves(source, spec=SPEC, videos=256, seed=42):
    return read_halves(source, [spec], videos=videos, seed=seed, workers=2, contained=False)


def numbers(clip):
    return (clip[:, 0, 0, 0] // 10).tolist()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return counted(tmp_path_factory.mktemp("videos") / "a.npy", 21)


def test_halves_are_of_one_size_and_share_no_video(source):
    found = halves(source)
    ours, theirs = ({video.id for video in half} for half in (found.reference, found.candidate))
    assert (len(ours), len(theirs)) == (11, 10)
    assert not ours & theirs
    assert [video.id for video in found.reference] == sorted(ours)


def test_halves_follow_from_the_seed_alone(source):
    assert halves(source) == halves(source)
    assert halves(source).reference != halves(source, seed=1).reference


def test_of_many_videos_the_first_by_hash_are_taken(source):
    few = halves(source, videos=16)
    everyone = halves(source)
    assert len(few.reference) == len(few.candidate) == 8
    hashed = sorted((video.id for video in (*everyone.reference, *everyone.candidate)), key=position)
    assert {video.id for video in (*few.reference, *few.candidate)} == {*hashed[:16]}


def test_the_half_does_not_depend_on_where_the_clip_begins(tmp_path):
    """Both are drawn by a hash: one text for both would give early clips to one half and late ones to the other."""
    found = halves(counted(tmp_path / "a.npy", 60, length=20), ClipSpec(frames=2, size=(16, 16)))
    spec = ClipSpec(frames=2, size=(16, 16))
    starts = [
        np.mean([numbers(read_clip(video, spec, seed=42))[0] for video in half])
        for half in (found.reference, found.candidate)
    ]
    assert abs(starts[0] - starts[1]) < 4


def test_bad_and_short_videos_are_left_out_and_named(tmp_path):
    dataset(tmp_path / "videos", 16, length=6, height=16, width=16)
    (tmp_path / "videos" / "empty.mp4").touch()
    (tmp_path / "videos" / "text.mp4").write_text("no video")
    encode(tmp_path / "videos" / "short.mp4", frames(3, 16, 16))
    found = halves(tmp_path / "videos")
    assert len(found.reference) == len(found.candidate) == 8
    reasons = {Path(bad["path"]).name: bad["reason"] for bad in found.left_out}
    assert reasons == {"empty.mp4": "empty", "text.mp4": "not-a-video", "short.mp4": "too-short"}


def test_too_few_videos(tmp_path):
    dataset(tmp_path / "videos", 3, length=6, height=16, width=16)
    (tmp_path / "videos" / "empty.mp4").touch()
    with pytest.raises(UsageError) as caught:
        halves(tmp_path / "videos")
    said = str(caught.value)
    assert "has 3 videos that can be used (1 was left out: empty 1; the first is" in said
    assert "needs 16 or more" in said


def test_videos_must_suit_every_clip_spec(source):
    with pytest.raises(UsageError, match="has 0 videos that can be used"):
        read_halves(source, [SPEC, ClipSpec(frames=13, size=(16, 16))], videos=256, seed=1, workers=1, contained=False)


@pytest.mark.parametrize(
    ("amount", "stride", "places"),
    [(0.0, 1, [0, 1, 2, 3]), (0.5, 1, [0, 1, 3, 4]), (1.0, 1, [0, 2, 4, 6]), (0.5, 2, [0, 3, 6, 9])],
)
def test_a_faster_clip_takes_frames_farther_apart(source, amount, stride, places):
    spec = SPEC.model_copy(update={"stride": stride})
    video = halves(source).reference[0]
    assert long_enough(video, spec, amount)
    assert numbers(read_clip(video, spec, seed=42, amount=amount)) == places


def test_a_faster_clip_begins_where_the_undamaged_one_does_if_it_can(source):
    spec = ClipSpec(frames=4, size=(16, 16))
    for video in halves(source).reference:
        start = numbers(read_clip(video, spec, seed=42))[0]
        fast = numbers(read_clip(video, spec, seed=42, amount=1.0))
        assert fast == [min(start, 12 - 7) + place for place in (0, 2, 4, 6)]


def test_a_faster_clip_at_a_rate_of_its_own(tmp_path):
    """Resampled to half the rate, frames 0, 2, 4 ... are what a clip is made of; twice as fast, 0, 4, 8 ..."""
    dataset(tmp_path / "videos", 16, length=16, height=16, width=16, fps=8)
    spec = ClipSpec(frames=3, fps=4, size=(16, 16), start="first")
    video = halves(tmp_path / "videos", spec).reference[0]
    at_all = read_clip(video, ClipSpec(frames=16, size=(16, 16), start="first"), seed=42)
    assert (read_clip(video, spec, seed=42) == at_all[[0, 2, 4]]).all()
    assert (read_clip(video, spec, seed=42, amount=1.0) == at_all[[0, 4, 8]]).all()


def test_a_video_that_is_too_short_for_a_speed(source):
    video = halves(source).reference[0]
    assert long_enough(video, SPEC, 2.5)
    assert not long_enough(video, SPEC, 3.0)


def test_a_video_that_has_gone(tmp_path):
    dataset(tmp_path / "videos", 16, length=6, height=16, width=16)
    video = halves(tmp_path / "videos").reference[0]
    Path(video.path).unlink()
    with pytest.raises(BadVideo, match=r"unreadable|missing"):
        read_clip(video, SPEC, seed=42)


def test_sources_are_those_of_the_configuration(tmp_path):
    paths = dataset(tmp_path / "videos", 16, length=6, height=16, width=16)
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("".join(json.dumps({"videos": [str(path)]}) + "\n" for path in paths))
    assert len(halves(manifest).candidate) == 8
    with pytest.raises(UsageError, match="does not exist"):
        halves(tmp_path / "nowhere")
