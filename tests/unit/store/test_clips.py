"""Clips files: what goes in comes out, and what cannot be read says so."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.clips_files import NAME, clips_file
from vidgauge.errors import VidgaugeError
from vidgauge.store.clips import SCHEMA, Group, holds, open_clips, write_clips
from vidgauge.store.features import read_attrs
from vidgauge.store.seal import USER_BLOCK, seal

SHAPE = (4, 6, 8)
SPEC = {"frames": 4, "start": "first", "fps": None, "size": [6, 8]}
PIXELS = np.random.default_rng(0).integers(0, 256, (3, *SHAPE, 3), np.uint8)


def write(path: Path, clips: int = 3, **attrs: object) -> Path:
    with clips_file(path, spec=SPEC, shape=SHAPE, attrs=attrs) as writer:
        for row in range(clips):
            writer.append(f"v{row}.mp4", row, 10 * row, range(10 * row, 10 * row + 4), PIXELS[row])
    return path


def test_round_trip(tmp_path: Path) -> None:
    with open_clips(write(tmp_path / "c.h5", seed=7, versions={"av": "1"})) as clips:
        assert len(clips) == 3
        assert clips.video == ["v0.mp4", "v1.mp4", "v2.mp4"]
        assert clips.draw.tolist() == [0, 1, 2]
        assert clips.start.tolist() == [0, 10, 20]
        assert clips.index[2].tolist() == [20, 21, 22, 23]
        assert (clips.spec, clips.shape, clips.attrs["seed"]) == (SPEC, SHAPE, 7)
        assert clips.attrs["versions"] == {"av": "1"}
        np.testing.assert_array_equal(clips[1:3], PIXELS[1:3])
        assert clips[0:1].dtype == np.uint8
        assert "3 clips of shape (4, 6, 8)" in repr(clips)
    with h5py.File(tmp_path / "c.h5") as file:
        assert file[NAME]["frames"].chunks == (1, *SHAPE, 3)
        assert file.attrs["schema"] == SCHEMA


def test_clips_of_several_specs_lie_apart(tmp_path: Path) -> None:
    small = {"frames": 1, "start": "each"}
    groups = Group("4f-1a", SPEC, SHAPE, {"seed": 7}), Group("1f-2b", small, (1, 2, 3))
    with write_clips(tmp_path / "c.h5", *groups) as (fours, ones):
        fours.append("a", 0, 5, range(5, 9), PIXELS[0])
        ones.append("a", 0, 2, [2], PIXELS[1][:1, :2, :3])
        ones.append("b", 0, 3, [3], PIXELS[2][:1, :2, :3])
        fours.fail("b", "/b", "damaged", "frame 9 does not come out of the decoder")
    with open_clips(tmp_path / "c.h5", "4f-1a") as clips:
        assert (clips.video, clips.spec, clips.shape, clips.attrs["seed"]) == (["a"], SPEC, SHAPE, 7)
        assert [bad["video"] for bad in clips.failed] == ["b"]
        np.testing.assert_array_equal(clips[0:1], PIXELS[:1])
    with open_clips(tmp_path / "c.h5", "1f-2b") as clips:
        assert (clips.video, clips.spec, clips.shape, clips.failed) == (["a", "b"], small, (1, 2, 3), [])
        np.testing.assert_array_equal(clips[0:2], PIXELS[1:3, :1, :2, :3])
    assert holds(tmp_path / "c.h5", "1f-2b")
    assert not holds(tmp_path / "c.h5", "2f-3c")
    with pytest.raises(VidgaugeError, match=r"c\.h5: has no clips 2f-3c; it has: 1f-2b, 4f-1a"):
        open_clips(tmp_path / "c.h5", "2f-3c")
    with pytest.raises(VidgaugeError, match=r"has clips of several specs, and none was named; it has: 1f-2b, 4f-1a"):
        open_clips(tmp_path / "c.h5")


def test_no_clips_and_failures(tmp_path: Path) -> None:
    bad = "a\udcff/ü.mp4"  # a name that is not UTF-8
    with clips_file(tmp_path / "c.h5", spec=SPEC, shape=SHAPE) as writer:
        writer.fail(bad, f"/data/{bad}", "decode_error", "frame 3 cannot be decoded")
    with open_clips(tmp_path / "c.h5") as clips:
        assert (len(clips), clips.video, clips.index.shape) == (0, [], (0, 4))
        assert clips[0:5].shape == (0, *SHAPE, 3)
        expected = {"video": bad, "path": f"/data/{bad}", "reason": "decode_error"}
        assert clips.failed == [{**expected, "detail": "frame 3 cannot be decoded", "clips": 1}]


def test_a_clip_that_comes_again_is_stored_once(tmp_path: Path) -> None:
    with clips_file(tmp_path / "c.h5", spec=SPEC, shape=SHAPE) as writer:
        for video, draw, start in (("a", 3, 0), ("a", 1, 0), ("a", 0, 1), ("b", 0, 1), ("b", 2, 1)):
            writer.append(video, draw, start, range(start, start + 4), PIXELS[start + (video == "b")])
    with h5py.File(tmp_path / "c.h5") as file:
        assert len(file[NAME]["frames"]) == 3
    with open_clips(tmp_path / "c.h5") as clips:
        assert clips.place.tolist() == [0, 0, 1, 2, 2]
        np.testing.assert_array_equal(clips[0:5], PIXELS[[0, 0, 1, 2, 2]])
        np.testing.assert_array_equal(clips[3:4], PIXELS[2:3])


def test_clips_of_a_video_that_failed_after_them_are_taken_back(tmp_path: Path) -> None:
    with clips_file(tmp_path / "c.h5", spec=SPEC, shape=SHAPE) as writer:
        writer.append("a", 0, 0, range(4), PIXELS[0])
        for draw in (1, 0):
            writer.append("b", draw, draw, range(4), PIXELS[1])
        writer.fail("b", "/b", "damaged", "frame 9 does not come out of the decoder")
        writer.append("c", 0, 7, range(7, 11), PIXELS[2])
        writer.append("b", 0, 0, range(4), PIXELS[0])
        writer.fail("d", "/d", "missing", "no such file")
    with open_clips(tmp_path / "c.h5") as clips:
        assert list(zip(clips.video, clips.start.tolist(), strict=True)) == [("a", 0), ("c", 7), ("b", 0)]
        assert clips.index.tolist() == [[0, 1, 2, 3], [7, 8, 9, 10], [0, 1, 2, 3]]
        np.testing.assert_array_equal(clips[0:9], PIXELS[[0, 2, 0]])
        assert [bad["video"] for bad in clips.failed] == ["b", "d"]


def test_wrong_clips_are_refused(tmp_path: Path) -> None:
    with clips_file(tmp_path / "c.h5", spec=SPEC, shape=SHAPE) as writer:
        with pytest.raises(ValueError, match=r"v: expected frames \(4, 6, 8, 3\) uint8, got \(3, 6, 8, 3\) uint8"):
            writer.append("v", 0, 0, range(4), PIXELS[0][:3])
        with pytest.raises(ValueError, match="float32"):
            writer.append("v", 0, 0, range(4), PIXELS[0].astype(np.float32))
        with pytest.raises(ValueError, match=r"index of shape \(4,\), got \(5,\)"):
            writer.append("v", 0, 0, range(5), PIXELS[0])
        writer.append("v", 0, 0, range(4), PIXELS[0])
        with pytest.raises(ValueError, match="draw 0 was appended before"):
            writer.append("v", 0, 0, range(4), PIXELS[0])


def test_exception_leaves_nothing(tmp_path: Path) -> None:
    writing = clips_file(tmp_path / "c.h5", spec=SPEC, shape=SHAPE)
    with pytest.raises(KeyError), writing as writer:  # noqa: PT012 - the error is raised in the block
        writer.append("v", 0, 0, range(4), PIXELS[0])
        raise KeyError("no")
    assert not list(tmp_path.iterdir())


def test_failure_to_finish_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="NUL"), clips_file(tmp_path / "c.h5", spec=SPEC, shape=SHAPE) as writer:
        writer.append("v\0", 0, 0, range(4), PIXELS[0])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("begin", [0, USER_BLOCK])
def test_unreadable_files_say_what_to_do(tmp_path: Path, begin: int) -> None:
    path = write(tmp_path / "c.h5")
    data = path.read_bytes()[begin:]  # with its seal, and without: then HDF5 finds what it can
    for cut in (0, 100, len(data) // 2):
        path.write_bytes(data[:cut])
        with pytest.raises(VidgaugeError, match=r"c\.h5: .*(delete it and run|run the same command) again"):
            open_clips(path)
    with pytest.raises(VidgaugeError, match=r"gone\.h5: is not there"):
        open_clips(tmp_path / "gone.h5")


def test_other_schema_and_kind_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "c.h5")
    with pytest.raises(VidgaugeError, match="kind 'clips', schema 2; a features file of schema 1 was wanted"):
        read_attrs(path)
    with h5py.File(path, "r+") as file:
        file.attrs["schema"] = 99
    seal(path)
    with pytest.raises(VidgaugeError, match=r"schema 99; a clips file of schema 2 was wanted; delete it and run"):
        open_clips(path)
    with h5py.File(path, "w") as file:
        file["frames"] = 1
    with pytest.raises(VidgaugeError, match="no file of vidgauge"):
        open_clips(path)


def test_missing_part_is_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "c.h5")
    with h5py.File(path, "r+") as file:
        del file[NAME]["index"]
    seal(path)
    with pytest.raises(VidgaugeError, match="is damaged"):
        open_clips(path)
