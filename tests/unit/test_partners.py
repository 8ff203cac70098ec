"""The clips of partners: the same frames of each video's own reference video, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.make_videos import encode, frames
from tests.unit.media.helpers import video
from vidgauge.errors import VidgaugeError
from vidgauge.files import to_jsonl, write_text
from vidgauge.manifest.probing import video_as_dict, write_shard
from vidgauge.partners import make_partner_clips, partner_of
from vidgauge.specs import Asked, ClipSpec, Video
from vidgauge.stages import make_clips_file
from vidgauge.store.clips import open_clips

LOSSLESS = {"codec": "ffv1", "pix_fmt": "bgr0"}
SPEC = ClipSpec(frames=2, stride=2, size="native", start="random", clips_per_video=3)
ASKED = Asked(spec=SPEC, seed=7, draws=3, native=(48, 64))


def dataset(folder: Path, clips: dict[str, np.ndarray], fps: int = 8) -> tuple[list[Video], Path]:
    """Videos by name, and their manifest."""
    folder.mkdir()
    found = [video(encode(folder / f"{name}.mkv", clip, fps=fps, **LOSSLESS)) for name, clip in sorted(clips.items())]
    found = [replace(item, id=Path(item.path).name) for item in found]
    write_text(folder / "videos.jsonl", to_jsonl(video_as_dict(item) for item in found))
    write_shard(folder / "0.jsonl", [{"video": video_as_dict(replace(item, columns={}))} for item in found])
    return found, folder / "videos.jsonl"


def made(
    tmp_path: Path,
    ours: dict[str, np.ndarray],
    theirs: dict[str, np.ndarray],
    *,
    trim: bool = False,
    asked: Asked = ASKED,
) -> Path:
    _, own = dataset(tmp_path / "a", ours)
    _, other = dataset(tmp_path / "real", theirs)
    make_clips_file(tmp_path / "a" / "0.jsonl", [asked], tmp_path / "own.h5", workers=1, contained=False)
    make_partner_clips(tmp_path / "own.h5", None, (own, other), tmp_path / "theirs.h5", trim=trim, workers=1)
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


@pytest.mark.parametrize(
    ("theirs", "asked", "said"),
    [
        (
            frames(7),
            ASKED,
            "1 of 1 pairs are of unequal length: .*x.mkv has 12 frames, its partner .*x.mkv 7. .*unequal: trim",
        ),
        (frames(12, 40, 64), ASKED, "1 of 1 pairs are of unequal size: .*has 64x48 pixels, its partner .* 64x40"),
    ],
)
def test_unequal_pairs_are_refused(tmp_path: Path, theirs: np.ndarray, asked: Asked, said: str) -> None:
    with pytest.raises(VidgaugeError, match=said):
        made(tmp_path, {"x": frames(12)}, {"x": theirs}, asked=asked)


def test_a_partner_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    _, own = dataset(tmp_path / "a", {"x": frames(12)})
    (other,), listed = dataset(tmp_path / "real", {"x": frames(12, seed=1)})
    make_clips_file(tmp_path / "a" / "0.jsonl", [ASKED], tmp_path / "own.h5", workers=1, contained=False)
    Path(other.path).unlink()
    with pytest.raises(VidgaugeError, match=r"real/x\.mkv: the partner of x\.mkv was usable .*: missing"):
        make_partner_clips(tmp_path / "own.h5", None, (own, listed), tmp_path / "t.h5", trim=False, workers=1)
