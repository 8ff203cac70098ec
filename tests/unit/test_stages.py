"""A probed shard becomes a clips file: every start once, and frames as they are where that is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.make_videos import encode, frames
from tests.unit.media.helpers import video
from vidgauge.errors import VidgaugeError
from vidgauge.extractors.own import NetworkAsked
from vidgauge.manifest.probing import video_as_dict, write_shard
from vidgauge.specs import Asked, ClipSpec, Video
from vidgauge.stages import make_clips_file, make_features_file
from vidgauge.store.clips import open_clips
from vidgauge.store.features import read_array

LOSSLESS = {"codec": "ffv1", "pix_fmt": "bgr0"}
NATIVE = ClipSpec(frames=1, size="native", start="each", clips_per_video=4)


@pytest.fixture
def shard(tmp_path: Path) -> tuple[Path, list[Video], list[np.ndarray]]:
    """Two videos of one size, one of another."""
    clips = [frames(6, 47, 63), frames(3, 47, 63, seed=1), frames(4, 32, 40)]
    videos = [video(encode(tmp_path / f"{i}.mkv", clip, **LOSSLESS)) for i, clip in enumerate(clips)]
    path = tmp_path / "0.jsonl"
    write_shard(path, [{"video": video_as_dict(item)} for item in videos])
    return path, videos, clips


def test_frames_as_they_are(shard: tuple[Path, list[Video], list[np.ndarray]], tmp_path: Path) -> None:
    path, _, clips = shard
    asked = Asked(spec=NATIVE, seed=7, draws=4, native=(47, 63))
    make_clips_file(path, [asked], tmp_path / "c.h5", workers=2)
    with open_clips(tmp_path / "c.h5") as made:
        assert made.shape == (1, 47, 63)
        assert made.video == ["0.mkv"] * 4 + ["1.mkv"] * 3  # not the one of another size, which the gate has listed
        assert sorted(made.draw.tolist()) == [0, 0, 1, 1, 2, 2, 3]
        assert made.spec["native"] == [47, 63]
        assert not made.failed
        for row, (name, start) in enumerate(zip(made.video, made.start.tolist(), strict=True)):
            np.testing.assert_array_equal(made[row : row + 1][0, 0], clips[int(name[0])][start])


def test_a_shard_without_videos_of_that_size(shard: tuple[Path, list[Video], list[np.ndarray]], tmp_path: Path) -> None:
    make_clips_file(
        shard[0], [Asked(spec=NATIVE, seed=7, draws=4, native=(8, 9))], tmp_path / "c.h5", workers=1, contained=False
    )
    with open_clips(tmp_path / "c.h5") as made:
        assert (len(made), made.shape, made.failed) == (0, (1, 8, 9), [])


def test_the_stored_spec_has_no_size_of_videos_but_for_native(
    shard: tuple[Path, list[Video], list[np.ndarray]], tmp_path: Path
) -> None:
    asked = Asked(spec=ClipSpec(frames=3, size=(8, 9), start="first", clips_per_video=1), seed=0, draws=1)
    make_clips_file(shard[0], [asked], tmp_path / "c.h5", workers=1, contained=False)
    with open_clips(tmp_path / "c.h5") as made:
        assert "native" not in made.spec
        assert len(made) == 3


def test_damaged_clips_are_made_once_more(
    shard: tuple[Path, list[Video], list[np.ndarray]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = Asked(spec=ClipSpec(frames=3, size=(16, 24), start="first", clips_per_video=1), seed=0, draws=1)
    clips = tmp_path / "c.h5"
    make_clips_file(shard[0], [asked], clips, workers=1, contained=False)

    def features(name: str, videos: Path | None = shard[0]) -> np.ndarray:
        make_features_file(
            [clips],
            tmp_path / name,
            videos=videos,
            asked=asked if videos else None,
            network=NetworkAsked(name="pixel_grid"),
            weights=None,
            device="cpu",
            precision="float32",
            workers=1,
        )
        return read_array(tmp_path / name, "clip").values

    whole = features("whole.h5")
    assert capfd.readouterr().err == ""
    data = bytearray(clips.read_bytes())
    data[len(data) // 2] ^= 1
    clips.write_bytes(data)
    np.testing.assert_array_equal(features("again.h5"), whole)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"vidgauge: {clips} does not hold what was written (sha256 ")
    assert line.endswith("The clips of this shard are made once more.")
    assert sorted(path.name for path in tmp_path.glob("*.h5")) == ["again.h5", "c.h5", "whole.h5"]
    with pytest.raises(VidgaugeError, match=r"c\.h5: does not hold what was written"):
        features("none.h5", videos=None)


def test_features_of_clips_that_were_decoded_together(
    shard: tuple[Path, list[Video], list[np.ndarray]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A network reads its own clips of a file; those that it lacks are made in the job."""
    sizes = [(16, 24), (8, 8), (12, 12)]
    specs = [ClipSpec(frames=3, size=size, start="first", clips_per_video=1) for size in sizes]
    asked = [Asked(spec=spec, seed=0, draws=1) for spec in specs]
    make_clips_file(shard[0], asked[:2], tmp_path / "both.h5", workers=1, contained=False)
    found = []
    for number, each in enumerate(asked):
        make_clips_file(shard[0], [each], tmp_path / "one.h5", workers=1, contained=False)
        for file in ("both.h5", "one.h5"):
            make_features_file(
                [tmp_path / file],
                tmp_path / f"{number}-{file}",
                videos=shard[0],
                asked=each,
                network=NetworkAsked(name="pixel_grid"),
                weights=None,
                device="cpu",
                precision="float32",
                workers=1,
            )
            found.append(read_array(tmp_path / f"{number}-{file}", "clip").values)
    for together, alone in zip(found[::2], found[1::2], strict=True):
        np.testing.assert_array_equal(together, alone)
    assert "both.h5 has no such clips" in capfd.readouterr().err
