"""The clips of partners: the same frames of each video's own reference video, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.make_videos import encode, frames
from tests.unit.media.helpers import video
from vidgauge.errors import VidgaugeError
from vidgauge.files import to_jsonl, write_text
from vidgauge.manifest.probing import read_shard, video_as_dict, write_shard
from vidgauge.partners import make_partner_clips, partner_of
from vidgauge.specs import Asked, ClipSpec, Video
from vidgauge.stages import make_clips_file, make_partner_clips_file
from vidgauge.store.clips import open_clips

LOSSLESS = {"codec": "ffv1", "pix_fmt": "bgr0"}
SPEC = ClipSpec(frames=2, stride=2, size="native", start="random", clips_per_video=3)
ASKED = Asked(spec=SPEC, seed=7, draws=3, native=(48, 64))


def dataset(folder: Path, clips: dict[str, np.ndarray], fps: int = 8) -> list[Video]:
    """Videos by name, and the shard that lists them."""
    folder.mkdir()
    found = [video(encode(folder / f"{name}.mkv", clip, fps=fps, **LOSSLESS)) for name, clip in sorted(clips.items())]
    found = [replace(item, id=Path(item.path).name) for item in found]
    write_shard(folder / "0.jsonl", [{"video": video_as_dict(item)} for item in found])
    return found


def made(
    tmp_path: Path,
    ours: dict[str, np.ndarray],
    theirs: dict[str, np.ndarray],
    *,
    trim: bool = False,
    asked: Asked = ASKED,
    broken: Callable[[list[Video]], None] = lambda _: None,
) -> Path:
    own, other = dataset(tmp_path / "a", ours), dataset(tmp_path / "real", theirs)
    make_clips_file(tmp_path / "a" / "0.jsonl", [asked], tmp_path / "own.h5", workers=1, contained=False)
    broken(other)
    pairs = {item.id: item for item in other}
    make_partner_clips(tmp_path / "own.h5", None, own, pairs, tmp_path / "theirs.h5", trim=trim, workers=1)
    return tmp_path / "theirs.h5"


def test_frames_of_the_same_numbers(tmp_path: Path) -> None:
    ours = {name: frames(12, seed=seed) for seed, name in enumerate("xyz")}
    theirs = {name: frames(12, seed=50 + seed) for seed, name in enumerate("xy")}
    path = made(tmp_path, ours, theirs)
    with open_clips(tmp_path / "own.h5") as own, open_clips(path) as other:
        rows = partner_of(own, other)
        assert {name for name, _ in rows} == {"x.mkv", "y.mkv"}  # z has no partner
        assert len(rows) == 6
        for at, key in enumerate(zip(own.video, own.draw.tolist(), strict=True)):
            if key in rows:
                wanted = theirs[key[0][0]][own.index[at]]
                np.testing.assert_array_equal(other[rows[key] : rows[key] + 1][0], wanted)


def test_of_unequal_lengths_only_what_both_have(tmp_path: Path) -> None:
    each = Asked(
        spec=ClipSpec(frames=2, size="native", start="each", clips_per_video="all"), seed=0, draws=16, native=(48, 64)
    )
    ours, theirs = {"x": frames(12)}, {"x": frames(7, seed=1)}
    path = made(tmp_path, ours, theirs, trim=True, asked=each)
    with open_clips(path) as other:
        assert sorted(other.start.tolist()) == list(range(6))
        assert other.index.max() == 6


@pytest.mark.parametrize("theirs", [frames(7), frames(12, 40, 64)])
def test_unequal_pairs_are_left_out(tmp_path: Path, theirs: np.ndarray) -> None:
    """In silence: the gate has listed them."""
    path = made(tmp_path, {"x": frames(12), "y": frames(12)}, {"x": theirs, "y": frames(12)})
    with open_clips(path) as other:
        assert set(other.video) == {"y.mkv"}
        assert other.failed == []


def test_a_partner_that_ends_before_every_clip_is_noted(tmp_path: Path) -> None:
    last = Asked(spec=ClipSpec(frames=2, size="native", start="random"), seed=0, draws=1, native=(48, 64))
    path = made(tmp_path, {"x": frames(400)}, {"x": frames(3)}, trim=True, asked=last)
    with open_clips(tmp_path / "own.h5") as own, open_clips(path) as other:
        assert own.start.tolist() > [3]  # what the test rests on
        ((noted),) = other.failed
        assert (noted["video"], noted["reason"], noted["clips"]) == ("x.mkv", "short-partner", 1)
        assert noted["path"].endswith("real/x.mkv")


def test_a_partner_that_cannot_be_decoded_is_noted(tmp_path: Path) -> None:
    clips = {"x": frames(12), "y": frames(12, seed=1)}
    path = made(tmp_path, clips, clips, broken=lambda other: Path(other[0].path).unlink())
    with open_clips(path) as other:
        assert set(other.video) == {"y.mkv"}
        (noted,) = other.failed
        assert (noted["video"], noted["reason"], noted["clips"]) == ("x.mkv", "bad-partner", 3)
        assert noted["path"].endswith("real/x.mkv")
        assert noted["detail"].startswith("missing, ")


def test_other_frames_are_never_compared(tmp_path: Path) -> None:
    """Clips of partners that were left by another draw."""
    made(tmp_path, {"x": frames(12)}, {"x": frames(12)})
    other = ASKED.model_copy(update={"seed": 8})
    make_clips_file(tmp_path / "a" / "0.jsonl", [other], tmp_path / "other.h5", workers=1, contained=False)
    with (
        open_clips(tmp_path / "other.h5") as own,
        open_clips(tmp_path / "theirs.h5") as theirs,
        pytest.raises(VidgaugeError, match=r"hold other frames of x\.mkv"),
    ):
        partner_of(own, theirs)


def test_clips_that_are_gone_are_made_again(tmp_path: Path) -> None:
    """As on a machine of a cluster that does not see them."""
    clips = {"x": frames(12), "y": frames(12, seed=1)}
    path = made(tmp_path, clips, clips)
    shard, pairs = tmp_path / "a" / "0.jsonl", tmp_path / "pairs.jsonl"
    own, _ = read_shard(shard)
    write_text(pairs, to_jsonl([item.id, video_as_dict(item)] for item in own))
    again: Callable[..., None] = partial(
        make_partner_clips_file, videos=shard, asked=ASKED, pairs=pairs, trim=False, workers=1
    )
    again([], tmp_path / "again.h5")
    with open_clips(path) as before, open_clips(tmp_path / "again.h5") as after:
        np.testing.assert_array_equal(before.index, after.index)
        np.testing.assert_array_equal(before[:], after[:])
    assert not list(tmp_path.rglob("*.tmp"))
    with pytest.raises(VidgaugeError, match="wanted in one file, 2 were given"):
        again([tmp_path / "own.h5", tmp_path / "own.h5"], tmp_path / "third.h5")
